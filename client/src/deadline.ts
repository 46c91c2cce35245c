import { StellarError } from "./errors";
import { valid } from "./values";

/** Options of one request. */
export interface RequestOptions {
  /** Rejects with `timeout` when no answer came in so many ms. 0 waits for ever. */
  timeout?: number;
  /** Rejects with `aborted` when the signal fires. */
  signal?: AbortSignal;
  /** Rejects with `dropped` when it cannot be sent at once, instead of waiting. */
  volatile?: boolean;
  /**
   * Resolves with an empty answer once it is sent: nothing is waited for, an error neither. For
   * actions that answer nobody.
   */
  noReply?: boolean;
}

/** Calls `fn` after so many ms; never, where that is longer than timers can be. */
export const after = (ms: number, fn: () => void): any =>
  ms < 2 ** 31 ? setTimeout(fn, ms) : undefined;

/**
 * Watches a request's time and signal, and calls `fail` at most once. Returns what
 * stops the watch, or nothing when it has failed already.
 */
export function watch(
  { timeout, signal }: RequestOptions,
  fail: (error: StellarError) => void,
): (() => void) | void {
  const abort = () => fail(new StellarError("aborted", "Aborted"));
  if (signal?.aborted) return abort();
  valid(() => signal?.addEventListener("abort", abort));
  const timer: any =
    timeout &&
    after(timeout, () => fail(new StellarError("timeout", `No answer in ${timeout} ms`)));
  return () => {
    clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
  };
}
