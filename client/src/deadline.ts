import { StellarError } from "./errors";
import { valid } from "./values";

/** Options of one request. */
export interface RequestOptions {
  /** Timeout of the response, in ms. Rejects with `timeout`; 0 means no timeout. */
  timeout?: number;
  /** Rejects with `aborted` when the signal fires. */
  signal?: AbortSignal;
  /** Rejects with `dropped` instead of queueing the request. */
  volatile?: boolean;
  /**
   * Resolves with an empty response once the request is sent. Errors of the server are not
   * reported. Meant for actions without a response.
   */
  noReply?: boolean;
}

/** Calls `fn` after `ms`, or never if a timer cannot hold the delay. */
export const after = (ms: number, fn: () => void): any =>
  ms < 2 ** 31 ? setTimeout(fn, ms) : undefined;

/**
 * Calls `fail` at most once, when a request times out or its signal fires.
 *
 * Returns a function that stops the watch, or `undefined` if it has failed already.
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
