// What it costs that a server sleeps when it has nothing to do, and what else costs more after a rest.

import type { Load } from './flow.ts';
import type { Model } from './model.ts';

/** A core does so many microseconds of work a second. */
export const US_PER_S = 1e6;

/** The share that is paid by what comes `per_s` times a second, if after a rest of `half_s` it is half. */
export function rested(half_s: number, per_s: number): number {
  return 1 / (1 + half_s * per_s);
}

/**
 * CPU for waking up, microseconds for each of so many `events` a second that come at random times. All other work,
 * theirs and that of the rest, takes `work_us` a second.
 */
export function waking_us(model: Model, events: number, work_us: number, load: Load): number {
  if (events <= 0) return 0;
  return 'cores' in load
    ? alone_us(model, events, work_us, load.cores)
    : filled_us(model, events, work_us, load.busy);
}

function alone_us(model: Model, events: number, work_us: number, cores: number): number {
  const asleep_us = model.wake_us * rested(model.wake_s, events / cores);
  const time_us = cores * US_PER_S;
  const busy = (work_us + events * asleep_us) / (time_us + events * asleep_us);
  return Math.max(0, 1 - busy) * asleep_us;
}

function filled_us(model: Model, events: number, work_us: number, busy: number): number {
  const own_us = Math.min(work_us / events, 1e300);
  const most_us = (1 - busy) * model.wake_us;
  const sleep_us = model.wake_s * US_PER_S * busy;
  const half = (own_us + sleep_us - most_us) / 2;
  const root = Math.hypot(half, Math.sqrt(most_us * own_us));
  // The same root, without taking one large number from another.
  return half > 0 ? most_us * (own_us / (half + root)) : root - half;
}
