import type { RequestOptions } from "./deadline";
import type { StellarError } from "./errors";

/** Any callback of the guide. */
export type Callback = (...args: any[]) => void;

/** Finds the callback and the options among a method's last arguments, in whatever order. */
export function tail<Options = RequestOptions>(
  args: unknown[],
): [Callback | undefined, Partial<Options>] {
  return [
    args.find((arg) => typeof arg === "function") as Callback | undefined,
    (args.find((arg) => arg && typeof arg === "object") ?? {}) as Partial<Options>,
  ];
}

/**
 * Tells a callback how a promise ends, and returns the promise. With a callback, a
 * rejection counts as handled. `answerFirst` is the order `(answer, error)`; what failed
 * without an answer then gives `{error}`, so that looking at `answer.error` is enough.
 */
export function tell<T>(promise: Promise<T>, callback?: Callback, answerFirst?: boolean): Promise<T> {
  if (callback) {
    void promise.then(
      (answer) => (answerFirst ? callback(answer, null) : callback(null, answer)),
      (error: StellarError) =>
        answerFirst ? callback(error.response ?? { error }, error) : callback(error),
    );
  }
  return promise;
}
