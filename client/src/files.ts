import type { Answer } from "./types";

/** Turns a file's content into what was asked for: its bytes, or a blob of its type. */
export function decodeFile(file: Answer, as?: "bytes" | "blob"): Answer {
  if (!as) return file;
  const bytes =
    file.encoding === "base64"
      ? Uint8Array.from(atob(file.content), (char) => char.charCodeAt(0))
      : new TextEncoder().encode(file.content);
  return { ...file, content: as === "blob" ? new Blob([bytes], { type: file.mime }) : bytes };
}
