import type { Codec } from "./codec.mjs";
/** JSON in text frames. */
export declare const json: Codec;
