// The size of requests: the cookie that they carry, and heads separate from bodies.

import assert from 'node:assert/strict';
import { suite } from './support/suite.mjs';
import { until } from './support/wait.mjs';

const check = suite();

const wireBytes = ({ wire_bytes_in, wire_bytes_out }) => wire_bytes_in + wire_bytes_out;

check('each poll pays for a cookie of 1 or 4 KiB', async ({ server, open }) => {
  const lab = await open('?view=one');
  await lab.waitForConnection('Polling');
  await lab.setInterval(0.25);
  const client = await lab.client();
  const cookie = lab.page.getByRole('combobox', { name: 'Cookie' });
  /** The bytes of one poll, as the server counts them. */
  const measurePoll = async () => {
    const before = (await server.ledger(client)).transports.poll;
    let after = before;
    await until('some more polls', async () => {
      after = (await server.ledger(client)).transports.poll;
      return after.requests >= before.requests + 4;
    });
    return (wireBytes(after) - wireBytes(before)) / (after.requests - before.requests);
  };
  const without = await measurePoll();
  for (const [size, kib] of [
    ['1 KiB', 1],
    ['4 KiB', 4],
  ]) {
    await cookie.selectOption(size);
    assert.equal(new URL(lab.page.url()).searchParams.get('cookie'), String(kib));
    // The poll in progress had the previous cookie.
    await until(`a poll weighs ${size} more`, async () => {
      const more = (await measurePoll()) - without;
      return Math.abs(more - (kib * 1_024 + 'cookie: \r\n'.length)) < 40;
    });
  }
  await cookie.selectOption('none');
  await until('the cookie is gone', async () => Math.abs((await measurePoll()) - without) < 40);
  await lab.expectNoErrors();
});

check('heads and bodies of polls add up to the bytes on the wire', async ({ server, open }) => {
  const lab = await open('?view=one');
  await lab.waitForConnection('Polling');
  for (const text of ['one', 'two', 'three']) await server.publish({ text });
  await lab.expectTexts(['one', 'two', 'three']);
  await lab.setInterval(30);
  const client = await lab.client();
  await until('the page shows what the server counts', async () => {
    const { poll } = (await server.ledger(client)).transports;
    return (await lab.figures()).Polling['Wire bytes'] === wireBytes(poll);
  });
  const { Polling } = await lab.figures();
  // With this browser, the heads of a poll and its response have several hundred bytes.
  const heads = Polling['of which heads'] / Polling.Requests;
  assert.ok(heads > 400 && heads < 1_200, `${heads} bytes of heads a poll`);
  assert.ok(Polling['of which heads'] < Polling['Wire bytes']);
  await lab.page.getByText('over HTTP/1.1').first().waitFor();
  await lab.expectNoErrors();
});

check('the cookie is in the address, and lanes that request the same route share it', async ({ open }) => {
  const lab = await open('?view=three&cookie=4');
  const size = (name) => lab.lane(name).region.getByRole('combobox', { name: 'Cookie' }).inputValue();
  for (const name of ['Polling', 'Long-polling', 'SSE']) assert.equal(await size(name), '4', name);
  await lab.lane('Long-polling').region.getByRole('combobox', { name: 'Cookie' }).selectOption('1 KiB');
  assert.deepEqual(await Promise.all(['Polling', 'Long-polling', 'SSE'].map(size)), ['1', '1', '4']);
  assert.deepEqual(new URL(lab.page.url()).searchParams.getAll('cookie'), ['1', '1', '4']);
  await lab.expectNoErrors();
});
