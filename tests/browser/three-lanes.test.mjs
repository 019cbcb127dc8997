// Three lanes side by side, and the page's settings in its address.

import assert from 'node:assert/strict';
import { suite } from './support/suite.mjs';
import { until } from './support/wait.mjs';

const check = suite();

const NAMES = ['Polling', 'Long-polling', 'SSE'];
const TEACHERS = [
  { width: 1280, height: 720 },
  { width: 1366, height: 768 },
  { width: 1920, height: 1080 },
];

async function waitForThreeLanes(lab) {
  for (const name of NAMES) await lab.lane(name).region.waitFor();
  await until(
    'all three lanes are connected',
    async () => (await lab.page.locator('.status[data-link=live]').count()) === 3,
  );
}

check(
  'three lanes read one room over different transports, and the verdict compares them',
  async ({ server, open }) => {
    const lab = await open('?view=side-by-side', { settings: false });
    await lab.lanes(3).check({ force: true });
    assert.equal(new URL(lab.page.url()).searchParams.get('view'), 'three');
    await waitForThreeLanes(lab);
    const texts = ['one', 'two', 'three', 'four', 'five'];
    for (const text of texts) await server.publish({ text });
    for (const name of NAMES) await lab.lane(name).expectTexts(texts);
    const verdict = lab.page.locator('.verdict');
    await until('there is a verdict', async () => / each message cost /.test(await verdict.textContent()));
    const sentence = await verdict.textContent();
    for (const name of NAMES) assert.ok(sentence.includes(`${name} made `), sentence);
    assert.match(sentence, /With \S+, each message cost .+ with \S+( and|, but|\.)/);
    const clients = await Promise.all(NAMES.map((name) => lab.lane(name).client()));
    assert.equal(new Set(clients).size, 3);
    // Each has its own numbers, diagram and cost.
    for (const name of NAMES) {
      const { region } = lab.lane(name);
      await region.getByRole('group', { name: 'At a glance' }).waitFor();
      await region.getByRole('group', { name: `Sequence diagram, ${name}` }).waitFor();
      assert.deepEqual(Object.keys(await lab.lane(name).figures()), [name]);
    }
    await lab.expectNoErrors();
  },
);

check('three lanes fit a projector, with text that is readable from the last row', async ({ open }) => {
  const lab = await open('?view=three&traffic=steady&rate=3', { viewport: TEACHERS[0], settings: false });
  const { page } = lab;
  await waitForThreeLanes(lab);
  await until('there is a verdict', async () => / made /.test(await page.locator('.verdict').textContent()));
  for (const viewport of TEACHERS) {
    await page.setViewportSize(viewport);
    const fits = () =>
      page.evaluate(() =>
        ['.verdict', '.glance-figure', '.glance-caption', '.picture', '.log-frame', '.composer .send']
          .flatMap((selector) => [...document.querySelectorAll(selector)].map((each) => [selector, each]))
          .filter(([, each]) => {
            const { top, bottom, left, right } = each.getBoundingClientRect();
            return top < 0 || left < 0 || bottom > innerHeight + 1 || right > innerWidth + 1;
          })
          .map(([selector]) => selector),
      );
    await until(`everything is in the window at ${viewport.width}`, async () => (await fits()).length === 0);
    for (const selector of ['.verdict', '.glance-figure', '.glance-caption', '.message .text']) {
      const sizes = await page
        .locator(selector)
        .evaluateAll((all) => all.map((each) => Number.parseFloat(getComputedStyle(each).fontSize)));
      assert.ok(Math.min(...sizes) >= 0.03 * viewport.height, `${selector} at ${viewport.width}: ${sizes}`);
    }
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth), 0);
  }
  await lab.expectNoErrors();
});

check('open settings of three lanes leave the diagrams in a small window', async ({ server, open }) => {
  const lab = await open('?view=three', { viewport: { width: 1024, height: 768 } });
  const { page } = lab;
  await waitForThreeLanes(lab);
  await server.publish({ author: 'mina', text: 'hello' });
  const seen = () =>
    page.evaluate(() => {
      const { top } = document.querySelector('.foot').getBoundingClientRect();
      return [...document.querySelectorAll('.tape-frame')].map((frame) => {
        const box = frame.getBoundingClientRect();
        return Math.min(top, box.bottom) - box.top;
      });
    });
  await until('much of each diagram is in the window', async () =>
    (await seen()).every((height_px) => height_px >= 140),
  );
  for (const name of NAMES) await lab.lane(name).region.locator('.author').getByText('mina').waitFor();
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth), 0);
  await lab.expectNoErrors();
});

check('the address keeps traffic, faults, the window and connections', async ({ open }) => {
  const lab = await open('?view=three&room=tea');
  await waitForThreeLanes(lab);
  const { page } = lab;
  const network = (of, name) => of.lane(name).region.getByRole('combobox', { name: 'Network', exact: true });
  await network(lab, 'SSE').selectOption('Slow link');
  await page.getByRole('button', { name: 'Steady rate' }).click();
  const rate = page.getByRole('spinbutton', { name: /per second/ });
  await rate.fill('0.5');
  await rate.blur();
  await lab.window.selectOption('30 s');
  await lab.lane('Polling').region.getByRole('switch', { name: 'New connection for each poll' }).check();
  const { search } = new URL(page.url());
  assert.deepEqual(
    [...new URLSearchParams(search)].sort(([one], [other]) => (one < other ? -1 : one > other ? 1 : 0)),
    [
      ['connection', 'close'],
      ['connection', 'keep-alive'],
      ['connection', 'keep-alive'],
      ['fault', 'healthy'],
      ['fault', 'healthy'],
      ['fault', 'slow'],
      ['rate', '0.5'],
      ['room', 'tea'],
      ['traffic', 'steady'],
      ['view', 'three'],
      ['window', '30'],
    ],
  );

  const other = await open(search);
  await waitForThreeLanes(other);
  assert.equal(await network(other, 'SSE').inputValue(), 'slow');
  assert.equal(await network(other, 'Polling').inputValue(), 'healthy');
  assert.equal(await other.window.inputValue(), '30');
  assert.equal(await other.page.getByRole('spinbutton', { name: /per second/ }).inputValue(), '0.5');
  const pressed = other.page.getByRole('button', { name: 'Steady rate' });
  await until('traffic runs', async () => (await pressed.getAttribute('aria-pressed')) === 'true');
  const fresh = (name) =>
    other.lane(name).region.getByRole('switch', { name: 'New connection for each poll' }).isChecked();
  assert.deepEqual(await Promise.all(NAMES.map(fresh)), [true, false, false]);
  await until(
    'each poll opens one',
    async () => (await other.lane('Polling').figures()).Polling.Connections > 2,
  );
  await other.page.getByRole('button', { name: 'Quiet' }).click();
  assert.equal(new URL(other.page.url()).searchParams.has('traffic'), false);
});

check('changing the language keeps the page’s settings', async ({ open }) => {
  const lab = await open('?view=three&room=tea&interval=5');
  await waitForThreeLanes(lab);
  await lab.page.getByRole('combobox', { name: 'Language' }).selectOption('한국어');
  await lab.page.waitForURL(/lang=ko/);
  await lab.page.getByRole('region', { name: '롱 폴링', exact: true }).waitFor();
  const { searchParams } = new URL(lab.page.url());
  assert.deepEqual(
    ['room', 'view', 'interval'].map((name) => searchParams.get(name)),
    ['tea', 'three', '5'],
  );
  await lab.page.locator('.settings-button').click();
  await lab.page.getByRole('combobox', { name: '언어' }).selectOption('English');
  await lab.page.getByRole('region', { name: 'Long-polling', exact: true }).waitFor();
});
