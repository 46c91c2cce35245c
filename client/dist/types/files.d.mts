import type { Answer } from "./types.mjs";
/** Turns a file's content into what was asked for: its bytes, or a blob of its type. */
export declare function decodeFile(file: Answer, as?: "bytes" | "blob"): Answer;
