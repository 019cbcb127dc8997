// Debian's Chromium, and page objects that find elements by labels and roles.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';
import { until } from './wait.mjs';

const WHOLE = process.env.CHROMIUM ?? '/usr/bin/chromium';
// The same engine without a browser's windows, which take as much processor time as the page.
const SHELL = '/usr/bin/chromium-headless-shell';
const EXECUTABLE = process.env.CHROMIUM === undefined && existsSync(SHELL) ? SHELL : WHOLE;

/** `whole`: with what only the whole browser has, such as the back/forward cache. */
export function launch({ whole = false, ...options } = {}) {
  return chromium.launch({
    ...options,
    executablePath: whole ? WHOLE : EXECUTABLE,
    args: ['--no-sandbox', '--disable-background-networking'],
    timeout: 30_000,
  });
}

/** The whole browser, which reads its profile in `folder`. */
export function launchPersistent(folder) {
  return chromium.launchPersistentContext(folder, {
    executablePath: WHOLE,
    args: ['--no-sandbox', '--disable-background-networking'],
    timeout: 30_000,
  });
}

/** The controls and figures of one lane, within the page or within the lane's region. */
class LaneControls {
  /** The element that contains the lane. */
  get region() {
    return this.page;
  }

  get log() {
    return this.region.getByRole('log', { name: 'Messages' });
  }

  get cost() {
    return this.region.getByRole('table', { name: 'Cost' });
  }

  transport(name) {
    return this.region.getByRole('radio', { name, exact: true });
  }

  async setInterval(seconds) {
    const field = this.region.getByRole('spinbutton', { name: 'Polling interval' });
    await field.fill(String(seconds));
    await field.blur();
  }

  /** The texts in the log, in order. */
  texts() {
    return this.log.locator('.message .text').allTextContents();
  }

  /** Waits until the log shows the last of `texts`, and checks that it shows `before` and `texts`, and nothing else. */
  async expectTexts(texts, before = []) {
    await until(`the page shows “${texts.at(-1)}”`, async () => (await this.texts()).includes(texts.at(-1)));
    assert.deepEqual(await this.texts(), [...before, ...texts]);
  }

  /** The label under which the server counts this page. */
  client() {
    return this.region.locator('.source code').textContent();
  }

  /** The Cost table as `{ transport: { row: number } }`; a missing figure is null. */
  figures() {
    return this.cost.evaluate((table) => {
      const columns = [...table.tHead.rows[0].cells].slice(1).map((cell) => cell.textContent.trim());
      const figures = Object.fromEntries(columns.map((column) => [column, {}]));
      for (const row of table.tBodies[0].rows) {
        const [head, ...cells] = row.cells;
        cells.forEach((cell, index) => {
          const figure = Number.parseFloat(cell.textContent.replaceAll(',', ''));
          figures[columns[index]][head.textContent] = Number.isNaN(figure) ? null : figure;
        });
      }
      return figures;
    });
  }

  /** The delay shown with each message; null if it has none. */
  delays() {
    return this.log
      .locator('.message')
      .evaluateAll((rows) => rows.map((row) => row.querySelector('.delay')?.textContent ?? null));
  }
}

class LaneRegion extends LaneControls {
  #region;

  constructor(region) {
    super();
    this.#region = region;
  }

  get region() {
    return this.#region;
  }
}

/** One page of the lab. It records errors and warnings. */
export class LabPage extends LaneControls {
  /** Console errors and warnings, and exceptions. */
  errors = [];

  static async open(browser, address, { name, without, before, settings, ...options } = {}) {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
    return LabPage.within(context, address, { name, without, before, settings });
  }

  /** Opens another tab in a browser context. */
  static async within(context, address, { name, without, before, settings = true } = {}) {
    const lab = new LabPage();
    lab.context = context;
    lab.page = await context.newPage();
    lab.page.setDefaultTimeout(60_000);
    lab.page.on('console', (entry) => {
      if (entry.type() === 'error' || entry.type() === 'warning') lab.errors.push(entry.text());
    });
    lab.page.on('pageerror', (error) => lab.errors.push(String(error)));
    await lab.page.addInitScript(() => {
      globalThis.violations = [];
      addEventListener('securitypolicyviolation', (event) => {
        globalThis.violations.push(`${event.violatedDirective} ${event.blockedURI}`);
      });
    });
    if (without !== undefined) await lab.page.addInitScript((name) => delete globalThis[name], without);
    if (before !== undefined) await lab.page.addInitScript(before);
    await lab.page.goto(address);
    const opened = await lab.page
      .locator('.wordmark')
      .waitFor({ timeout: 60_000 })
      .catch(() => false);
    if (opened === false) {
      throw new Error(`${address} shows no page: ${await lab.page.locator('body').textContent()}`);
    }
    if (settings) await lab.page.locator('.settings-button').click();
    if (name !== undefined) await lab.name.fill(name);
    return lab;
  }

  get name() {
    return this.page.getByRole('textbox', { name: 'Name', exact: true });
  }

  get message() {
    return this.page.getByRole('textbox', { name: 'Message', exact: true });
  }

  get status() {
    return this.page.getByRole('status').first();
  }

  /** The radio button for this number of lanes. */
  lanes(number) {
    return this.page
      .getByRole('radiogroup', { name: 'Lanes' })
      .getByRole('radio', { name: String(number), exact: true });
  }

  /** The time scale of all diagrams. */
  get window() {
    return this.page.getByRole('banner').getByRole('combobox', { name: 'Last' });
  }

  /** Pauses all diagrams, or resumes them. */
  async pause(name = 'Pause') {
    await this.page.getByRole('banner').getByRole('button', { name, exact: true }).click();
  }

  /** A lane of several, by the name of its transport. */
  lane(transport) {
    return new LaneRegion(this.page.getByRole('region', { name: transport, exact: true }));
  }

  /** Waits until both lanes are connected with their initial transports. */
  async waitForBothLanes() {
    for (const [transport, says] of [
      ['Polling', /^Polling every/],
      ['SSE', /^Streaming over SSE/],
    ]) {
      const status = this.lane(transport).region.getByRole('status');
      await until(`the lane reads by ${transport}`, async () =>
        says.test((await status.textContent()).trim()),
      );
    }
  }

  /** Chooses a transport and waits until it is connected. */
  async use(name) {
    await this.transport(name).check();
    await this.waitForConnection(name);
  }

  async waitForConnection(name) {
    const says = { Polling: /^Polling every/, 'Long-polling': /^Long-polling/, SSE: /^Streaming over SSE/ }[
      name
    ];
    await until(`the page is connected by ${name}`, async () => says.test((await this.statusText()) ?? ''));
  }

  async statusText() {
    return (await this.status.textContent())?.trim();
  }

  async send(text) {
    await this.message.fill(text);
    await this.message.press('Enter');
  }

  async expectNoErrors() {
    assert.deepEqual(await this.page.evaluate(() => globalThis.violations), []);
    assert.deepEqual(this.errors, []);
  }

  close() {
    return this.context.close();
  }
}
