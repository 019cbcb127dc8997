// The calibrated model: the one file that the server's `plan` command reads too. What its fields mean is in
// `docs/model.md`; the formulas here are those of `src/model/`, and both are checked against the same
// questions and answers.

import {
  base_memory_bytes,
  connect_us,
  contract,
  errors,
  machine,
  measured_at,
  publish_us,
  service_s,
  span,
  transports,
  version,
  wake_s,
  wake_us,
} from '../../../../src/model/shipped.json';
import type { Transport } from '../../client/transport.ts';

export interface Constants {
  readonly request_bytes: number;
  readonly answer_bytes: number;
  readonly message_bytes: number;
  readonly keep_alive_bytes: number;
  readonly request_us: number;
  readonly answer_us: number;
  readonly message_us: number;
  readonly cold_us: number;
  readonly cold_s: number;
  readonly kib_us: number;
  readonly keep_alive_us: number;
  readonly client_bytes: number;
  readonly answer_share: number;
}

export interface Contract {
  readonly page_messages: number;
  readonly page_bytes: number;
  readonly keep_alive_s: number;
  readonly keep_alive_bytes: number;
  readonly idle_s: number;
  readonly tail_bytes: number;
  readonly write_bytes: number;
}

export type Bounds = readonly [number, number];

export interface Model {
  readonly version: string;
  readonly measured_at: string;
  readonly machine: { readonly cpu: string | null; readonly cores: number };
  readonly contract: Contract;
  readonly publish_us: number;
  readonly connect_us: number;
  readonly wake_us: number;
  readonly wake_s: number;
  readonly service_s: number;
  readonly base_memory_bytes: number;
  readonly transports: Readonly<Record<Transport, Constants>>;
  readonly span: {
    readonly clients: Bounds;
    readonly rate: Bounds;
    readonly size: Bounds;
    readonly interval_s: Bounds;
  };
  readonly errors: {
    readonly cpu_median: number;
    readonly cpu_worst: number;
    readonly bytes_worst: number;
    readonly requests_worst: number;
  };
}

/** What was measured to get there stays in the file: only what is named here comes into the page. */
const shipped = {
  base_memory_bytes,
  connect_us,
  contract,
  errors,
  machine,
  measured_at,
  publish_us,
  service_s,
  span,
  transports,
  version,
  wake_s,
  wake_us,
};

/** TypeScript reads pairs in JSON as lists of any length. */
export const MODEL = shipped as unknown as Model;
