import { StellarError } from "./errors";

/** Options of one request. */
export interface RequestOptions {
  /** Rejects with `timeout` when no answer came in so many ms. 0 waits for ever. */
  timeout?: number;
  /** Rejects with `aborted` when the signal fires. */
  signal?: AbortSignal;
}

/**
 * Watches a request's time and signal, and calls `fail` at most once. Returns what
 * stops the watch.
 */
export function watch(
  { timeout, signal }: RequestOptions,
  fail: (error: StellarError) => void,
): () => void {
  const abort = () => fail(new StellarError("aborted", "Aborted"));
  const timer = timeout
    ? setTimeout(() => fail(new StellarError("timeout", `No answer in ${timeout} ms`)), timeout)
    : undefined;
  if (signal?.aborted) abort();
  else signal?.addEventListener("abort", abort);
  return () => {
    clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
  };
}
