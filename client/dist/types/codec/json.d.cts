import type { Codec } from "./codec.cjs";
/**
 * JSON in text frames. Halves of surrogate pairs, which are no characters, become U+FFFD, as they do
 * in UTF-8.
 */
export declare const json: Codec;
