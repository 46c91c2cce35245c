import type { Codec } from "./codec";
/** JSON in text frames. */
export declare const json: Codec;
