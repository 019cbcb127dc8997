// The motion of the sequence diagram, and pausing it.

import assert from 'node:assert/strict';
import { Diagram, countPositions } from './support/diagram.mjs';
import { suite } from './support/suite.mjs';
import { until } from './support/wait.mjs';

const check = suite();

check('a paused diagram stands still, and has missed nothing when it resumes', async ({ open }) => {
  const lab = await open();
  const diagram = new Diagram(lab.page);
  await lab.setInterval(0.25);
  const requests = async () => (await diagram.events()).filter(({ what }) => what === 'Request').length;
  await until('some requests are listed', async () => (await requests()) >= 3);
  await lab.pause();
  const client = await lab.client();
  const place = () => diagram.picture.evaluate((tape) => getComputedStyle(tape).transform);
  const asked = async () => Number((await lab.figures()).Polling.Requests);
  // Events in flight at the pause may still arrive.
  const [before, stood] = [await asked(), await place()];
  await until('polling goes on', async () => (await asked()) >= before + 8);
  const shown = await requests();
  assert.equal(await place(), stood);
  assert.ok(shown < (await asked()));
  await lab.pause('Resume');
  await until('all requests are listed', async () => (await requests()) >= before + 8);
  assert.equal(await diagram.countDrawn('Events not kept'), 0);
  assert.notEqual(await place(), stood);
  assert.match(client, /^[a-z0-9]+$/);
  await lab.expectNoErrors();
});

check('with reduced motion it moves in large steps', async ({ open }) => {
  const lab = await open('', { reducedMotion: 'reduce' });
  const diagram = new Diagram(lab.page);
  await diagram.region.scrollIntoViewIfNeeded();
  await until('it is drawn', async () => (await diagram.countDrawn('Request')) > 0);
  const places = await countPositions(diagram.picture, 5_000);
  // One step per two seconds, with a margin for redrawing. With motion there are more than a hundred.
  assert.ok(places <= 10, `${places} places within five seconds`);
});

check('with motion it moves by an animation in steps of whole pixels', async ({ open }) => {
  const lab = await open('', { reducedMotion: 'no-preference' });
  const diagram = new Diagram(lab.page);
  await diagram.region.scrollIntoViewIfNeeded();
  await until('it is drawn', async () => (await diagram.countDrawn('Request')) > 0);
  const motion = () =>
    diagram.picture.evaluate((tape) =>
      tape.getAnimations().map((animation) => {
        const { duration, easing } = animation.effect.getTiming();
        const [from, to] = animation.effect
          .getKeyframes()
          .map(({ transform }) => parseFloat(transform.slice(11)));
        const steps = Number(/steps\((\d+)/.exec(easing)[1]);
        return { state: animation.playState, step_px: (from - to) / steps, step_ms: duration / steps };
      }),
    );
  const [{ state, step_px, step_ms }, ...more] = await motion();
  assert.equal(state, 'running');
  assert.equal(more.length, 0);
  assert.equal(step_px, Math.round(step_px));
  // At most 20 steps per second, and the speed matches the window's length.
  assert.ok(step_ms >= 50, `${step_ms} ms a step`);
  const { height } = await lab.page.locator('.tape-frame').boundingBox();
  assert.ok(Math.abs((step_px / step_ms) * 12_000 - height) < 2, `${step_px} px in ${step_ms} ms`);
  await lab.pause();
  assert.deepEqual(await motion(), []);
  await lab.pause('Resume');
  await until('it moves again', async () => (await motion()).length === 1);
  // A diagram outside of the viewport does not move.
  await lab.page.setViewportSize({ width: 1280, height: 300 });
  await lab.page.evaluate(() => scrollTo(0, document.body.scrollHeight));
  await until('it stops outside of the viewport', async () => (await motion()).length === 0);
  await lab.expectNoErrors();
});

check('both diagrams share the time scale and the pause', async ({ open }) => {
  const lab = await open('?view=side-by-side');
  await lab.waitForBothLanes();
  const scale = () =>
    lab.page
      .locator('.tape')
      .evaluateAll((tapes) => tapes.map((tape) => tape.querySelectorAll('.ticks text').length));
  const places = () =>
    lab.page.locator('.tape').evaluateAll((tapes) => tapes.map((tape) => getComputedStyle(tape).transform));
  for (const window of ['2 min', '1 min', '12 s']) {
    await lab.window.selectOption(window);
    const [left, right] = await scale();
    assert.ok(Math.abs(left - right) <= 1, `${window}: ${left} and ${right} times`);
  }
  await lab.pause();
  const stood = await places();
  await until('polling goes on', async () => (await lab.lane('Polling').figures()).Polling.Requests >= 3);
  assert.deepEqual(await places(), stood);
  await lab.pause('Resume');
  await until('both move again', async () => (await places()).every((place, at) => place !== stood[at]));
});
