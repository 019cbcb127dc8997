// The faults of a lane's network. The server simulates all but `offline`, which the page simulates.

export type Fault = 'healthy' | 'buffer' | 'cut' | 'slow' | 'offline' | 'restart';

/** In display order. */
export const FAULTS: readonly Fault[] = ['healthy', 'buffer', 'cut', 'slow', 'offline', 'restart'];

/** How long faults last that end by themselves. */
export const DURATION_MS: Partial<Record<Fault, number>> = { offline: 5_000, restart: 3_000 };

/** Whether a fault does not end by itself. */
export function isLasting(fault: Fault): boolean {
  return DURATION_MS[fault] === undefined;
}

/** A stream without an event for this long counts as mute, in seconds. */
export const STALL_TIMEOUT_S = { min: 1, max: 300, initial: 45 } as const;

/** The default while a fault can silence a stream, so that a demonstration does not take 45 s. */
export const FAULT_STALL_TIMEOUT_S = 5;

export function canSilence(fault: Fault): boolean {
  return fault !== 'healthy' && fault !== 'restart';
}
