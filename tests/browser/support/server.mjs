// Runs the real server as a process: started on a free port, restarted on the same one, and always ended.

import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { within } from './wait.mjs';

/** The program under test. */
export const BINARY =
  process.env.POLL_VS_SSE_BIN ??
  fileURLToPath(new URL('../../../target/release/poll-vs-sse', import.meta.url));

const START_MS = 15_000;
const STOP_MS = 5_000;

const running = new Set();

// No server outlives this process.
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

export class Server {
  #child = null;
  #folder;
  #store;
  #flags;
  #port = 0;
  #output = '';
  #tlsPort = 0;

  /** `store` is `memory` or `sqlite`, whose file is kept until `end`. `flags` are further command-line flags. */
  static async start(store = 'memory', flags = []) {
    const server = new Server();
    server.#folder = await mkdtemp(join(tmpdir(), 'poll-vs-sse-'));
    server.#store = store === 'sqlite' ? `sqlite:${join(server.#folder, 'chat.db')}` : store;
    server.#flags = flags;
    await server.up();
    return server;
  }

  get origin() {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** The origin with TLS, if `--tls` was given. */
  get tlsOrigin() {
    return `https://127.0.0.1:${this.#tlsPort}`;
  }

  page(query = '') {
    return `${this.origin}/${query}`;
  }

  /** Starts the process, on its previous ports after a restart. */
  async up() {
    const args = ['--bind', `127.0.0.1:${this.#port}`, '--store', this.#store, ...this.#flags];
    if (this.#flags.includes('--tls')) args.push('--bind-tls', `127.0.0.1:${this.#tlsPort}`);
    const child = spawn(BINARY, args, { cwd: this.#folder, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    running.add(child);
    child.once('exit', () => running.delete(child));

    let said = '';
    this.#output = '';
    const listening = new Promise((resolve, reject) => {
      const read = (chunk) => {
        said += chunk;
        this.#output += chunk;
        const tls = /listening on https:\/\/127\.0\.0\.1:(\d+)/.exec(said);
        if (tls) this.#tlsPort = Number(tls[1]);
        const found = /listening on http:\/\/127\.0\.0\.1:(\d+)/.exec(said);
        if (found && (tls || !this.#flags.includes('--tls'))) resolve(Number(found[1]));
      };
      child.stdout.setEncoding('utf8').on('data', read);
      child.stderr.setEncoding('utf8').on('data', (chunk) => (this.#output += chunk));
      child.once('error', reject);
      child.once('exit', (code) => reject(new Error(`the server ended with ${code}:\n${this.#output}`)));
    });
    this.#port = await within(START_MS, 'the server starts', listening);
  }

  /** Stops the process as an operator would. */
  async down() {
    const child = this.#child;
    if (child === null || !running.has(child)) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    await within(STOP_MS, 'the server stops', ended);
  }

  /** Kills the process, as a power cut would. */
  async crash() {
    const child = this.#child;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
  }

  async end() {
    try {
      await this.down();
    } finally {
      this.#child?.kill('SIGKILL');
      await rm(this.#folder, { recursive: true, force: true });
    }
  }

  /** `headers` are further request headers. */
  async publish(draft, headers = {}) {
    const response = await fetch(`${this.origin}/messages`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...headers },
      body: JSON.stringify({ room: 'lobby', author: 'tomas', ...draft }),
      signal: AbortSignal.timeout(10_000),
    });
    // 200 is the answer to a repetition with the same Idempotency-Key.
    if (!response.ok) throw new Error(`publish: ${response.status} ${await response.text()}`);
    return response.json();
  }

  /** A client's lines of the request log, in order, each as `{ event, transport, status, … }`. */
  requestLog(client) {
    return this.#output
      .split('\n')
      .map((line) => line.split(' '))
      .filter(([, event]) => ['request', 'opened', 'closed'].includes(event))
      .map(([, event, ...fields]) => ({ event, ...Object.fromEntries(fields.map((f) => f.split('='))) }))
      .filter((line) => line.client === client);
  }

  /** The ledger of a client or, without one, of the whole server. */
  async ledger(client) {
    const response = await fetch(`${this.origin}/ledger${client === undefined ? '' : `?client=${client}`}`, {
      signal: AbortSignal.timeout(10_000),
    });
    if (!response.ok) throw new Error(`ledger: ${response.status} ${await response.text()}`);
    return response.json();
  }
}
