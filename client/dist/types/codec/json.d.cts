import type { Codec } from "./codec.cjs";
/** JSON in text frames. */
export declare const json: Codec;
