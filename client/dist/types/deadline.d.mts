import { StellarError } from "./errors.mjs";
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
export declare const after: (ms: number, fn: () => void) => any;
/**
 * Watches a request's time and signal, and calls `fail` at most once. Returns what
 * stops the watch, or nothing when it has failed already.
 */
export declare function watch({ timeout, signal }: RequestOptions, fail: (error: StellarError) => void): (() => void) | void;
