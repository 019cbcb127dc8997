// What is asked of the model.

import type { Load, Setting, Spacing } from './flow.ts';
import type { Model } from './model.ts';

export interface Question {
  readonly clients: number;
  /** Messages a second that each client is to get. */
  readonly rate: number;
  /** The text of a message. */
  readonly size_bytes: number;
  /** How late a message may be, at the worst. */
  readonly max_delay_s: number;
  readonly spacing: Spacing;
  readonly wait_s: number;
  readonly round_trip_s: number;
  readonly server: ServerSize;
}

export interface ServerSize {
  readonly cores: number;
  readonly memory_bytes: number;
  readonly network_bits_per_s: number;
  /** The share of all three that is to be used. */
  readonly utilization: number;
}

/** Without an interval that is short enough, costs are those of this one. */
export const SHORTEST_INTERVAL_S = 0.001;

/** How often a polling client must ask; null where even without an interval an answer is too late. */
export function interval_s(model: Model, question: Question): number | null {
  const left = question.max_delay_s - model.service_s - question.round_trip_s / 2;
  return left >= SHORTEST_INTERVAL_S ? left : null;
}

export function settingOf(question: Question, interval_s: number, load: Load): Setting {
  return {
    clients: question.clients,
    rate: question.rate,
    size: question.size_bytes,
    spacing: question.spacing,
    interval_s,
    wait_s: question.wait_s,
    round_trip_s: question.round_trip_s,
    load,
  };
}
