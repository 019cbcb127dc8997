// Debian's Chromium, and the page in it as its readers know it: by labels and roles.

import assert from 'node:assert/strict';
import { chromium } from 'playwright-core';
import { until } from './wait.mjs';

const EXECUTABLE = process.env.CHROMIUM ?? '/usr/bin/chromium';

export function launch() {
  return chromium.launch({
    executablePath: EXECUTABLE,
    args: ['--no-sandbox', '--disable-background-networking'],
    timeout: 30_000,
  });
}

/** One page of the lab, in a browser context of its own, with everything it complains about kept. */
export class LabPage {
  /** Console errors, exceptions and violations of the Content-Security-Policy. */
  complaints = [];

  static async open(browser, address, { name, ...options } = {}) {
    const lab = new LabPage();
    lab.context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
    lab.page = await lab.context.newPage();
    lab.page.setDefaultTimeout(15_000);
    lab.page.on('console', (entry) => {
      if (entry.type() === 'error' || entry.type() === 'warning') lab.complaints.push(entry.text());
    });
    lab.page.on('pageerror', (error) => lab.complaints.push(String(error)));
    await lab.page.addInitScript(() => {
      globalThis.violations = [];
      addEventListener('securitypolicyviolation', (event) => {
        globalThis.violations.push(`${event.violatedDirective} ${event.blockedURI}`);
      });
    });
    await lab.page.goto(address);
    const opened = await lab.page
      .locator('.wordmark')
      .waitFor({ timeout: 10_000 })
      .catch(() => false);
    if (opened === false) {
      throw new Error(`${address} shows no page: ${await lab.page.locator('body').textContent()}`);
    }
    if (name !== undefined) await lab.name.fill(name);
    return lab;
  }

  get name() {
    return this.page.getByRole('textbox', { name: 'Name', exact: true });
  }

  get message() {
    return this.page.getByRole('textbox', { name: 'Message', exact: true });
  }

  get log() {
    return this.page.getByRole('log', { name: 'Messages' });
  }

  get status() {
    return this.page.getByRole('status');
  }

  get cost() {
    return this.page.getByRole('table', { name: 'Cost' });
  }

  transport(name) {
    return this.page.getByRole('radio', { name, exact: true });
  }

  /** Chooses a transport and waits until it reads. */
  async use(name) {
    await this.transport(name).check();
    await this.connected(name);
  }

  async connected(name) {
    const says = { Polling: /^Polling every/, 'Long-polling': /^Long-polling/, SSE: /^Streaming over SSE/ }[
      name
    ];
    await until(`the page is connected by ${name}`, async () => says.test((await this.statusText()) ?? ''));
  }

  async statusText() {
    return (await this.status.textContent())?.trim();
  }

  async setInterval(seconds) {
    await this.page.getByRole('slider', { name: 'Polling interval' }).fill(String(seconds));
  }

  async send(text) {
    await this.message.fill(text);
    await this.message.press('Enter');
  }

  /** The texts in the log, in the order they stand there. */
  texts() {
    return this.log.locator('.message .text').allTextContents();
  }

  /** Waits until the log's end is `texts`, and checks that it says nothing else but `before` them. */
  async reads(texts, before = []) {
    await until(`the page shows “${texts.at(-1)}”`, async () => (await this.texts()).includes(texts.at(-1)));
    assert.deepEqual(await this.texts(), [...before, ...texts]);
  }

  /** The label under which the server counts this page. */
  client() {
    return this.page.locator('.source code').textContent();
  }

  /** The Cost table as `{ transport: { row: number } }`. */
  figures() {
    return this.cost.evaluate((table) => {
      const columns = [...table.tHead.rows[0].cells].slice(1).map((cell) => cell.textContent.trim());
      const figures = Object.fromEntries(columns.map((column) => [column, {}]));
      for (const row of table.tBodies[0].rows) {
        const [head, ...cells] = row.cells;
        cells.forEach((cell, index) => {
          figures[columns[index]][head.textContent] = Number(cell.textContent.replaceAll(',', ''));
        });
      }
      return figures;
    });
  }

  async noComplaints() {
    assert.deepEqual(await this.page.evaluate(() => globalThis.violations), []);
    assert.deepEqual(this.complaints, []);
  }

  close() {
    return this.context.close();
  }
}
