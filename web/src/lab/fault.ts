// The faults a lane's network can have. The server makes most of them on request; the browser itself goes offline.

export type Fault = 'healthy' | 'buffer' | 'cut' | 'slow' | 'offline' | 'restart';

/** In the order in which they are shown. */
export const FAULTS: readonly Fault[] = ['healthy', 'buffer', 'cut', 'slow', 'offline', 'restart'];

/** Faults that end by themselves, and after how long. */
export const DURATION_MS: Partial<Record<Fault, number>> = { offline: 5_000, restart: 3_000 };

/** A stream that brings nothing for this long counts as mute, in seconds. */
export const STALL_TIMEOUT_S = { min: 1, max: 300, initial: 45 } as const;

/** The same while a fault is chosen that can silence a stream, unless another time was asked for. */
export const FAULT_STALL_TIMEOUT_S = 5;

export function canSilence(fault: Fault): boolean {
  return fault !== 'healthy' && fault !== 'restart';
}
