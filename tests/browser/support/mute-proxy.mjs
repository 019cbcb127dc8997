// A proxy between a browser and the server that can go mute: connections stay open, but those that carry a stream
// deliver nothing more, as behind a middlebox that has lost its state.

import { createServer, connect } from 'node:net';

export class MuteProxy {
  #server;
  #sockets = new Set();
  #mute = false;
  /** The number of stream requests before it went mute, and while it was mute. */
  streams = 0;
  muted = 0;

  static async to(port) {
    const proxy = new MuteProxy();
    proxy.#server = createServer((client) => proxy.#relay(client, port));
    await new Promise((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get origin() {
    return `http://127.0.0.1:${this.#server.address().port}`;
  }

  goMute() {
    this.#mute = true;
  }

  recover() {
    this.#mute = false;
  }

  async end() {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #relay(client, port) {
    const server = connect(port, '127.0.0.1');
    let isStream = false;
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ]) {
      this.#sockets.add(socket);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
    }
    client.on('data', (bytes) => {
      if (bytes.includes('GET /stream')) {
        isStream = true;
        if (this.#mute) this.muted += 1;
        else this.streams += 1;
      }
      server.write(bytes);
    });
    server.on('data', (bytes) => {
      if (!(isStream && this.#mute)) client.write(bytes);
    });
  }
}
