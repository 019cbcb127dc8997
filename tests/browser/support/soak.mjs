// Two lanes side by side while messages come at a steady rate: what the page holds, and what keeps it busy.

import { holding, longTasks, watchLongTasks } from './heap.mjs';
import { steady } from './steady.mjs';
import { until } from './wait.mjs';

/** What fills up first is the log: its last messages are kept. Then the diagrams' window is full as well. */
const FULL_LOG = 500;

/**
 * Publishes `per_second` messages for `seconds`, and looks every `every_s`. `lab` shows two lanes. Long tasks are
 * counted from the first look on; the collection of garbage that a look begins with is not the page's own doing, and
 * what it takes is left out.
 */
export async function soak({ server, lab, per_second, seconds, every_s }) {
  const { page } = lab;
  await watchLongTasks(page);
  const hold = await holding(page);
  const traffic = steady(server, per_second);
  const looks = [];
  const looked_us = [];
  const begun = performance.now();
  const since_s = () => (performance.now() - begun) / 1_000;
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

/** The clock of the browser's traces. */
function monotonic_us() {
  return Number(process.hrtime.bigint() / 1_000n);
}

/** Fills what is bounded by count, so that growth after it is growth. */
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
