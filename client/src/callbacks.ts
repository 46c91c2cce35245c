import type { RequestOptions } from "./deadline";
import type { StellarError } from "./errors";

/** Any callback of a method. */
export type Callback = (...args: any[]) => void;

/** Returns the callback and the options from a method's last arguments, in either order. */
export function callbackAndOptions<Options = RequestOptions>(
  args: unknown[],
): [Callback | undefined, Partial<Options>] {
  return [
    args.find((arg) => typeof arg === "function") as Callback | undefined,
    (args.find((arg) => arg && typeof arg === "object") ?? {}) as Partial<Options>,
  ];
}

/**
 * Calls a callback with the outcome of a promise, and returns the promise.
 *
 * With a callback, a rejection counts as handled. `answerFirst` selects the order
 * `(answer, error)`. A failure without an answer then passes `{error}` as the answer, so that
 * callers only need to check `answer.error`.
 */
export function withCallback<T>(promise: Promise<T>, callback?: Callback, answerFirst?: boolean): Promise<T> {
  if (callback) {
    void promise.then(
      (answer) => (answerFirst ? callback(answer, null) : callback(null, answer)),
      (error: StellarError) =>
        answerFirst ? callback(error.response ?? { error }, error) : callback(error),
    );
  }
  return promise;
}
