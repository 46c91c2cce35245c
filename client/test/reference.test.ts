// The reference in docs/client-api is what is made of the types now.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const kept = join(root, "../docs/client-api");

const files = (folder: string) =>
  Object.fromEntries(
    readdirSync(folder, { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".md"))
      .sort()
      .map((name) => [name, readFileSync(join(folder, name), "utf8")]),
  );

test("docs/client-api is current; `npm run reference` makes it so", (t) => {
  const made = mkdtempSync(join(tmpdir(), "client-api-"));
  t.after(() => rmSync(made, { recursive: true }));
  const typedoc = join(root, "node_modules/typedoc/bin/typedoc");
  execFileSync(process.execPath, [typedoc, "--out", made], { cwd: root, stdio: "pipe" });
  const [now, before] = [files(made), files(kept)];
  assert.deepEqual(Object.keys(before), Object.keys(now));
  for (const name in now) assert.equal(before[name], now[name], name);
  const text = now["stellar-client.md"]!;
  for (const name of ["roomAdd", "detailsView", "send", "queueSize", "mayHaveRun"]) {
    assert.ok(text.includes(name), name);
  }
});
