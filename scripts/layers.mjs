#!/usr/bin/env node
// Checks that each layer of `src` knows only those below it, and each crate only those that it may.
// The layers, the crates and the exceptions are in scripts/layers/layers.json.
//
//   scripts/layers.mjs            checks, and compares the picture in docs/architecture.md
//   scripts/layers.mjs --draw     draws that picture
//   scripts/layers.mjs --imports  lists every import from one layer to another
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { checkCrates, checkLayers, imports } from "./layers/check.mjs";
import { draw } from "./layers/picture.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const rules = JSON.parse(readFileSync(join(root, "scripts/layers/layers.json"), "utf8"));

const pictures = ["light", "dark"].map((theme) => [`docs/img/layers-${theme}.svg`, draw(rules, theme)]);

if (process.argv[2] === "--draw") {
  for (const [path, svg] of pictures) writeFileSync(join(root, path), svg);
  process.exit();
}
if (process.argv[2] === "--imports") {
  for (const { file, line, path, from, to } of imports(rules, join(root, "src")).found) {
    console.log(`src/${file}:${line}: ${from} → ${to}: ${path}`);
  }
  process.exit();
}
const args = ["metadata", "--no-deps", "--locked", "--format-version", "1"];
const metadata = execFileSync("cargo", args, { cwd: root, encoding: "utf8", maxBuffer: 1e9 });
const { packages } = JSON.parse(metadata);
const faults = [...checkLayers(rules, join(root, "src")), ...checkCrates(rules, packages)];
for (const [path, svg] of pictures) {
  const file = join(root, path);
  if (!existsSync(file) || readFileSync(file, "utf8") !== svg) faults.push(`${path} is not current: run scripts/layers.mjs --draw`);
}
for (const fault of faults) console.log(fault);
console.log(`${rules.layers.length} layers, ${rules.exceptions.length} exceptions, ${Object.keys(rules.crates).length} crates, ${faults.length} faults`);
process.exitCode = faults.length ? 1 : 0;
