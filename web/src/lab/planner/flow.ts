// From what clients and publishers do to what crosses the wire each second.

import type { Transport } from '../../client/transport.ts';
import type { Contract } from './model.ts';

/** How messages lie in time: as people write, or as a clock ticks. */
export type Spacing = 'random' | 'regular';

export interface Setting {
  readonly clients: number;
  readonly rate: number;
  readonly size: number;
  readonly spacing: Spacing;
  readonly interval_s: number;
  readonly wait_s: number;
  readonly round_trip_s: number;
  readonly load: Load;
}

/**
 * How busy servers of so many cores are: with these clients and nothing else, or with so many such clients that they
 * are busy for a share of the time. Servers may be counted in fractions.
 */
export type Load =
  { readonly cores: number; readonly servers: number } | { readonly cores: number; readonly busy: number };

/** Over all clients. */
export interface Flow {
  readonly requests_per_s: number;
  readonly empty_per_s: number;
  readonly deliveries_per_s: number;
  readonly keep_alives_per_s: number;
  readonly connects_per_s: number;
  readonly connections: number;
}

/** How many messages of so many bytes are in one answer at most. */
export function page(contract: Contract, message_bytes: number): number {
  return Math.max(1, Math.min(contract.page_messages, Math.floor(contract.page_bytes / message_bytes)));
}

export function flowOf(
  transport: Transport,
  setting: Setting,
  contract: Contract,
  message_bytes: number,
): Flow {
  switch (transport) {
    case 'poll':
      return poll(setting, contract, message_bytes);
    case 'long-poll':
      return longPoll(setting);
    case 'stream':
      return stream(setting, contract);
  }
}

function poll(
  { clients, rate, spacing, interval_s }: Setting,
  contract: Contract,
  message_bytes: number,
): Flow {
  const turns = clients / interval_s;
  const batch = rate * interval_s;
  const most = page(contract, message_bytes);
  // A turn finds one of two neighbouring whole numbers of messages, and asks again while there are more.
  const fewer = Math.floor(batch);
  const shareMore = batch - fewer;
  const asksFor = (messages: number) => Math.max(1, Math.ceil(messages / most));
  const asks = (1 - shareMore) * asksFor(fewer) + shareMore * asksFor(fewer + 1);
  const nothing = spacing === 'regular' ? Math.max(0, 1 - batch) : Math.exp(-batch);
  const keeps = interval_s <= contract.idle_s;
  return {
    requests_per_s: turns * asks,
    empty_per_s: turns * nothing,
    deliveries_per_s: clients * rate,
    keep_alives_per_s: 0,
    connects_per_s: keeps ? 0 : turns,
    connections: keeps ? clients : turns * contract.idle_s,
  };
}

function longPoll(setting: Setting): Flow {
  const { clients, rate } = setting;
  const [requests, empty] = longPollOfOne(setting);
  return {
    requests_per_s: clients * requests,
    empty_per_s: clients * empty,
    deliveries_per_s: clients * rate,
    keep_alives_per_s: 0,
    connects_per_s: 0,
    connections: clients,
  };
}

/** One client's requests a second, and the empty ones. */
function longPollOfOne({ rate, spacing, wait_s, round_trip_s }: Setting): [number, number] {
  if (spacing === 'random') {
    // A turn is a round trip, and then, if nothing came meanwhile, a wait for the first message.
    const nothingOnTheWay = Math.exp(-rate * round_trip_s);
    const timesOut = Math.exp(-rate * wait_s);
    const turn_s = round_trip_s + (nothingOnTheWay * (1 - timesOut)) / rate;
    return [1 / turn_s, (nothingOnTheWay * timesOut) / turn_s];
  }
  if (rate * round_trip_s >= 1) return [1 / round_trip_s, 0];
  const waiting_s = 1 / rate - round_trip_s;
  const timesOut = Math.floor(waiting_s / (wait_s + round_trip_s));
  return [rate * (1 + timesOut), rate * timesOut];
}

function stream({ clients, rate, spacing }: Setting, { keep_alive_s }: Contract): Flow {
  // One whenever a gap between two messages has lasted that long, and again after as long.
  const keepAlives =
    spacing === 'random'
      ? rate / Math.expm1(rate * keep_alive_s)
      : rate * Math.floor(1 / (rate * keep_alive_s));
  return {
    requests_per_s: 0,
    empty_per_s: 0,
    deliveries_per_s: clients * rate,
    keep_alives_per_s: clients * keepAlives,
    connects_per_s: 0,
    connections: clients,
  };
}
