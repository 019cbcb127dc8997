// The planner: it agrees with `poll-vs-sse plan`, reports invalid numbers, and works in both languages, on a phone and
// in dark mode.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import AxeBuilder from '@axe-core/playwright';
import { BINARY } from './support/server.mjs';
import { publishSteadily } from './support/steady.mjs';
import { suite } from './support/suite.mjs';
import { until } from './support/wait.mjs';

const check = suite();
const SCREENSHOTS = fileURLToPath(new URL('./screenshots/', import.meta.url));

async function plan(flags) {
  const { stdout } = await promisify(execFile)(BINARY, ['plan', '--json', ...flags], { timeout: 15_000 });
  return JSON.parse(stdout);
}

const panelOf = ({ page }) => page.getByRole('region', { name: 'Planner', exact: true });

/** The cells of a row of the table, by transport. */
function row(panel, name) {
  return panel.getByRole('row', { name }).getByRole('cell').allTextContents();
}

const three = new Intl.NumberFormat('en', { maximumSignificantDigits: 3 });

check('the planner agrees with the command, and its answer comes first', async ({ open }) => {
  const lab = await open();
  const panel = panelOf(lab);
  await panel.getByText(/^For 2,000 clients/).waitFor();
  assert.equal(await panel.getByText(/^The step at/).count(), 0, 'it is hardly visible');
  const question = { Clients: '50000', Rate: '0.5', Size: '300', 'Acceptable delay': '10' };
  for (const [name, value] of Object.entries(question)) {
    await panel.getByRole('spinbutton', { name, exact: true }).fill(value);
  }
  const flags = ['--clients', '50000', '--rate', '0.5', '--size', '300', '--max-delay', '10s'];
  const { transports, model } = await plan(flags);
  await panel.getByText(`The step at ${model.idle_s} s of delay`).waitFor();
  const all = [transports.poll, transports['long-poll'], transports.stream];
  const cores = all.map(({ cores }) => three.format(cores));
  await until('the planner answers', async () => (await row(panel, 'Cores busy')).join() === cores.join());
  assert.deepEqual(
    await row(panel, /^Servers/),
    all.map(({ servers }) => String(servers)),
  );
  const answer = panel.getByText(/^For 50,000 clients, polling every .* the wire bytes of SSE\.$/);
  await answer.waitFor();
  assert.equal(await answer.evaluate((element) => getComputedStyle(element).fontWeight), '700');
  const above = (await answer.boundingBox()).y < (await panel.getByRole('table').boundingBox()).y;
  assert.ok(above, 'the answer is above the table');

  await panel.getByText('Servers and network').click();
  await panel.getByRole('spinbutton', { name: 'Used to', exact: true }).fill('30');
  await panel.getByRole('combobox', { name: 'Messages come' }).selectOption('regular');
  const other = await plan([...flags, '--utilization', '0.3', '--spacing', 'regular']);
  const changed = [other.transports.poll, other.transports['long-poll'], other.transports.stream];
  const expected = changed.map(({ cores }) => three.format(cores)).join();
  await until('the planner answers again', async () => (await row(panel, 'Cores busy')).join() === expected);
  await lab.expectNoErrors();
});

check('a plan for another stack names its limit and is kept in the address', async ({ open }) => {
  const lab = await open();
  const panel = panelOf(lab);
  await panel.getByText(/^For 2,000 clients/).waitFor();
  await panel
    .getByRole('combobox', { name: 'On', exact: true })
    .selectOption({ label: 'PHP 8.2-FPM behind nginx' });
  const flags = [
    '--clients',
    '2000',
    '--rate',
    '0.1',
    '--size',
    '200',
    '--max-delay',
    '2s',
    '--stack',
    'php',
  ];
  const { transports } = await plan(flags);
  const cores = [transports.poll, transports['long-poll'], transports.stream].map(({ cores }) =>
    three.format(cores),
  );
  await until('the planner answers', async () => (await row(panel, 'Cores busy')).join() === cores.join());
  await panel.getByText(/SSE needs .* servers \(for workers\)/).waitFor();
  await panel.getByText('How sure is that?').click();
  await panel.getByText(/measured of PHP 8\.2-FPM behind nginx/).waitFor();
  assert.equal(new URL(lab.page.url()).searchParams.get('plan-stack'), 'php');
  await lab.page.reload();
  await until('the planner asks again', async () => (await row(panel, 'Cores busy')).join() === cores.join());
  await lab.expectNoErrors();
});

check('an unknown stack in the address is reported, and the plan is for this server', async ({ open }) => {
  const lab = await open('?plan-stack=cobol&plan-clients=3000');
  const panel = panelOf(lab);
  await panel.getByText(/^For 3,000 clients/).waitFor();
  await lab.page
    .getByRole('alert')
    .getByText('The address contains “plan-stack=cobol”, which this page does not know and ignores.')
    .waitFor();
  const stack = panel.getByRole('combobox', { name: 'On', exact: true });
  assert.equal(await stack.inputValue(), '');
  assert.ok((await stack.getByRole('option').count()) > 5);
  assert.equal(await panel.getByText('must be one of').count(), 0);
  assert.equal(new URL(lab.page.url()).searchParams.get('plan-stack'), null);
});

check('a question takes one request, and the address keeps it', async ({ open }) => {
  const lab = await open();
  const panel = panelOf(lab);
  await panel.getByText(/^For 2,000 clients/).waitFor();
  const asked = [];
  lab.page.on('request', (request) => {
    if (new URL(request.url()).pathname === '/plan') asked.push(request.url());
  });
  await panel.getByRole('spinbutton', { name: 'Clients', exact: true }).press('End');
  await lab.page.keyboard.type('0');
  await panel.getByText(/^For 20,000 clients/).waitFor();
  assert.equal(asked.length, 1);
  assert.match(asked[0], /curves=max_delay%2Crate%2Cclients/);
  assert.equal(new URL(lab.page.url()).searchParams.get('plan-clients'), '20000');
  const other = await open(new URL(lab.page.url()).search);
  await panelOf(other)
    .getByText(/^For 20,000 clients/)
    .waitFor();
});

check('the planner asks again after a failure, and its errors are visible', async ({ open }) => {
  const goAway = () => {
    const { fetch } = globalThis;
    globalThis.away = true;
    globalThis.fetch = (...call) =>
      globalThis.away && String(call[0]).startsWith('plan')
        ? Promise.reject(new TypeError())
        : fetch(...call);
  };
  const lab = await open('', { before: goAway });
  const panel = panelOf(lab);
  await panel.getByText('The server does not answer the planner. The page asks again.').waitFor();
  await lab.page.evaluate(() => (globalThis.away = false));
  await panel.getByText(/^For 2,000 clients/).waitFor();
  assert.equal(await panel.getByText('does not answer').count(), 0);

  await panel.getByText('Servers and network').click();
  const used = panel.getByRole('spinbutton', { name: 'Used to', exact: true });
  await used.fill('');
  await panel.getByText('Servers and network').click();
  await panel.getByRole('spinbutton', { name: 'Clients', exact: true }).fill('30');
  await used.waitFor();
  await panel.getByText('A number from 1 to 99.').waitFor();
  await lab.expectNoErrors();
});

check('the initial question lies within the measured range', async ({ open }) => {
  const lab = await open();
  const panel = panelOf(lab);
  await panel.getByText(/^For 2,000 clients/).waitFor();
  assert.equal(await panel.getByText('Beyond what was measured').count(), 0);
  await panel.getByRole('spinbutton', { name: 'Clients', exact: true }).fill('20000');
  await panel.getByText('Beyond what was measured').waitFor();
});

check('the lab’s own traffic fills in the planner, for 50,000 clients', async ({ server, open }) => {
  const lab = await open('?view=side-by-side&interval=0.5');
  await lab.waitForBothLanes();
  const panel = panelOf(lab);
  const fill = panel.getByRole('button', { name: 'The same for 50,000 clients', exact: true });
  await fill.click();
  await panel.getByText('The lanes have not seen enough traffic yet', { exact: false }).waitFor();
  const traffic = publishSteadily(server, 5);
  const value = (name) => panel.getByRole('spinbutton', { name, exact: true }).inputValue();
  try {
    await until('the traffic is known', async () => {
      await fill.click();
      return (await value('Clients')) === '50000' && Number(await value('Rate')) > 1;
    });
  } finally {
    await traffic.stop();
  }
  // “number 7” and the like.
  assert.ok(['8', '9', '10'].includes(await value('Size')), await value('Size'));
  assert.equal(await value('Acceptable delay'), '0.5');
  await panel.getByText(/^For 50,000 clients/).waitFor();
});

check('an invalid number is reported beside its field, and the last answer stays', async ({ open }) => {
  const lab = await open();
  const panel = panelOf(lab);
  await panel.getByText(/^For 2,000 clients/).waitFor();
  const clients = panel.getByRole('spinbutton', { name: 'Clients', exact: true });
  const before = await row(panel, 'Cores busy');
  for (const wrong of ['0', '', '1e99']) {
    await clients.fill(wrong);
    await panel.getByText('A number from 1 to 10,000,000,000.').waitFor();
    assert.equal(await clients.getAttribute('aria-invalid'), 'true', wrong);
    assert.deepEqual(await row(panel, 'Cores busy'), before);
  }
  await clients.fill('20000');
  await until(
    'the planner answers again',
    async () => (await row(panel, 'Cores busy')).join() !== before.join(),
  );
  assert.equal(await clients.getAttribute('aria-invalid'), null);
  const delay = panel.getByRole('spinbutton', { name: 'Acceptable delay', exact: true });
  await delay.fill('0.001');
  await until('polling is impossible', async () => (await row(panel, /^Servers/))[0] === 'impossible');
  await lab.expectNoErrors();
});

check('on a phone the chosen server is not cut off', async ({ open }) => {
  const lab = await open('?plan-stack=poll-vs-sse-plain', { viewport: { width: 360, height: 640 } });
  const panel = panelOf(lab);
  await panel.getByText(/^For 2,000 clients/).waitFor();
  const stack = panel.getByRole('combobox', { name: 'On', exact: true });
  const [width, needed] = await stack.evaluate((select) => {
    const text = document.createElement('span');
    text.textContent = select.selectedOptions[0].textContent;
    text.style.font = getComputedStyle(select).font;
    document.body.append(text);
    const { width } = text.getBoundingClientRect();
    text.remove();
    const { paddingLeft, paddingRight } = getComputedStyle(select);
    return [select.clientWidth - Number.parseFloat(paddingLeft) - Number.parseFloat(paddingRight), width];
  });
  assert.ok(width >= needed, `${needed} px of text in ${width} px`);
});

check('a failed request is reported, and the last answer stays', async ({ open }) => {
  const lab = await open();
  const panel = panelOf(lab);
  await panel.getByText(/^For 2,000 clients/).waitFor();
  const before = await row(panel, 'Cores busy');
  await lab.page.route('**/plan?*', (route) => route.abort());
  await panel.getByRole('spinbutton', { name: 'Clients', exact: true }).fill('30000');
  await panel.getByText('The server does not answer the planner', { exact: false }).waitFor();
  assert.deepEqual(await row(panel, 'Cores busy'), before);
  await lab.page.unroute('**/plan?*');
  await panel.getByRole('spinbutton', { name: 'Clients', exact: true }).fill('40000');
  await panel.getByText(/^For 40,000 clients/).waitFor();
});

check('charts name the crossings in their labels', async ({ open }) => {
  const lab = await open();
  const panel = panelOf(lab);
  // Charts are created when they come into view.
  await panel.locator('.curves').scrollIntoViewIfNeeded();
  await panel
    .getByRole('img', { name: /acceptable delay: polling and SSE cross at [\d.]+ s( or [\d.]+ s)*\./ })
    .waitFor();
  await panel.getByRole('img', { name: /messages a second: polling and SSE cross at [\d.]+\./ }).waitFor();
  await panel.getByRole('img', { name: /clients: polling and SSE do not cross\./ }).waitFor();
  assert.equal(await panel.locator('canvas').count(), 3);
  await lab.expectNoErrors();
});

check(
  'the planner fits and is accessible in both languages, on a phone and in dark mode',
  async ({ open }) => {
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
      await lab.expectNoErrors();
    }
  },
);
