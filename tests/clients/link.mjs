// A proxy between a client under audit and the server. It adds a token to each request, and can cut its connections.

import { createServer, connect } from 'node:net';
import { Transform } from 'node:stream';

export class Link {
  /** The number of requests. */
  requests = 0;
  #sockets = new Set();
  #listener;

  /** Forwards to the server at `port`; `token()` returns the next request's token. */
  static open(port, token) {
    const link = new Link();
    link.#listener = createServer((client) => {
      const server = connect(port, '127.0.0.1');
      for (const [from, to, ...through] of [
        [client, server, link.#authorize(token)],
        [server, client],
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

  close() {
    this.cut();
    this.#listener.close();
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
