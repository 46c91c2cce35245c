import type { RequestOptions } from "./deadline.mjs";
/** Any callback of the guide. */
export type Callback = (...args: any[]) => void;
/** Finds the callback and the options among a method's last arguments, in whatever order. */
export declare function tail<Options = RequestOptions>(args: unknown[]): [Callback | undefined, Partial<Options>];
/**
 * Tells a callback how a promise ends, and returns the promise. With a callback, a
 * rejection counts as handled. `answerFirst` is the order `(answer, error)`; what failed
 * without an answer then gives `{error}`, so that looking at `answer.error` is enough.
 */
export declare function tell<T>(promise: Promise<T>, callback?: Callback, answerFirst?: boolean): Promise<T>;
