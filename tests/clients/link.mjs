// A proxy between a client under audit and the server. It adds a token to each request, and can cut its connections.

import { createServer, connect } from 'node:net';
import { Transform } from 'node:stream';

/** The time between the last bytes and the reset. */
const PAUSE_MS = 50;
/** The beginning of an event's data, after its id. */
const DATA = 'data: {';

export class Link {
  /** The number of requests. */
  requests = 0;
  #sockets = new Set();
  #listener;
  /** What to do at the next event: whether to cut it in two, and whom to tell of the reset. */
  #eventCut = null;

  /** Forwards to the server at `port`; `token()` returns the next request's token. */
  static open(port, token) {
    const link = new Link();
    link.#listener = createServer((client) => {
      const server = connect(port, '127.0.0.1');
      for (const [from, to, ...through] of [
        [client, server, link.#authorize(token)],
        [server, client, link.#interrupt(client)],
      ]) {
        link.#sockets.add(from);
        through.reduce((source, step) => source.pipe(step), from).pipe(to);
        from.on('error', () => to.destroy());
        from.on('close', () => {
          link.#sockets.delete(from);
          to.destroy();
        });
      }
    });
    return new Promise((resolve) => link.#listener.listen(0, '127.0.0.1', () => resolve(link)));
  }

  get origin() {
    return `http://127.0.0.1:${this.#listener.address().port}`;
  }

  /** Resets every connection, even in the middle of a message. */
  cut() {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  /** Resets the next connection on which an event arrives, in the middle of this event or after it. */
  cutAtEvent(isInside) {
    return new Promise((onReset) => (this.#eventCut = { isInside, onReset }));
  }

  close() {
    this.cut();
    this.#listener.close();
  }

  /** Passes everything on, but can reset the connection to `client` at an event. */
  #interrupt(client) {
    return new Transform({
      transform: (bytes, _, done) => {
        const data = bytes.indexOf(DATA);
        const cut = this.#eventCut;
        if (cut === null || data < 0) return done(null, bytes);
        this.#eventCut = null;
        // The server sends events whole.
        const end = cut.isInside ? data + DATA.length : bytes.length;
        // Later than the bytes, as a reset may discard what the client has not read yet.
        client.write(bytes.subarray(0, end), () =>
          setTimeout(() => {
            client.resetAndDestroy();
            cut.onReset();
          }, PAUSE_MS),
        );
      },
    });
  }

  /** Adds the token after the request line. Clients do not pipeline, so each request begins with a new chunk. */
  #authorize(token) {
    return new Transform({
      transform: (bytes, _, done) => {
        if (!bytes.subarray(0, 4).equals(Buffer.from('GET '))) return done(null, bytes);
        this.requests += 1;
        const end = bytes.indexOf('\r\n') + 2;
        const field = Buffer.from(`Authorization: Bearer ${token()}\r\n`);
        done(null, Buffer.concat([bytes.subarray(0, end), field, bytes.subarray(end)]));
      },
    });
  }
}
