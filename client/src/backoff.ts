/** Options of reconnecting after a lost connection. */
export interface ReconnectOptions {
  /** Maximum delay before the first attempt, in ms. Default: 500. */
  min: number;
  /** Maximum delay before any attempt, in ms. Default: 30,000. */
  max: number;
  /** Factor by which the delay grows with each attempt. Default: 2. */
  factor: number;
  /** Maximum number of attempts; `null` for no limit. Default: `null`. */
  retries: number | null;
  /** Timeout of an attempt after the first, in ms. Default: the option `timeout`. */
  "reconnect timeout"?: number | null;
}

/**
 * Returns the delay in ms before an attempt, counted from 1.
 *
 * The first delay is random up to `min`. Later ones grow by `factor`, with random jitter of up to
 * twice the value, so that the clients of a restarted server do not reconnect at the same moment.
 */
export function backoff(
  attempt: number,
  { min, max, factor }: ReconnectOptions,
  random: () => number = Math.random,
): number {
  const spread = attempt < 2 ? random() : (1 + random()) * factor ** (attempt - 1);
  // At least 1 ms, and at most what a timer can hold.
  return Math.min(Math.round(spread * min) || 1, max, 2 ** 31 - 1);
}
