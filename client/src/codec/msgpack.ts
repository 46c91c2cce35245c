import type { Codec, Payload } from "./codec";
import { decode } from "./msgpack-decode";
import { encode } from "./msgpack-encode";

/** MessagePack in binary frames. */
export const msgpack: Codec = {
  name: "msgpack",
  encode,
  decode: (payload: Payload) => {
    if (typeof payload === "string") throw new TypeError("MessagePack comes in binary frames");
    return decode(payload);
  },
};

export { decode, encode };
