// What a lane's network can be like. Most faults the server makes at the lane's own request; being offline is made
// in the browser, where it is truer.

export type Fault = 'healthy' | 'buffer' | 'cut' | 'slow' | 'offline' | 'restart';

/** In the order they are always shown. */
export const FAULTS: readonly Fault[] = ['healthy', 'buffer', 'cut', 'slow', 'offline', 'restart'];

/** Those that are over by themselves, and after how long. */
export const DURATION_MS: Partial<Record<Fault, number>> = { offline: 5_000, restart: 3_000 };

/** After how much silence a stream counts as mute, in seconds. */
export const STALL_TIMEOUT_S = { min: 1, max: 300, initial: 45 } as const;
