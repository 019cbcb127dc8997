// The tour: five steps, with the keyboard too, left at any time and begun again. And the page in another language.

import assert from 'node:assert/strict';
import { suite } from './support/suite.mjs';
import { until } from './support/wait.mjs';

const check = suite();

check('the tour leads through five steps and can be taken again', async ({ open }) => {
  const { page } = await open('?view=side-by-side');
  const tour = page.getByRole('region', { name: 'Tour' });
  const begin = page.getByRole('button', { name: 'Tour', exact: true });
  const titles = [];
  await begin.focus();
  await page.keyboard.press('Enter');
  for (let step = 1; step <= 5; step++) {
    await tour.getByText(`Step ${step} of 5`).waitFor();
    titles.push(await tour.getByRole('heading').textContent());
    assert.equal(await page.locator('.toured').count(), 1);
    const box = await tour.boundingBox();
    assert.ok(box.x >= 0 && box.y >= 0 && box.x + box.width <= 1280 && box.y + box.height <= 800);
    // What it speaks of is there, and not behind it.
    const spoken = await page.locator('.toured').boundingBox();
    assert.ok(spoken.width > 0 && spoken.height > 0);
    assert.ok(
      box.y >= spoken.y + spoken.height ||
        box.y + box.height <= spoken.y ||
        box.x >= spoken.x + spoken.width ||
        box.x + box.width <= spoken.x,
      `step ${step} covers what it speaks of`,
    );
    if (step < 5) await tour.getByRole('button', { name: 'Next' }).press('Enter');
  }
  assert.deepEqual(titles, ['Post', 'Watch', 'Burst', 'Cut the network', 'Read the bill']);
  await tour.getByRole('button', { name: 'Done' }).click();
  assert.equal(await tour.isVisible(), false);
  await begin.click();
  await tour.getByText('Step 1 of 5').waitFor();
  await page.keyboard.press('Escape');
  assert.equal(await tour.isVisible(), false);
  assert.ok(await begin.evaluate((button) => button === document.activeElement));
});

check('each step of the tour does what it says, and says what came of it', async ({ server, open }) => {
  const lab = await open('?view=side-by-side', { settings: false });
  const { page } = lab;
  await lab.connectedBoth();
  const tour = page.getByRole('region', { name: 'Tour' });
  const outcome = (pattern) =>
    until(
      `the outcome is ${pattern}`,
      async () => pattern.test(await tour.locator('.tour-outcome').textContent()),
      180_000,
    );
  const next = () => tour.getByRole('button', { name: 'Next' }).click();

  await page.getByRole('button', { name: 'Tour', exact: true }).click();
  await outcome(/^Polling: seen after .+; SSE: seen after .+\.$/);
  for (const lane of ['Polling', 'SSE']) await lab.lane(lane).reads(['Hello from the tour.']);

  await next();
  await outcome(/^Polling: \d+ requests, \d+ for nothing; SSE: 0 requests, none for nothing\.$/);

  await next();
  await outcome(/^Polling: 200 messages with \d+ requests?; SSE: 200 messages without asking\.$/);
  assert.ok((await server.ledger()).transports.publish.messages >= 201);

  await next();
  await outcome(/^Polling: seen after .+ s; SSE: seen after .+ s\.$/);
  for (const lane of ['Polling', 'SSE'])
    assert.equal(
      (await lab.lane(lane).texts()).filter((text) => text === 'Posted while the network was cut.').length,
      1,
    );

  await next();
  await page.locator('.comparison.toured').waitFor();
  await tour.getByRole('button', { name: 'Done' }).click();
});

check('whoever leaves the tour has the view back that there was', async ({ open }) => {
  const { page } = await open('');
  await page.getByRole('button', { name: 'Tour', exact: true }).click();
  const tour = page.getByRole('region', { name: 'Tour' });
  for (let step = 1; step < 4; step++) await tour.getByRole('button', { name: 'Next' }).click();
  await page.getByRole('region', { name: 'SSE', exact: true }).waitFor();
  await tour.getByRole('button', { name: 'Skip the tour' }).click();
  assert.equal(await page.locator('.lane').count(), 1);
});

check('the tour blocks nothing', async ({ open }) => {
  const lab = await open('', { name: 'mina', viewport: { width: 390, height: 844 } });
  await lab.page.getByRole('button', { name: 'Tour', exact: true }).click();
  await lab.send('while it is open');
  await lab.log.getByText('while it is open', { exact: true }).waitFor();
  await lab.page.getByRole('button', { name: 'Skip the tour' }).click();
  await lab.noComplaints();
});

check('the page speaks Korean where it is asked to, and where the browser does', async ({ server, open }) => {
  await server.publish({ text: 'hello' });
  for (const [query, options] of [
    ['?lang=ko', {}],
    ['', { locale: 'ko-KR' }],
  ]) {
    const { page } = await open(query, options);
    assert.equal(await page.evaluate(() => document.documentElement.lang), 'ko');
    await page.getByRole('log', { name: '메시지' }).getByText('hello').waitFor();
    await page.getByRole('radiogroup', { name: '레인' }).getByRole('radio', { name: '2' }).check();
    await page.getByRole('region', { name: '폴링', exact: true }).waitFor();
  }
  const { page } = await open('?lang=en&room=tea', { locale: 'ko-KR' });
  assert.equal(await page.evaluate(() => document.documentElement.lang), 'en');
  await page.getByRole('textbox', { name: 'Room' }).fill('coffee');
  await page.getByRole('button', { name: 'Go' }).click();
  await page.waitForURL('**/?lang=en&view=one&room=coffee');
});

check('no English is left on the Korean page', async ({ server, open }) => {
  const { page } = await open('?lang=ko&view=side-by-side', { locale: 'en-US' });
  await server.publish({ author: '미나', text: '안녕' });
  await page.getByRole('region', { name: 'SSE' }).getByText('안녕').waitFor();
  const words = await page.evaluate(() => {
    const shown = [...document.querySelectorAll('#app :not(code, [lang=en])')].flatMap((element) => [
      ...[...element.childNodes]
        .filter(({ nodeType }) => nodeType === Node.TEXT_NODE)
        .map((node) => node.data),
      element.getAttribute('aria-label') ?? '',
      element.getAttribute('title') ?? '',
    ]);
    return [...new Set(shown.join(' ').match(/[A-Za-z]{4,}/g))];
  });
  // Names, a language, a unit, a key, a format, a processor and a command, which are the same in every language.
  const same = [
    'English',
    'HTTP',
    'poll',
    'lobby',
    'Enter',
    'JSON',
    'keep',
    'alive',
    'Gbit',
    'EPYC',
    'compare',
    'calibrate',
  ];
  assert.deepEqual(
    words.filter((word) => !same.includes(word)),
    [],
  );
});
