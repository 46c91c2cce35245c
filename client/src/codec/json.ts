import type { Codec } from "./codec";

/**
 * JSON in text frames.
 *
 * Unpaired surrogates become U+FFFD, as in UTF-8.
 */
export const json: Codec = {
  name: "json",
  encode: (message) =>
    // `stringify` escapes them. The first alternative skips escaped backslashes.
    JSON.stringify(message)?.replace(/\\(?:\\|ud[89a-f]..)/g, (found) =>
      found[1] === "u" ? "\ufffd" : found,
    ),
  decode: JSON.parse as Codec["decode"],
};
