import type { Codec } from "./codec";

/** JSON in text frames. */
export const json: Codec = {
  name: "json",
  encode: (message) => JSON.stringify(message),
  decode: (payload) => JSON.parse(payload as string),
};
