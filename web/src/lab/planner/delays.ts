// How late messages are.

import type { Transport } from '../../client/transport.ts';
import { delivery_us, wireBytes } from './cost.ts';
import type { Flow, Setting } from './flow.ts';
import type { Model } from './model.ts';
import type { Question } from './question.ts';
import { US_PER_S } from './waking.ts';

/** How late messages are, apart from the time it takes to reach all clients. */
export interface Delays {
  readonly mean_s: number;
  readonly worst_s: number;
  /** From the first to the last of the clients that wait for a message, were they all on one server. */
  readonly fanOut_s: number;
}

export function delaysOf(
  model: Model,
  question: Question,
  transport: Transport,
  setting: Setting,
  flow: Flow,
): Delays {
  const one = model.transports[transport];
  const { round_trip_s, clients } = setting;
  const there_s = model.service_s + round_trip_s / 2;
  const asking_us = transport === 'long-poll' ? one.request_us + one.answer_us : 0;
  const us = delivery_us(one, setting) + asking_us;
  const bits = 8 * (one.answer_bytes + wireBytes(one, setting.size));
  const { cores, network_bits_per_s } = question.server;
  const fanOut_s = clients * Math.max(us / US_PER_S / cores, bits / network_bits_per_s);
  switch (transport) {
    case 'poll':
      return {
        mean_s: there_s + setting.interval_s / 2,
        worst_s: there_s + setting.interval_s,
        fanOut_s: 0,
      };
    case 'long-poll': {
      // What comes while a client asks anew waits until that has arrived.
      const always = setting.rate * round_trip_s >= 1 ? 1 : 0;
      const asking = setting.spacing === 'random' ? (flow.requests_per_s / clients) * round_trip_s : always;
      return {
        mean_s: there_s + (asking * round_trip_s) / 2,
        worst_s: there_s + (asking > 0 ? round_trip_s : 0),
        fanOut_s,
      };
    }
    case 'stream':
      return { mean_s: there_s, worst_s: there_s, fanOut_s };
  }
}
