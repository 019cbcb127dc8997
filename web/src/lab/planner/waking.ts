// What it costs that a server sleeps when it has nothing to do, and what else costs more after a rest.

import type { Load } from './flow.ts';
import type { Model } from './model.ts';

/** A core does so many microseconds of work a second. */
export const US_PER_S = 1e6;

/** The share that is paid by what comes `per_s` times a second, if after a rest of `half_s` it is half. */
export function rested(half_s: number, per_s: number): number {
  return 1 / (1 + half_s * per_s);
}

/** What happens in a second besides waking up, over all servers. */
export interface Work {
  /** What comes at random times. */
  readonly events: number;
  /** CPU for the clients. */
  readonly clients_us: number;
  /** CPU for taking messages in: each server takes all of them. */
  readonly publishing_us: number;
}

/** CPU for waking up, microseconds for each event. */
export function waking_us(model: Model, work: Work, load: Load): number {
  if (work.events <= 0) return 0;
  return 'servers' in load ? alone_us(model, work, load) : filled_us(model, work, load);
}

function alone_us(
  model: Model,
  { events, clients_us, publishing_us }: Work,
  { cores, servers }: Load & { servers: number },
): number {
  const asleep_us = model.wake_us * rested(model.wake_s, events / (servers * cores));
  const time_us = servers * cores * US_PER_S;
  const work_us = clients_us + servers * publishing_us;
  const busy = (work_us + events * asleep_us) / (time_us + events * asleep_us);
  return Math.max(0, 1 - busy) * asleep_us;
}

function filled_us(
  model: Model,
  { events, clients_us, publishing_us }: Work,
  { cores, busy }: Load & { busy: number },
): number {
  const own_us = Math.min(clients_us / events, 1e300);
  const most_us = (1 - busy) * model.wake_us;
  const publishing = publishing_us / (cores * US_PER_S);
  const sleep_us = model.wake_s * US_PER_S * Math.max(0, busy - publishing);
  const half = (own_us + sleep_us - most_us) / 2;
  const root = Math.hypot(half, Math.sqrt(most_us * own_us));
  // The same root, without taking one large number from another.
  return half > 0 ? most_us * (own_us / (half + root)) : root - half;
}
