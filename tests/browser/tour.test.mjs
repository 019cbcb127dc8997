// The tour, also with the keyboard, and the page in another language.

import assert from 'node:assert/strict';
import { suite } from './support/suite.mjs';
import { until } from './support/wait.mjs';

const check = suite();

check('the tour has five steps and can be taken again', async ({ open }) => {
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
    // Its target is visible and not covered.
    const spoken = await page.locator('.toured').boundingBox();
    assert.ok(spoken.width > 0 && spoken.height > 0);
    assert.ok(
      box.y >= spoken.y + spoken.height ||
        box.y + box.height <= spoken.y ||
        box.x >= spoken.x + spoken.width ||
        box.x + box.width <= spoken.x,
      `step ${step} covers its target`,
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

/** Checks that the step's target is in the window and at most half covered by the card. */
async function expectPointsAt(page, step) {
  const { target, card, window } = await page.evaluate(() => {
    const box = (selector) => document.querySelector(selector).getBoundingClientRect().toJSON();
    return { target: box('.toured'), card: box('.tour'), window: [innerWidth, innerHeight] };
  });
  const all = `step ${step}: ${JSON.stringify({ target, card, window })}`;
  assert.ok(target.width > 20 && target.height > 10, all);
  const [width, height] = window;
  assert.ok(card.left >= 0 && card.top >= 0 && card.right <= width && card.bottom <= height, all);
  const shown = Math.min(target.bottom, height) - Math.max(target.top, 0);
  const across = Math.min(card.right, target.right) - Math.max(card.left, target.left);
  const down = Math.min(card.bottom, target.bottom) - Math.max(card.top, target.top);
  const covered = Math.max(0, across) * Math.max(0, down);
  assert.ok(shown > 10 && covered <= 0.5 * target.width * shown, all);
}

async function expectUncovered(page, selector) {
  const covered = await page.evaluate((selector) => {
    const card = document.querySelector('.tour').getBoundingClientRect();
    return [...document.querySelectorAll(selector)].filter((each) => {
      const { left, top, right, bottom } = each.getBoundingClientRect();
      return left < card.right && right > card.left && top < card.bottom && bottom > card.top;
    }).length;
  }, selector);
  assert.equal(covered, 0, selector);
}

for (const [size, viewport] of Object.entries({
  'a small phone': { width: 360, height: 640 },
  'a phone': { width: 390, height: 844 },
  'a tablet': { width: 820, height: 1080 },
  'a projector': { width: 1280, height: 720 },
  'a large screen': { width: 1920, height: 1080 },
}))
  check(`on ${size} each step of the tour acts and reports its outcome`, (parts) =>
    takeTour(parts, viewport),
  );

async function takeTour({ server, open }, viewport) {
  const lab = await open('?view=side-by-side', { settings: false, viewport });
  const { page } = lab;
  await until(
    'both lanes are connected',
    async () => (await page.locator('.status[data-link=live]').count()) === 2,
  );
  const tour = page.getByRole('region', { name: 'Tour' });
  const outcome = (pattern) =>
    until(
      `the outcome is ${pattern}`,
      async () => pattern.test(await tour.locator('.tour-outcome').textContent()),
      180_000,
    );
  const next = () => tour.getByRole('button', { name: 'Next' }).click();

  const begin = page.getByRole('button', { name: 'Tour', exact: true });
  // In a narrow window the button is in the settings.
  if (!(await begin.isVisible())) await page.getByRole('button', { name: 'Settings', exact: true }).click();
  await begin.click();
  await outcome(/^Polling: seen after .+; SSE: seen after .+\.$/);
  for (const lane of ['Polling', 'SSE']) await lab.lane(lane).expectTexts(['Hello from the tour.']);
  await expectUncovered(page, '.message');
  await expectPointsAt(page, 1);

  await next();
  await outcome(/^Polling: \d+ requests, \d+ for nothing; SSE: 0 requests\.$/);
  await expectPointsAt(page, 2);

  await next();
  await outcome(/^Polling: 200 messages with \d+ requests?; SSE: 200 messages without asking\.$/);
  assert.ok((await server.ledger()).transports.publish.messages >= 201);
  await expectPointsAt(page, 3);

  await next();
  await outcome(/^Polling: seen after .+ s; SSE: seen after .+ s\.$/);
  // In a narrow window the conversations are in another tab.
  for (const lane of await page.locator('.lane').all()) {
    const texts = await lane.locator('.message .text').allTextContents();
    assert.equal(texts.filter((text) => text === 'Posted while the network was cut.').length, 1);
  }
  await expectPointsAt(page, 4);

  await next();
  await page.locator('.comparison.toured').waitFor();
  await expectPointsAt(page, 5);
  await tour.getByRole('button', { name: 'Done' }).click();
  await lab.expectNoErrors();
}

check('leaving the tour restores the previous view', async ({ open }) => {
  const { page } = await open('');
  await page.getByRole('button', { name: 'Tour', exact: true }).click();
  const tour = page.getByRole('region', { name: 'Tour' });
  for (let step = 1; step < 4; step++) await tour.getByRole('button', { name: 'Next' }).click();
  await page.getByRole('region', { name: 'SSE', exact: true }).waitFor();
  await tour.getByRole('button', { name: 'Skip the tour' }).click();
  assert.equal(await page.locator('.lane').count(), 1);
});

check('the tour says if it cannot post, and posts when it is started again', async ({ open }) => {
  const lab = await open('?view=side-by-side', { name: 'mina' });
  const { page } = lab;
  await lab.waitForBothLanes();
  const refusal = {
    status: 429,
    contentType: 'application/problem+json',
    body: '{"detail":"Too many messages."}',
  };
  await page.route('**/messages*', (route) => route.fulfill(refusal));
  const tour = page.getByRole('region', { name: 'Tour' });
  const begin = page.getByRole('button', { name: 'Tour', exact: true });
  await begin.click();
  await tour.getByText('Not posted: Too many messages.').waitFor();
  assert.equal(await lab.message.inputValue(), '');
  await tour.getByRole('button', { name: 'Next' }).click();
  await tour.getByRole('button', { name: 'Next' }).click();
  await tour.getByText('The server takes no more at the moment.').waitFor();
  await page.unroute('**/messages*');
  await begin.click();
  await tour.getByText(/^Polling: seen after .+; SSE: seen after .+\.$/).waitFor();
});

check('after the tour has cut the network, the chosen fault is back', async ({ open }) => {
  const { page } = await open('?view=side-by-side&fault=buffer', { settings: false });
  await page.getByRole('button', { name: 'Tour', exact: true }).click();
  const tour = page.getByRole('region', { name: 'Tour' });
  for (let step = 1; step < 4; step++) await tour.getByRole('button', { name: 'Next' }).click();
  for (const fault of ['offline', 'buffer'])
    await until(
      `both lanes are ${fault}`,
      async () => (await page.locator(`.network[data-fault=${fault}]`).count()) === 2,
    );
  assert.match(page.url(), /[?&]fault=buffer/);
});

check('in a very small window the card can be scrolled to its buttons', async ({ open }) => {
  const { page } = await open('', { viewport: { width: 320, height: 256 }, settings: false });
  await page.getByRole('button', { name: 'Settings', exact: true }).click();
  await page.getByRole('button', { name: 'Tour', exact: true }).click();
  const { y, height } = await page.getByRole('region', { name: 'Tour' }).boundingBox();
  assert.ok(y >= 0 && y + height <= 256, JSON.stringify({ y, height }));
  await page.getByRole('button', { name: 'Skip the tour' }).click();
});

check('the tour is not modal', async ({ open }) => {
  const lab = await open('', { name: 'mina', viewport: { width: 390, height: 844 } });
  await lab.page.getByRole('button', { name: 'Tour', exact: true }).click();
  await lab.send('while it is open');
  await lab.log.getByText('while it is open', { exact: true }).waitFor();
  await lab.page.getByRole('button', { name: 'Skip the tour' }).click();
  await lab.expectNoErrors();
});

check('the page is Korean if the address or the browser asks for it', async ({ server, open }) => {
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

check('the Korean page has no English text', async ({ server, open }) => {
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
  // The name of the processor that the model was measured on.
  const { model } = await (await fetch(new URL('/plan', server.origin))).json();
  // Names, a language, a unit, a key, a format and a command are not translated.
  const same = [
    ...model.cpu.split(/[^A-Za-z]+/),
    'English',
    'HTTP',
    'poll',
    'lobby',
    'Enter',
    'JSON',
    'keep',
    'alive',
    'Gbit',
    'compare',
    'calibrate',
  ];
  assert.deepEqual(
    words.filter((word) => !same.includes(word)),
    [],
  );
});
