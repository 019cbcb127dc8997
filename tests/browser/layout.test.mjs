// Layout: nothing covers messages, numbers or controls, at any window size.

import assert from 'node:assert/strict';
import { suite } from './support/suite.mjs';
import { until } from './support/wait.mjs';

const test = suite();

const PHONE = { viewport: { width: 390, height: 844 } };

/** The position of `locator` in the window. */
const box = (locator) => locator.evaluate((element) => element.getBoundingClientRect().toJSON());

/** The distance of each log from its end, in pixels. */
const fromEnd = (page) =>
  page
    .locator('.log')
    .evaluateAll((logs) =>
      logs.map(({ scrollHeight, scrollTop, clientHeight }) =>
        Math.round(scrollHeight - scrollTop - clientHeight),
      ),
    );

test('on a phone the newest message is visible above the composer, even with Traffic and Cost open', async ({
  server,
  open,
}) => {
  for (let number = 1; number <= 30; number++) await server.publish({ text: `line ${number}` });
  const lab = await open('?room=lobby', { ...PHONE, name: 'mina' });
  const { page } = lab;
  const isInSight = async () => {
    const [newest, log, speech] = await Promise.all(
      ['.message:last-child .text', '.log', '.speech'].map((each) => box(page.locator(each))),
    );
    return newest.top >= log.top && newest.bottom <= Math.min(log.bottom, speech.top);
  };
  await lab.send('and this');
  await lab.log.getByText('and this', { exact: true }).waitFor();
  await until('the newest message is in sight', isInSight);

  await page.getByRole('button', { name: 'Traffic', exact: true }).click();
  await until('the newest message is in sight beside Traffic', isInSight);

  const cost = page.getByRole('button', { name: /^Cost/ });
  await cost.click();
  const detail = await box(page.locator('.cost-detail'));
  assert.ok(detail.top >= 0 && detail.top < (await box(page.locator('.speech'))).top, 'Cost is in sight');
  await page.evaluate(() => scrollTo(0, 0));
  await until('the newest message is in sight with both open', isInSight);
});

for (const [width, height] of [
  [360, 640],
  [390, 844],
  [820, 1080],
  [1280, 720],
  [1366, 768],
  [1920, 1080],
])
  test(`with one lane its numbers are fully visible at ${width}x${height}`, async ({ server, open }) => {
    for (const lang of ['en', 'ko']) {
      const lab = await open(`?view=one&lang=${lang}`, { viewport: { width, height }, settings: false });
      const { page } = lab;
      await server.publish({ text: 'hello' });
      await page.locator('.message').first().waitFor();
      // On a large screen also the newest part of the diagram.
      const shown = [
        '.glance-figure',
        '.glance-caption',
        '.glance-bar',
        ...(width < 992 ? [] : ['.picture']),
      ];
      const cut = async () => {
        const speech = await box(page.locator('.speech'));
        const parts = await Promise.all(
          shown.map(async (selector) => {
            const boxes = await page
              .locator(selector)
              .evaluateAll((all) => all.map((each) => each.getBoundingClientRect().toJSON()));
            return boxes.map((each) => ({ selector, ...each }));
          }),
        );
        return parts
          .flat()
          .filter(({ top, bottom, right }) => top < 0 || bottom > speech.top + 1 || right > width);
      };
      await until('everything is in sight', async () => (await cut()).length === 0).catch(async (error) => {
        throw new Error(`${error.message}: ${lang} ${JSON.stringify(await cut())}`);
      });
      await lab.close();
    }
  });

for (const view of ['one', 'side-by-side', 'three'])
  test(`the page is not wider than the window, in any size and view: ${view}`, async ({ open }) => {
    const lab = await open(`?view=${view}`, { settings: false });
    for (const [width, height] of [
      [360, 640],
      [390, 844],
      [820, 1080],
      [1024, 768],
      [1280, 720],
      [1366, 1024],
      [1920, 1080],
    ]) {
      await lab.page.setViewportSize({ width, height });
      await until(`the page is ${width} px wide at ${width}x${height}`, () =>
        lab.page.evaluate(() => document.documentElement.scrollWidth === innerWidth),
      );
    }
  });

test('the reason for reconnecting covers nothing', async ({ open }) => {
  for (const viewport of [
    { width: 1440, height: 900 },
    { width: 1024, height: 700 },
    { width: 820, height: 1080 },
    { width: 390, height: 844 },
  ]) {
    const lab = await open('?view=side-by-side', { viewport });
    const { page } = lab;
    await page.route('**/poll?*', (route) => route.fulfill({ json: {} }));
    const lane = lab.lane('Polling').region;
    await lane.locator('.status[data-link=reconnecting] .status-why:not(:empty)').waitFor();
    assert.equal(
      await lane.locator('.status-protocol').isVisible(),
      false,
      'no protocol without a connection',
    );
    const [status, why] = await Promise.all(
      ['.status-text', '.status-why'].map((each) => box(lane.locator(each))),
    );
    if (viewport.width < 992) {
      // Settings are in a sheet; the reason is in its lane's column, above the numbers.
      const [column, glance] = await Promise.all([box(lane), box(lane.locator('.glance'))]);
      assert.ok(
        why.right <= column.right + 1 && why.bottom <= glance.top + 1,
        JSON.stringify({ why, glance }),
      );
      continue;
    }
    const [network, choice] = await Promise.all(
      ['.network-choice', '.transports'].map((each) => box(lane.locator(each))),
    );
    for (const said of [status, why])
      for (const chosen of [network, choice])
        assert.ok(
          said.top >= chosen.bottom || said.bottom <= chosen.top || said.left >= chosen.right,
          `at ${viewport.width}: ${JSON.stringify({ said, chosen })}`,
        );
  }
});

/** Where the text of an element's first match is drawn. */
const textBox = (locator) =>
  locator.first().evaluate((element) => {
    const text = document.createRange();
    text.selectNodeContents(element);
    return text.getBoundingClientRect().toJSON();
  });

const areApart = (one, other) =>
  one.right <= other.left + 1 ||
  other.right <= one.left + 1 ||
  one.bottom <= other.top + 1 ||
  other.bottom <= one.top + 1;

for (const [width, height] of [
  [1000, 700],
  [1100, 700],
  [1280, 720],
])
  test(`at ${width}x${height} the status covers no transport, and the message field stays wide`, async ({
    open,
  }) => {
    for (const lang of ['en', 'ko']) {
      const lab = await open(`?view=side-by-side&fault=buffer&lang=${lang}`, {
        viewport: { width, height },
        settings: false,
      });
      const { page } = lab;
      const expectApart = async () => {
        for (const lane of await page.locator('.lane').all()) {
          const status = await textBox(lane.locator('.status p'));
          for (const option of await lane.locator('.option').all()) {
            const label = await textBox(option.locator('label'));
            assert.ok(areApart(status, label), `${lang}: ${JSON.stringify({ status, label })}`);
          }
        }
      };
      await page.locator('.status[data-link=live]').nth(1).waitFor();
      await expectApart();
      await page.locator('.network-notice[data-why=mute]').waitFor();
      await expectApart();
      await page.locator('.traffic .segments button').nth(2).click();
      await page.locator('.traffic-state[aria-live=polite]:not(:empty)').waitFor();
      const field = await box(page.locator('#message'));
      const send = await box(page.locator('.send'));
      assert.ok(field.width >= 180 && areApart(field, send), `${lang}: ${JSON.stringify({ field, send })}`);
      assert.ok((await box(page.locator('.traffic-state'))).bottom <= height);
      await lab.close();
    }
  });

for (const viewport of [{ width: 1280, height: 720 }, { width: 1024, height: 768 }, PHONE.viewport])
  test(`at ${viewport.width}x${viewport.height} the note of a change of transport covers no message`, async ({
    server,
    open,
  }) => {
    const lab = await open('?view=side-by-side', { viewport });
    const { page } = lab;
    await lab.waitForBothLanes();
    await server.publish({ text: 'before' });
    await page.locator('.message').nth(1).waitFor({ state: 'attached' });
    await page.getByRole('radio', { name: 'SSE', exact: true }).first().check();
    // On a phone, the settings cover the conversation.
    if (viewport.width < 992) {
      await page.locator('.settings-button').click();
      await page.getByRole('tab', { name: 'Conversation' }).click();
    }
    await server.publish({ text: 'after' });
    const row = page.locator('.message.switched').first();
    // It moves the earlier message.
    await row.locator('.delay').waitFor({ state: 'attached' });
    const [before, note, after] = await Promise.all([
      textBox(page.locator('.message .delay')),
      textBox(row.locator('.from-here')),
      textBox(row.locator('.text')),
    ]);
    assert.ok(areApart(note, before) && areApart(note, after), JSON.stringify({ before, note, after }));
  });

test('the log stays at its end after a long message, and when the window changes', async ({
  server,
  open,
}) => {
  for (let number = 1; number <= 16; number++) await server.publish({ text: `line ${number}` });
  const lab = await open('?view=side-by-side', { viewport: { width: 1440, height: 900 }, name: 'mina' });
  const { page } = lab;
  await lab.waitForBothLanes();
  const areAtEnd = async () => (await fromEnd(page)).every((px) => px <= 1);
  const text = page.getByRole('textbox', { name: 'Message', exact: true });
  await text.fill('one\ntwo\nthree\nfour\nfive');
  await text.press('Enter');
  await until('both lanes show it', async () => (await page.locator('.message.own').count()) === 2);
  await until('both are at their end', areAtEnd);
  for (const viewport of [
    { width: 1000, height: 620 },
    { width: 1440, height: 900 },
  ]) {
    await page.setViewportSize(viewport);
    await until(`both are at their end at ${viewport.width}`, areAtEnd);
  }
  // A user who reads further up stays there.
  await page.locator('.log').first().hover();
  await page.mouse.wheel(0, -200);
  await until('the reader is further up', async () => ((await fromEnd(page))[0] ?? 0) > 100);
  await server.publish({ text: 'one more' });
  await page.getByRole('button', { name: '1 new message' }).waitFor();
});

test('nothing overflows a narrow window', async ({ open }) => {
  for (const query of ['?lang=en', '?lang=ko', '?lang=en&view=side-by-side', '?lang=ko&view=side-by-side']) {
    const { page } = await open(query, { viewport: { width: 320, height: 640 } });
    const width = () => page.evaluate(() => document.documentElement.scrollWidth);
    await page.locator('.plan-table tbody td').first().waitFor();
    assert.equal(await width(), 320, query);
    const [before, after] = await page
      .locator('.options')
      .first()
      .evaluate((options) => {
        const [, long, stream] = options.children;
        const label = document.createRange();
        label.selectNodeContents(long.querySelector('label'));
        return [label.getBoundingClientRect().right, stream.getBoundingClientRect().left];
      });
    assert.ok(before < after, `${query}: a label overlaps the next one`);
  }
});
