// Measures how smoothly the page runs: two lanes side by side and a steady rate of messages, for a given time.
//
//     npm run soak -- [--minutes 10] [--rate 20] [--json FILE]
//
// Prints long tasks (over 50 ms, by CPU time and as the browser reports them), and the growth of heap, nodes and
// listeners after the first minute, when everything that is bounded by number or by time is full.

import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { launch, LabPage } from './support/browser.mjs';
import { traceTasks } from './support/heap.mjs';
import { Server } from './support/server.mjs';
import { fill, soak } from './support/soak.mjs';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    rate: { type: 'string', default: '20' },
    json: { type: 'string' },
  },
});
const [minutes, per_second] = [Number(values.minutes), Number(values.rate)];
if (!(minutes > 0 && minutes <= 120 && per_second > 0 && per_second <= 50)) {
  console.error('soak: --minutes is above 0 and at most 120, --rate above 0 and at most 50');
  process.exit(2);
}

const git = (...args) => execFileSync('git', args, { encoding: 'utf8' }).trim();
const browser = await launch();
const server = await Server.start('memory');
try {
  const lab = await LabPage.open(browser, server.page('?view=side-by-side'), {
    viewport: { width: 1440, height: 900 },
  });
  await lab.waitForBothLanes();
  await fill({ server, lab, lanes: [lab.lane('Polling'), lab.lane('SSE')] });
  const followed = await traceTasks(browser);
  const { published, seconds, looks, looked_us, long_tasks_ms } = await soak({
    server,
    lab,
    per_second,
    seconds: minutes * 60,
    every_s: Math.min(10, minutes * 20),
  });
  const ran = await followed.stop(looked_us);
  await lab.expectNoErrors();

  const full = looks.find(({ at_s }) => at_s >= 60) ?? looks[1];
  const last = looks.at(-1);
  const megabytes = (bytes) => `${(bytes / 1_000_000).toFixed(1)} MB`;
  const busy = (name) => `${(((last[name] - looks[0][name]) / seconds) * 100).toFixed(1)} %`;
  console.log(`published          ${published} in ${Math.round(seconds)} s`);
  console.log(
    `by CPU time        ${ran.tasks} tasks, ${ran.over_50_ms.length} over 50 ms, longest ${ran.longest_ms.toFixed(1)} ms`,
  );
  console.log(
    `by the clock       ${long_tasks_ms.length} over 50 ms, longest ${Math.max(0, ...long_tasks_ms)} ms (waiting for the processor included)`,
  );
  console.log(
    `heap               ${megabytes(full.heap_bytes)} at ${full.at_s} s, ${megabytes(last.heap_bytes)} at the end`,
  );
  console.log(`nodes              ${full.nodes} at ${full.at_s} s, ${last.nodes} at the end`);
  console.log(`listeners          ${full.listeners} at ${full.at_s} s, ${last.listeners} at the end`);
  console.log(
    `main thread's CPU  ${busy('task_s')} (script ${busy('script_s')}, style and layout ${busy('layout_s')})`,
  );
  if (values.json !== undefined) {
    const record = {
      command: `npm run soak -- --minutes ${minutes} --rate ${per_second}`,
      commit: git('rev-parse', 'HEAD'),
      at: new Date().toISOString(),
      machine: { cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length, browser: browser.version() },
      per_second,
      published,
      seconds,
      tasks: ran,
      long_tasks_ms,
      looks,
    };
    await writeFile(values.json, `${JSON.stringify(record, null, 1)}\n`);
  }
} finally {
  await browser.close();
  await server.end();
}
