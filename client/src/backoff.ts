/** How the client tries again after a lost connection. */
export interface ReconnectOptions {
  /** The longest first delay in ms; default 500. */
  min: number;
  /** The longest delay in ms; default 30,000. */
  max: number;
  /** The growth from one attempt to the next; default 2. */
  factor: number;
  /** How many attempts before giving up; `null` (the default) for no end. */
  retries: number | null;
  /** How long an attempt after the first may take, in ms; default: the option `timeout`. */
  "reconnect timeout"?: number | null;
}

/**
 * The delay in ms before an attempt, counted from 1. The first is up to `min`; those
 * after it grow by `factor` and are spread by up to twice. All are random, so that the
 * clients of a server that restarts do not come back in one moment.
 */
export function backoff(
  attempt: number,
  { min, max, factor }: ReconnectOptions,
  random: () => number = Math.random,
): number {
  const spread = attempt < 2 ? random() : (1 + random()) * factor ** (attempt - 1);
  // At least 1, which is a delay; and no timer can be longer than the last.
  return Math.min(Math.round(spread * min) || 1, max, 2 ** 31 - 1);
}
