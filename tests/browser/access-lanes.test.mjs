// Accessibility of two lanes with everything unfolded: small screens, light and dark.

import assert from 'node:assert/strict';
import AxeBuilder from '@axe-core/playwright';
import { SIZES } from './support/sizes.mjs';
import { suite } from './support/suite.mjs';
import { until } from './support/wait.mjs';

const check = suite();

for (const colorScheme of ['light', 'dark']) {
  for (const [size, viewport] of Object.entries(SIZES)) {
    check(
      `axe-core finds no violation in two lanes with everything unfolded (${size}, ${colorScheme})`,
      async ({ server, open }) => {
        const lab = await open(`?view=side-by-side${colorScheme === 'dark' ? '&lang=ko' : ''}`, {
          viewport,
          colorScheme,
        });
        const { page } = lab;
        await server.publish({ author: 'x'.repeat(64), text: 'w'.repeat(300) });
        await until('both lanes show it', async () => (await page.locator('.message').count()) === 2);
        await page.locator('[aria-controls=presence]').click();
        await page.locator('.people li').first().waitFor();
        const folds = page.locator('[aria-expanded=false]:visible');
        while ((await folds.count()) > 0) await folds.first().click();
        await page.locator('.tour-button').click();
        // diagram.test.mjs checks the arrows of the diagram; here they would be most of the work.
        const { violations } = await new AxeBuilder({ page }).exclude('.tape').analyze();
        assert.deepEqual(
          violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' | ')}`),
          [],
        );
        assert.equal(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth), 0);
      },
    );
  }
}
