#!/usr/bin/env node
// Checks that each layer of `src` knows only those below it, and each crate only those that it may.
// The layers, the crates and the exceptions are in scripts/layers/layers.json.
//
//   scripts/layers.mjs            checks
//   scripts/layers.mjs --imports  lists every import from one layer to another
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { checkCrates, checkLayers, imports } from "./layers/check.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const rules = JSON.parse(readFileSync(join(root, "scripts/layers/layers.json"), "utf8"));

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
for (const fault of faults) console.log(fault);
console.log(`${rules.layers.length} layers, ${rules.exceptions.length} exceptions, ${Object.keys(rules.crates).length} crates, ${faults.length} faults`);
process.exitCode = faults.length ? 1 : 0;
