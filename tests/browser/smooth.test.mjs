// With 20 messages per second on both lanes, memory and the document stay bounded. For ten minutes: `npm run soak`.

import assert from 'node:assert/strict';
import { Diagram } from './support/diagram.mjs';
import { fill, soak } from './support/soak.mjs';
import { suite } from './support/suite.mjs';
import { until } from './support/wait.mjs';

const check = suite();

const MOST = { nodes: 25_000, heap_bytes: 24_000_000, arrows: 900, growth_bytes: 4_000_000 };

check('in a busy room the document and the memory stay bounded', async ({ server, open }) => {
  const lab = await open('?view=side-by-side', { viewport: { width: 1440, height: 900 } });
  await lab.waitForBothLanes();
  const lanes = [lab.lane('Polling'), lab.lane('SSE')];
  await fill({ server, lab, lanes });
  const { published, looks } = await soak({ server, lab, per_second: 20, seconds: 12, every_s: 4 });
  for (const lane of lanes) await lane.log.getByText(`number ${published - 1}`, { exact: true }).waitFor();

  const { nodes, heap_bytes } = looks.at(-1);
  assert.ok(nodes <= MOST.nodes, `${nodes} nodes`);
  assert.ok(heap_bytes <= MOST.heap_bytes, `${heap_bytes} bytes of heap`);
  const growth = heap_bytes - looks[1].heap_bytes;
  assert.ok(growth <= MOST.growth_bytes, `${growth} bytes more in eight seconds`);
  for (const lane of lanes) {
    const diagram = new Diagram(lane.region);
    const arrows = await diagram.arrows.count();
    assert.ok(arrows > 10 && arrows <= MOST.arrows, `${arrows} arrows`);
    assert.equal(await lane.log.locator('.message').count(), 500);
    const listed = (await diagram.events()).length;
    assert.ok(listed > 10 && listed <= 100, `${listed} events in the list`);
  }
  const stream = new Diagram(lanes[1].region);
  const drawn = await stream.countDrawn('Pushed');
  assert.ok(drawn >= 20, `${drawn} pushes are drawn`);
  await until('nothing was lost', async () => (await stream.countDrawn('Events not kept')) === 0);
  await lab.expectNoErrors();
});
