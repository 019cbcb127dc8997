"""FastAPI: the message log over polling, long-polling and Server-Sent Events.

A stream is a path operation that yields `ServerSentEvent`; FastAPI sends a keep-alive every 15 s by itself.
"""

import asyncio
from collections import defaultdict, deque
from datetime import datetime, timezone
from typing import Annotated, AsyncIterable

from fastapi import FastAPI, Header, Query, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import BaseModel, Field

KEPT_MESSAGES = 10_000
PAGE = 200


class Draft(BaseModel):
    room: str = Field("lobby", min_length=1)
    author: str = Field(min_length=1)
    text: str = Field(min_length=1)


class Message(Draft):
    id: int
    cursor: str
    sent_at: datetime


class Page(BaseModel):
    messages: list[Message]
    cursor: str
    more: bool
    reset: str | None = None


class Room:
    """One room's messages, oldest first. A cursor is the id of the last message that was read."""

    def __init__(self) -> None:
        self.messages: deque[Message] = deque(maxlen=KEPT_MESSAGES)
        self.head = 0
        self.bell = asyncio.Event()

    def append(self, draft: Draft) -> Message:
        self.head += 1
        now = datetime.now(timezone.utc)
        message = Message(id=self.head, cursor=str(self.head), sent_at=now, **draft.model_dump())
        self.messages.append(message)
        self.bell.set()
        self.bell = asyncio.Event()
        return message

    def after(self, cursor: int) -> list[Message]:
        count = min(max(self.head - cursor, 0), len(self.messages))
        return [self.messages[index] for index in range(-count, 0)]


rooms: defaultdict[str, Room] = defaultdict(Room)
app = FastAPI()

RoomName = Annotated[str, Query(min_length=1)]
Last = Annotated[int, Query(ge=0, le=1000)]
LastEventId = Annotated[int | None, Header(ge=0)]
Cursor = Annotated[int | None, Query(ge=0)]


def start_of(room: Room, last_event_id: int | None, cursor: int | None, last: int) -> int:
    """The reader's first cursor: Last-Event-ID, else `cursor`, else `last` messages before the end."""
    given = last_event_id if last_event_id is not None else cursor
    return given if given is not None else max(room.head - last, 0)


@app.post("/messages", status_code=201)
async def publish(draft: Draft) -> Message:
    return rooms[draft.room].append(draft)


@app.get("/poll")
async def poll(
    response: Response,
    room: RoomName = "lobby",
    cursor: Cursor = None,
    last: Last = 50,
    wait: Annotated[float, Query(ge=0, le=60)] = 0,
    last_event_id: LastEventId = None,
) -> Page:
    log = rooms[room]
    start = start_of(log, last_event_id, cursor, last)
    if wait > 0 and not log.after(start):
        try:
            await asyncio.wait_for(log.bell.wait(), wait)
        except TimeoutError:
            pass
    found = log.after(start)
    page = found[:PAGE]
    response.headers["Cache-Control"] = "no-store"
    return Page(messages=page, cursor=page[-1].cursor if page else str(start), more=len(found) > PAGE)


@app.get("/stream", response_class=EventSourceResponse)
async def stream(
    room: RoomName = "lobby",
    cursor: Cursor = None,
    last: Last = 50,
    last_event_id: LastEventId = None,
) -> AsyncIterable[ServerSentEvent]:
    log = rooms[room]
    start = start_of(log, last_event_id, cursor, last)
    yield ServerSentEvent(retry=1000)
    while True:
        bell = log.bell
        for message in log.after(start):
            yield ServerSentEvent(id=message.cursor, data=message)
            start = message.id
        if bell is log.bell:
            await bell.wait()
