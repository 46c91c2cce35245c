// Texts that something on the way could change, cut, refuse or take for its own. The conformance
// suite sends the same ones.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./server.mjs";

/** Every text of the table; none has an unpaired surrogate. */
export const texts = JSON.parse(
  readFileSync(join(root, "transports", "conformance", "texts.json"), "utf8"),
);

/** Texts that no UTF-8 can hold. */
export const unpaired = ["\ud800", "\udfff", "a\ud83db", "\ude00\ud83d", "\ud83d\ud83d\ude00"];
