"""Reads a stream with one of the libraries from PyPI, and prints each message's text as a line.

Usage: reader.py LIBRARY URL. Where a library does not reconnect by itself, its user does, with the last id, as its
documentation says.
"""

import asyncio
import json
import sys
import time


def show(data):
    print(json.loads(data)["text"], flush=True)


def reconnecting(connect):
    """Calls `connect(last_id)`, a generator of (event, data, id), repeatedly."""
    last_id = None
    while True:
        try:
            for event, data, event_id in connect(last_id):
                last_id = event_id or last_id
                if event == "message" and data:
                    show(data)
        except Exception as error:
            print(f"reconnects after {error!r}", file=sys.stderr, flush=True)
        time.sleep(0.2)


def headers(last_id):
    return {"Last-Event-ID": last_id} if last_id else {}


def httpx_sse(url):
    import httpx
    from httpx_sse import connect_sse

    def connect(last_id):
        with httpx.Client(timeout=None) as client:
            with connect_sse(client, "GET", url, headers=headers(last_id)) as source:
                for event in source.iter_sse():
                    yield event.event, event.data, event.id

    reconnecting(connect)


def sseclient_py(url):
    import requests
    import sseclient

    def connect(last_id):
        response = requests.get(url, stream=True, headers=headers(last_id))
        for event in sseclient.SSEClient(response).events():
            yield event.event, event.data, event.id

    reconnecting(connect)


def requests_sse(url):
    from requests_sse import EventSource

    def connect(last_id):
        with EventSource(url, headers=headers(last_id), timeout=None) as source:
            for event in source:
                yield event.type, event.data, event.last_event_id

    reconnecting(connect)


def launchdarkly_eventsource(url):
    from ld_eventsource import SSEClient
    from ld_eventsource.config import ConnectStrategy, ErrorStrategy

    # The library reconnects with the last id, as long as the strategy allows.
    client = SSEClient(
        connect=ConnectStrategy.http(url),
        error_strategy=ErrorStrategy.always_continue(),
        initial_retry_delay=0.2,
    )
    for event in client.events:
        if event.event == "message":
            show(event.data)


def aiohttp_sse_client2(url):
    from aiohttp_sse_client2.client import EventSource

    async def read():
        last_id = None
        while True:
            try:
                async with EventSource(url, headers=headers(last_id)) as source:
                    async for event in source:
                        last_id = event.last_event_id or last_id
                        if event.type in (None, "message") and event.data:
                            show(event.data)
            except Exception as error:
                print(f"reconnects after {error!r}", file=sys.stderr, flush=True)
            await asyncio.sleep(0.2)

    asyncio.run(read())


LIBRARIES = {
    "aiohttp-sse-client2": aiohttp_sse_client2,
    "httpx-sse": httpx_sse,
    "launchdarkly-eventsource": launchdarkly_eventsource,
    "requests-sse": requests_sse,
    "sseclient-py": sseclient_py,
}

if __name__ == "__main__":
    _, library, url = sys.argv
    LIBRARIES[library](url)
