// Debian's Firefox, driven over WebDriver BiDi, with what its page complains about.

import puppeteer from 'puppeteer-core';

const EXECUTABLE = process.env.FIREFOX ?? '/usr/bin/firefox-esr';

export function launchFirefox() {
  return puppeteer.launch({
    browser: 'firefox',
    executablePath: EXECUTABLE,
    headless: true,
    // As if the user had accepted the certificate that a server has made for itself.
    acceptInsecureCerts: true,
    timeout: 60_000,
    protocolTimeout: 60_000,
    extraPrefsFirefox: { 'intl.accept_languages': 'en', 'ui.prefersReducedMotion': 0 },
  });
}

/** A page of the lab in Firefox. `complaints` are errors on its console and exceptions. */
export async function openInFirefox(browser, address) {
  const page = await browser.newPage();
  page.setDefaultTimeout(30_000);
  const complaints = [];
  page.on('console', (entry) => {
    if (entry.type() === 'error') complaints.push(entry.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  await page.setViewport({ width: 1280, height: 800 });
  await page.goto(address, { waitUntil: 'domcontentloaded' });
  await page.waitForSelector('.wordmark');
  return { page, complaints };
}
