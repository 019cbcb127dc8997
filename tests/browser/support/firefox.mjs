// Debian's Firefox, driven over WebDriver BiDi.

import puppeteer from 'puppeteer-core';

const EXECUTABLE = process.env.FIREFOX ?? '/usr/bin/firefox-esr';

export function launchFirefox() {
  return puppeteer.launch({
    browser: 'firefox',
    executablePath: EXECUTABLE,
    headless: true,
    // As if the user had accepted the server's self-signed certificate.
    acceptInsecureCerts: true,
    timeout: 60_000,
    protocolTimeout: 60_000,
    extraPrefsFirefox: { 'intl.accept_languages': 'en', 'ui.prefersReducedMotion': 0 },
  });
}

/** Opens a page of the lab in Firefox. `errors` has console errors and exceptions. */
export async function openInFirefox(browser, address) {
  const page = await browser.newPage();
  page.setDefaultTimeout(30_000);
  const errors = [];
  page.on('console', (entry) => {
    if (entry.type() === 'error') errors.push(entry.text());
  });
  page.on('pageerror', (error) => errors.push(String(error)));
  await setViewport(page, { width: 1280, height: 800 });
  await page.goto(address, { waitUntil: 'domcontentloaded' });
  await page.waitForSelector('.wordmark');
  return { page, errors };
}

/** Firefox 140, an older ESR, sets the size, but does not know the orientation that is sent along with it. */
export async function setViewport(page, viewport) {
  await page.setViewport(viewport).catch((error) => {
    if (!String(error).includes('setScreenOrientationOverride')) throw error;
  });
}
