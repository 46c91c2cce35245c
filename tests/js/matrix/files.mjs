// The public files that clients ask for.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { noise } from "../support/ws.mjs";

const folder = mkdtempSync(join(tmpdir(), "stellar-files-"));
process.on("exit", () => rmSync(folder, { recursive: true }));

const mebi = 1 << 20;
const content = {
  "simple.html": Buffer.from("<h1>Stellar</h1>\nIt works! \u2028 \u{1f680}\n"),
  "empty.txt": Buffer.alloc(0),
  "text.txt": Buffer.from("0123456789abcdeé".repeat(mebi / 17)),
  "noise.bin": noise(mebi),
};
for (const [name, bytes] of Object.entries(content)) writeFileSync(join(folder, name), bytes);

export const files = { folder, content };
