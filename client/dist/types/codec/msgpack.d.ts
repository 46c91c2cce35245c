import type { Codec } from "./codec";
import { decode } from "./msgpack-decode";
import { encode } from "./msgpack-encode";
/** MessagePack in binary frames. */
export declare const msgpack: Codec;
export { decode, encode };
