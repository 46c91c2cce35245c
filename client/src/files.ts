import type { Answer } from "./types";

/** Converts a file's content to bytes, or to a blob with its MIME type. */
export function decodeFile(file: Answer, as?: "bytes" | "blob"): Answer {
  if (!as) return file;
  const bytes =
    file.encoding === "base64"
      ? Uint8Array.from(atob(file.content), (char) => char.charCodeAt(0))
      : new TextEncoder().encode(file.content);
  return { ...file, content: as === "blob" ? new Blob([bytes], { type: file.mime }) : bytes };
}
