"""Django under ASGI: the message log over polling, long-polling and Server-Sent Events.

A stream is a `StreamingHttpResponse` over an async generator. One file, so that all of it can be read:
settings, views, URLs, application.
"""

import asyncio
import json
from collections import defaultdict, deque
from datetime import datetime, timezone

from django.conf import settings
from django.core.asgi import get_asgi_application
from django.http import HttpResponseBadRequest, JsonResponse, StreamingHttpResponse
from django.urls import path
from django.views.decorators.http import require_GET, require_POST

KEPT_MESSAGES = 10_000
PAGE = 200
KEEP_ALIVE_SECONDS = 15

settings.configure(ALLOWED_HOSTS=["127.0.0.1", "localhost"], ROOT_URLCONF=__name__, SECRET_KEY="only for the bench")


class Room:
    """One room's messages, oldest first. A cursor is the id of the last message that was read."""

    def __init__(self):
        self.messages = deque(maxlen=KEPT_MESSAGES)
        self.head = 0
        self.bell = asyncio.Event()

    def append(self, room, author, text):
        self.head += 1
        now = datetime.now(timezone.utc).isoformat()
        message = dict(id=self.head, cursor=str(self.head), room=room, author=author, text=text, sent_at=now)
        self.messages.append(message)
        self.bell.set()
        self.bell = asyncio.Event()
        return message

    def after(self, cursor):
        count = min(max(self.head - cursor, 0), len(self.messages))
        return [self.messages[index] for index in range(-count, 0)]

    async def next(self, cursor, seconds):
        """Waits for messages after `cursor`, and returns them; none after a timeout."""
        if not self.after(cursor):
            try:
                await asyncio.wait_for(self.bell.wait(), seconds)
            except TimeoutError:
                pass
        return self.after(cursor)


rooms = defaultdict(Room)


def start_of(request, room):
    """The reader's first cursor: Last-Event-ID, else `cursor`, else `last` messages before the end."""
    given = request.headers.get("Last-Event-ID") or request.GET.get("cursor")
    start = max(room.head - int(request.GET.get("last", 50)), 0) if given is None else int(given)
    if start < 0:
        raise ValueError("no cursor")
    return start


@require_POST
async def messages(request):
    try:
        body = json.loads(request.body)
        room, author, text = body.get("room", "lobby"), body["author"], body["text"]
    except (ValueError, KeyError, AttributeError):
        return HttpResponseBadRequest("a JSON object with author and text")
    if not all(isinstance(field, str) and field for field in (room, author, text)):
        return HttpResponseBadRequest("room, author and text are texts")
    return JsonResponse(rooms[room].append(room, author, text), status=201)


@require_GET
async def poll(request):
    room = rooms[request.GET.get("room", "lobby")]
    try:
        cursor = start_of(request, room)
        wait = min(float(request.GET.get("wait", 0)), 60)
    except ValueError:
        return HttpResponseBadRequest("cursor, last and wait are numbers")
    found = await room.next(cursor, wait) if wait > 0 else room.after(cursor)
    page = found[:PAGE]
    place = page[-1]["cursor"] if page else str(cursor)
    answer = {"messages": page, "cursor": place, "more": len(found) > PAGE, "reset": None}
    return JsonResponse(answer, headers={"Cache-Control": "no-store"})


@require_GET
async def stream(request):
    room = rooms[request.GET.get("room", "lobby")]
    try:
        start = start_of(request, room)
    except ValueError:
        return HttpResponseBadRequest("cursor and last are numbers")

    async def events(cursor):
        yield "retry: 1000\n\n"
        while True:
            found = await room.next(cursor, KEEP_ALIVE_SECONDS)
            if not found:
                yield ": keep-alive\n\n"
            for message in found:
                yield f"id: {message['cursor']}\ndata: {json.dumps(message)}\n\n"
                cursor = message["id"]

    headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
    return StreamingHttpResponse(events(start), content_type="text/event-stream", headers=headers)


urlpatterns = [path("messages", messages), path("poll", poll), path("stream", stream)]
application = get_asgi_application()
