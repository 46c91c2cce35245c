import type { Codec } from "./codec";

/**
 * JSON in text frames. Halves of surrogate pairs, which are no characters, become U+FFFD, as they do
 * in UTF-8.
 */
export const json: Codec = {
  name: "json",
  encode: (message) =>
    // JSON has them escaped, and a backslash that is meant as such twice.
    JSON.stringify(message)?.replace(/\\(?:\\|ud[89a-f]..)/g, (found) =>
      found[1] === "u" ? "\ufffd" : found,
    ),
  decode: JSON.parse as Codec["decode"],
};
