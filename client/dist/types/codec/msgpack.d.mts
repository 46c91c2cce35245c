import type { Codec } from "./codec.mjs";
import { decode } from "./msgpack-decode.mjs";
import { encode } from "./msgpack-encode.mjs";
/** MessagePack in binary frames. */
export declare const msgpack: Codec;
export { decode, encode };
