// Readers on Node.js: each reads a stream's URL and calls `onText` with each message's text, and reconnects as its
// library documents. Each returns a function that stops it.

import { EventSource } from 'eventsource';
import { createEventSource } from 'eventsource-client';
import { EventSourceParserStream } from 'eventsource-parser/stream';
import { EventSource as LaunchDarklyEventSource } from 'launchdarkly-eventsource';
import { EventSource as UndiciEventSource } from 'undici';

const text = ({ data }) => JSON.parse(data).text;

/** A class with the interface of a browser's EventSource. */
function readWithEventSource(Source, options) {
  return (url, onText) => {
    const source = new Source(url, options);
    source.onmessage = (event) => onText(text(event));
    // It reconnects by itself; without a listener some libraries print each error.
    source.onerror = () => {};
    return () => source.close();
  };
}

function eventsourceClient(url, onText) {
  const source = createEventSource({
    url,
    onMessage: (event) => onText(text(event)),
  });
  return () => source.close();
}

/** Only a parser: the caller must reconnect with the last id. */
function eventsourceParser(url, onText) {
  const stopped = new AbortController();
  let lastEventId;
  const connect = async () => {
    const headers = lastEventId === undefined ? {} : { 'Last-Event-ID': lastEventId };
    const { body } = await fetch(url, { headers, signal: stopped.signal });
    const events = body.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream());
    for await (const event of events) {
      lastEventId = event.id ?? lastEventId;
      if (event.event === undefined) onText(text(event));
    }
  };
  const loop = async () => {
    while (!stopped.signal.aborted) {
      await connect().catch(() => {});
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  };
  void loop();
  return () => stopped.abort();
}

export const NODE_READERS = {
  eventsource: readWithEventSource(EventSource),
  'eventsource-client': eventsourceClient,
  'eventsource-parser': eventsourceParser,
  'launchdarkly-eventsource': readWithEventSource(LaunchDarklyEventSource, {
    initialRetryDelayMillis: 200,
  }),
  undici: readWithEventSource(UndiciEventSource),
};
