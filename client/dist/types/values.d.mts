import type { Codec, Payload } from "./codec/codec.mjs";
import { StellarError } from "./errors.mjs";
/** The error of what a caller passed and cannot be sent. */
export declare const invalid: (text: string) => StellarError;
/** What `make` gives; what it throws is the fault of what was passed. */
export declare function valid<T>(make: () => T): T;
/** The parameters of an action, copied: of an object with `toJSON` what that gives. */
export declare const fields: (params: any) => Record<string, any>;
/** The same parameters as JSON has them, and their text. */
export declare const asJson: (params: object) => [Record<string, unknown>, string];
/**
 * A message as it is sent, and as the server reads it. Throws if it cannot be sent, or the server
 * would not know what to do with it: that one would not count it.
 */
export declare const pack: (body: any, codec: Codec, most: number) => [message: any, payload: Payload];
