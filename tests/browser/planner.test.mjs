// The planner: it answers what `poll-vs-sse plan` answers, says where a number cannot be, and works in both
// languages, on a phone and in the dark.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import AxeBuilder from '@axe-core/playwright';
import { BINARY } from './support/server.mjs';
import { suite } from './support/suite.mjs';
import { until } from './support/wait.mjs';

const check = suite();
const SCREENSHOTS = fileURLToPath(new URL('./screenshots/', import.meta.url));

async function plan(flags) {
  const { stdout } = await promisify(execFile)(BINARY, ['plan', '--json', ...flags], { timeout: 15_000 });
  return JSON.parse(stdout);
}

const panelOf = ({ page }) => page.getByRole('region', { name: 'Planner', exact: true });

/** What a row of the table says, by transport. */
function row(panel, name) {
  return panel.getByRole('row', { name }).getByRole('cell').allTextContents();
}

const three = new Intl.NumberFormat('en', { maximumSignificantDigits: 3 });

check('the planner answers what the command answers', async ({ open }) => {
  const lab = await open();
  const panel = panelOf(lab);
  const question = { Clients: '50000', Rate: '0.5', Size: '300', 'Acceptable delay': '10' };
  for (const [name, value] of Object.entries(question)) {
    await panel.getByRole('spinbutton', { name, exact: true }).fill(value);
  }
  const flags = ['--clients', '50000', '--rate', '0.5', '--size', '300', '--max-delay', '10s'];
  const { transports, break_even } = await plan(flags);
  const all = [transports.poll, transports['long-poll'], transports.stream];
  assert.deepEqual(
    await row(panel, 'Cores busy'),
    all.map(({ cores }) => three.format(cores)),
  );
  assert.deepEqual(
    await row(panel, /^Servers/),
    all.map(({ servers }) => String(servers)),
  );
  const [turn] = break_even.max_delay_s.cpu;
  await panel
    .getByText(`above ${three.format(turn.from)} s`)
    .first()
    .waitFor();

  await panel.getByText('Servers and network').click();
  await panel.getByRole('spinbutton', { name: 'Used to', exact: true }).fill('30');
  await panel.getByRole('combobox', { name: 'Messages come' }).selectOption('regular');
  const other = await plan([...flags, '--utilization', '0.3', '--spacing', 'regular']);
  const cores = [other.transports.poll, other.transports['long-poll'], other.transports.stream];
  assert.deepEqual(
    await row(panel, 'Cores busy'),
    cores.map(({ cores }) => three.format(cores)),
  );
  await lab.noComplaints();
});

check('a number that cannot be is said beside it, and the last answer stays', async ({ open }) => {
  const lab = await open();
  const panel = panelOf(lab);
  const clients = panel.getByRole('spinbutton', { name: 'Clients', exact: true });
  const before = await row(panel, 'Cores busy');
  for (const wrong of ['0', '', '1e99']) {
    await clients.fill(wrong);
    await panel.getByText('A number from 1 to 10,000,000,000.').waitFor();
    assert.equal(await clients.getAttribute('aria-invalid'), 'true', wrong);
    assert.deepEqual(await row(panel, 'Cores busy'), before);
  }
  await clients.fill('20000');
  await until('it answers again', async () => (await row(panel, 'Cores busy')).join() !== before.join());
  assert.equal(await clients.getAttribute('aria-invalid'), null);
  const delay = panel.getByRole('spinbutton', { name: 'Acceptable delay', exact: true });
  await delay.fill('0.001');
  await until('polling is impossible', async () => (await row(panel, /^Servers/))[0] === 'impossible');
  await lab.noComplaints();
});

check('plots say in words where costs cross', async ({ open }) => {
  const lab = await open();
  const panel = panelOf(lab);
  // Plots are made when they come into sight.
  await panel.locator('.curves').scrollIntoViewIfNeeded();
  await panel
    .getByRole('img', { name: /acceptable delay: polling and SSE cross at [\d.]+ s( or [\d.]+ s)*\./ })
    .waitFor();
  await panel.getByRole('img', { name: /messages a second: polling and SSE cross at [\d.]+\./ }).waitFor();
  await panel.getByRole('img', { name: /clients: polling and SSE do not cross\./ }).waitFor();
  assert.equal(await panel.locator('canvas').count(), 3);
  await lab.noComplaints();
});

check('the planner is whole in both languages, on a phone and in the dark', async ({ open }) => {
  await mkdir(SCREENSHOTS, { recursive: true });
  for (const [file, query, options] of [
    ['planner-wide', '', { viewport: { width: 1440, height: 900 } }],
    ['planner-dark', '', { viewport: { width: 1440, height: 900 }, colorScheme: 'dark' }],
    ['planner-phone-ko', '?lang=ko', { viewport: { width: 360, height: 640 } }],
  ]) {
    const lab = await open(query, options);
    const panel = lab.page.locator('#planner');
    await panel.locator('.curves').scrollIntoViewIfNeeded();
    await panel.locator('canvas').nth(2).waitFor();
    const { violations } = await new AxeBuilder({ page: lab.page }).include('#planner').analyze();
    const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
    assert.deepEqual(found, [], file);
    const overflow = await lab.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(overflow <= 0, `${file} is ${overflow} px too wide`);
    await panel.screenshot({ path: `${SCREENSHOTS}${file}.png` });
    await lab.noComplaints();
  }
});
