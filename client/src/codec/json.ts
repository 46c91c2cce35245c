import type { Codec } from "./codec";

/** JSON in text frames. */
export const json: Codec = {
  name: "json",
  encode: JSON.stringify,
  decode: JSON.parse as Codec["decode"],
};
