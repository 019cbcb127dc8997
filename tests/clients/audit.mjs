// The environment of a client under audit: a server that requires tokens, a link to it, and faults.

import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SECRET, token } from '../browser/support/issuer.mjs';
import { Server } from '../browser/support/server.mjs';
import { until } from '../browser/support/wait.mjs';
import { Link } from './link.mjs';

const LONG_S = 3600;
const SHORT_S = 2;

export class Audit {
  sent = [];
  received = [];
  /** The lifetime of the next request's token. */
  token_s = LONG_S;
  /** Whether a reset comes in the middle of an event, or else after one. */
  cutsInsideEvents = true;
  #folder;

  static async start() {
    const audit = new Audit();
    audit.#folder = await mkdtemp(join(tmpdir(), 'poll-vs-sse-clients-'));
    const secret = join(audit.#folder, 'secret');
    await writeFile(secret, SECRET);
    const flags = ['--auth', 'jwt', '--jwt-secret-file', secret, '--drain', '1s'];
    audit.server = await Server.start('sqlite', flags);
    audit.link = await Link.open(Number(new URL(audit.server.origin).port), () => token(audit.token_s));
    return audit;
  }

  get url() {
    return `${this.link.origin}/stream?last=0`;
  }

  /** Waits until its response has begun, as a request that has only arrived may still start after later messages. */
  async waitUntilConnected() {
    await until('the client is connected', async () => {
      const { open, wire_bytes_out } = (await this.server.ledger()).transports.stream;
      return open >= 1 && wire_bytes_out > 0;
    });
  }

  async waitUntilCaughtUp() {
    await until('it has all messages', () => this.received.length >= this.sent.length);
  }

  /** Publishes `count` messages, each once, even if the server fails in the meantime. */
  async publish(count) {
    for (let n = 0; n < count; n++) {
      const text = `message ${this.sent.length}`;
      const headers = { 'Idempotency-Key': randomUUID(), Authorization: `Bearer ${token(LONG_S)}` };
      await until('the message is published', () =>
        this.server.publish({ text }, headers).then(
          () => true,
          () => false,
        ),
      );
      this.sent.push(text);
    }
  }

  /** Publishes before, during and after `fault`, which begins when the client is receiving messages. */
  async publishDuring(fault) {
    let isOver = false;
    const publishing = (async () => {
      while (!isOver) await this.publish(1);
      await this.publish(5);
    })();
    const before = this.received.length;
    try {
      await until('messages arrive', () => this.received.length >= before + 5);
      await fault();
    } finally {
      isOver = true;
      await publishing;
    }
  }

  async end() {
    this.link.close();
    await this.server.end();
    await rm(this.#folder, { recursive: true });
  }
}

/** The faults of the audit, each while messages are published. */
export const FAULTS = {
  'a reset': async (audit) => {
    for (let round = 0; round < 2; round++) {
      await audit.publishDuring(() => audit.link.cutAtEvent(audit.cutsInsideEvents));
      await audit.waitUntilCaughtUp();
    }
  },
  'a restart': (audit) =>
    audit.publishDuring(async () => {
      await audit.server.crash();
      await audit.server.up();
    }),
  'a drain': (audit) =>
    audit.publishDuring(async () => {
      await audit.server.down();
      await audit.server.up();
    }),
  'the expiry of its tokens': async (audit) => {
    audit.token_s = SHORT_S;
    audit.link.cut();
    const before = audit.link.requests;
    // The first request follows the cut; each further one follows the expiry of a token.
    await until('two tokens have expired', async () => {
      await audit.publish(1);
      return audit.link.requests >= before + 3;
    });
    audit.token_s = LONG_S;
  },
};
