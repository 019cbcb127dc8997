// Takes the pictures in docs/images/: starts the server, has a real little conversation over each transport,
// and photographs the page.
//
//     npm run screenshot

import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { launch, LabPage } from './support/browser.mjs';
import { Server } from './support/server.mjs';
import { until } from './support/wait.mjs';

const IMAGES = fileURLToPath(new URL('../../docs/images/', import.meta.url));

const WIDE = { viewport: { width: 1440, height: 900 }, deviceScaleFactor: 1.5 };
const PHONE = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2 };

const PICTURES = {
  'lab.png': { ...WIDE, colorScheme: 'light' },
  'lab-dark.png': { ...WIDE, colorScheme: 'dark' },
  'lab-phone.png': { ...PHONE, colorScheme: 'light' },
};

async function converse(server, room, mina) {
  const heard = (text) => mina.log.getByText(text, { exact: true }).waitFor();
  const hear = async (author, text) => {
    await server.publish({ room, author, text });
    await heard(text);
  };
  const say = async (text) => {
    await mina.send(text);
    await heard(text);
  };

  const client = await mina.client();
  const counted = async (transport) => (await server.ledger(client)).transports[transport];

  await mina.setInterval(1);
  await hear('tomas', 'The kettle is on. Who is coming over?');
  await say('Me, in ten minutes.');
  await until('polling has asked in vain for a while', async () => (await counted('poll')).empty >= 9);
  await hear('ana', 'Save me a cup, the tram is late again.');
  await mina.use('Long-polling');
  await say('Which one, the 4?');
  await hear('ana', 'The 4. It is always the 4.');
  await mina.use('SSE');
  await say('Walk, then. It is faster than waiting.');
  await hear('ana', 'Walking!');
  await hear('tomas', 'Two cups are poured, the third is waiting.');
  // Folded away on a phone, but in the document all the same.
  const shown = mina.page.locator('.cost td[data-transport=stream][data-row=wire_bytes]');
  await until('the page shows the last figures', async () => {
    const { wire_bytes_in, wire_bytes_out } = await counted('stream');
    return Number((await shown.textContent()).replaceAll(',', '')) === wire_bytes_in + wire_bytes_out;
  });
}

const browser = await launch();
try {
  await mkdir(IMAGES, { recursive: true });
  for (const [file, options] of Object.entries(PICTURES)) {
    const server = await Server.start('memory');
    try {
      const room = 'kitchen';
      const mina = await LabPage.open(browser, server.page(`?room=${room}`), { ...options, name: 'mina' });
      await converse(server, room, mina);
      await mina.page.locator('body').click({ position: { x: 1, y: 1 } });
      await mina.page.screenshot({ path: `${IMAGES}${file}` });
      await mina.noComplaints();
    } finally {
      await server.end();
    }
  }
} finally {
  await browser.close();
}
