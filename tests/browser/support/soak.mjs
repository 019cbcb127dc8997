// Measures the page with two lanes while messages arrive at a steady rate.

import { createHeapProbe, longTasks, watchLongTasks } from './heap.mjs';
import { publishSteadily } from './steady.mjs';
import { until } from './wait.mjs';

/** The number of messages that a log keeps. With them, the diagrams' window is full as well. */
const FULL_LOG = 500;

/**
 * Publishes `per_second` messages per second for `seconds`, and measures every `every_s`. `lab` shows two lanes. Long
 * tasks count from the first measurement on, without the garbage collections that measurements cause.
 */
export async function soak({ server, lab, per_second, seconds, every_s }) {
  const { page } = lab;
  await watchLongTasks(page);
  const hold = await createHeapProbe(page);
  const traffic = publishSteadily(server, per_second);
  const looks = [];
  const looked_us = [];
  const start_ms = performance.now();
  const since_s = () => (performance.now() - start_ms) / 1_000;
  try {
    for (let due_s = 0; due_s <= seconds; due_s += every_s) {
      await until(`${due_s} s are over`, () => since_s() >= due_s, (every_s + 30) * 1_000);
      const long_tasks_ms = await longTasks(page);
      const from_us = monotonic_us();
      looks.push({ at_s: Math.round(since_s() * 10) / 10, ...(await hold()), long_tasks_ms });
      looked_us.push([from_us, monotonic_us()]);
      await longTasks(page);
    }
  } finally {
    const { length: published } = await traffic.stop();
    looks.push({ published, at_s: since_s() });
  }
  const { published, at_s } = looks.pop();
  const [, ...counted] = looks;
  return {
    published,
    seconds: at_s,
    looks,
    looked_us,
    long_tasks_ms: counted.flatMap((look) => look.long_tasks_ms),
  };
}

/** By the clock of the browser's traces. */
function monotonic_us() {
  return Number(process.hrtime.bigint() / 1_000n);
}

/** Fills everything that is bounded by a number of messages, so that any later growth is a leak. */
export async function fill({ server, lab, lanes }) {
  for (let number = 0; number < FULL_LOG; number += 50) {
    await Promise.all(
      Array.from({ length: 50 }, (_, each) => server.publish({ text: `before ${number + each}` })),
    );
  }
  await server.publish({ text: 'begin' });
  for (const lane of lanes) await lane.log.getByText('begin', { exact: true }).waitFor();
  await lab.page.getByRole('region', { name: 'Over time' }).scrollIntoViewIfNeeded();
}
