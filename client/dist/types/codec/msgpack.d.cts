import type { Codec } from "./codec.cjs";
import { decode } from "./msgpack-decode.cjs";
import { encode } from "./msgpack-encode.cjs";
/** MessagePack in binary frames. */
export declare const msgpack: Codec;
export { decode, encode };
