import { readFile, stat } from "node:fs/promises";
import { extname, join, normalize } from "node:path";

const types: Record<string, string> = {
  ".css": "text/css",
  ".html": "text/html",
  ".js": "application/javascript",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".txt": "text/plain",
};

/** The MIME type of a path. */
export const mimeOf = (path: string) => types[extname(path)] ?? "application/octet-stream";

/** Answers a request for a file of the public folder. */
export async function readPublicFile(folder: string, file: unknown) {
  try {
    if (typeof file !== "string") throw new Error("no name");
    const path = join(folder, normalize(`/${file}`));
    const bytes = await readFile(path);
    const { mtime } = await stat(path);
    const text = bytes.toString("utf8");
    const isText = Buffer.from(text).equals(bytes);
    return {
      error: null,
      content: isText ? text : bytes.toString("base64"),
      ...(!isText && { encoding: "base64" }),
      mime: mimeOf(path),
      length: bytes.length,
      lastModified: mtime.toISOString(),
    };
  } catch {
    const message = "The requested file not exists";
    return {
      error: { code: "010", message },
      content: null,
      mime: "text/html",
      length: message.length,
    };
  }
}
