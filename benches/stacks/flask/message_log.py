"""The message log, for one process or for several.

`MemoryLog` wakes its readers; it serves one process. Several processes (gunicorn's sync workers) need a store
in common: `SqliteLog`, whose readers check it every quarter of a second.
"""

import sqlite3
import threading
import time
from collections import defaultdict, deque
from datetime import datetime, timezone

KEPT_MESSAGES = 10_000
LOOK_SECONDS = 0.25


def message_of(id, room, author, text, sent_at):
    return {"id": id, "cursor": str(id), "room": room, "author": author, "text": text, "sent_at": sent_at}


def now():
    return datetime.now(timezone.utc).isoformat()


class MemoryLog:
    """Ids count within a room; a cursor is the id of the last message that was read."""

    def __init__(self):
        self.rooms = defaultdict(lambda: deque(maxlen=KEPT_MESSAGES))
        self.heads = defaultdict(int)
        self.bell = threading.Condition()

    def append(self, room, author, text):
        with self.bell:
            self.heads[room] += 1
            message = message_of(self.heads[room], room, author, text, now())
            self.rooms[room].append(message)
            self.bell.notify_all()
        return message

    def before_last(self, room, count):
        return max(self.heads[room] - count, 0)

    def after(self, room, cursor):
        messages = self.rooms[room]
        count = min(max(self.heads[room] - cursor, 0), len(messages))
        return [messages[index] for index in range(-count, 0)]

    def wait(self, room, cursor, seconds):
        with self.bell:
            self.bell.wait_for(lambda: self.heads[room] > cursor, seconds)
            return self.after(room, cursor)


class SqliteLog:
    """Ids count through all rooms; a cursor is the id of the last message that was read."""

    def __init__(self, path):
        # gunicorn loads the application in each worker, so no two processes share this connection.
        self.db = sqlite3.connect(path, isolation_level=None)
        self.db.execute("PRAGMA journal_mode = WAL")
        self.db.execute("CREATE TABLE IF NOT EXISTS messages (id INTEGER PRIMARY KEY, room, author, text, sent_at)")
        self.db.execute("CREATE INDEX IF NOT EXISTS by_room ON messages (room, id)")

    def append(self, room, author, text):
        sent_at = now()
        insert = "INSERT INTO messages (room, author, text, sent_at) VALUES (?, ?, ?, ?)"
        row = self.db.execute(insert, (room, author, text, sent_at))
        return message_of(row.lastrowid, room, author, text, sent_at)

    def before_last(self, room, count):
        newest = "SELECT id FROM messages WHERE room = ? ORDER BY id DESC LIMIT 1 OFFSET ?"
        row = self.db.execute(newest, (room, count)).fetchone()
        return row[0] if row else 0

    def after(self, room, cursor):
        query = "SELECT id, room, author, text, sent_at FROM messages WHERE room = ? AND id > ? ORDER BY id LIMIT 1000"
        return [message_of(*row) for row in self.db.execute(query, (room, cursor))]

    def wait(self, room, cursor, seconds):
        end = time.monotonic() + seconds
        while not (found := self.after(room, cursor)) and time.monotonic() < end:
            time.sleep(LOOK_SECONDS)
        return found
