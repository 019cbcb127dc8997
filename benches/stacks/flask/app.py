"""Flask on gunicorn: the message log over polling, long-polling and Server-Sent Events.

A stream is a response over a generator, which holds its worker for as long as it lasts: a process (sync),
a thread (gthread) or a greenlet (gevent). The kind of worker decides the kind of log: see message_log.py.
"""

import json
import os

from flask import Flask, Response, abort, jsonify, request

from message_log import MemoryLog, SqliteLog

PAGE = 200
KEEP_ALIVE_SECONDS = 15

app = Flask(__name__)
database = os.environ.get("DATABASE")
log = SqliteLog(database) if database else MemoryLog()


def place():
    """The room and the reader's first cursor: Last-Event-ID, else `cursor`, else `last` messages before the end."""
    room = request.args.get("room", "lobby")
    given = request.headers.get("Last-Event-ID") or request.args.get("cursor")
    try:
        start = log.before_last(room, int(request.args.get("last", 50))) if given is None else int(given)
    except ValueError:
        abort(400, "cursor and last are numbers")
    if start < 0:
        abort(400, "cursor is not negative")
    return room, start


@app.post("/messages")
def publish():
    body = request.get_json()
    if not isinstance(body, dict):
        abort(422, "a JSON object")
    room, author, text = body.get("room", "lobby"), body.get("author"), body.get("text")
    if not all(isinstance(field, str) and field for field in (room, author, text)):
        abort(422, "room, author and text are texts")
    return jsonify(log.append(room, author, text)), 201


@app.get("/poll")
def poll():
    room, cursor = place()
    wait = min(request.args.get("wait", 0, type=float), 60)
    found = log.wait(room, cursor, wait) if wait > 0 else log.after(room, cursor)
    page = found[:PAGE]
    answer = jsonify(
        messages=page,
        cursor=page[-1]["cursor"] if page else str(cursor),
        more=len(found) > PAGE,
        reset=None,
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer


@app.get("/stream")
def stream():
    room, start = place()

    def events(cursor):
        yield "retry: 1000\n\n"
        while True:
            found = log.wait(room, cursor, KEEP_ALIVE_SECONDS)
            if not found:
                yield ": keep-alive\n\n"
            for message in found:
                yield f"id: {message['cursor']}\ndata: {json.dumps(message)}\n\n"
                cursor = message["id"]

    headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
    return Response(events(start), mimetype="text/event-stream", headers=headers)
