#!/usr/bin/env node
// Where the documents and `stellarfw new` get the crates and the client from. One place knows
// whether they are in the registries: the constant in cli/src/origin.rs.
//
//   scripts/published.mjs           checks that every document agrees with it
//   scripts/published.mjs yes|no    changes it, and the documents with it
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const read = (path) => readFileSync(join(root, path), "utf8");
const place = "cli/src/origin.rs";
const constant = /^const PUBLISHED: bool = (true|false);$/m;
const git = "https://github.com/stellarfw/stellarfw-rs";
const [, version] = read("Cargo.toml").match(/^version = "(.*)"$/m);
const [minor] = version.match(/^\d+\.\d+/);

/** Lines that differ: before there is a release, and after. */
const lines = [
  ["README.md", `cargo add stellarfw --git ${git} --features schemars`, "cargo add stellarfw --features schemars"],
  [
    "docs/getting-started.md",
    "cargo add stellarfw --path ../stellarfw --features schemars   # the folder that this project is in",
    "cargo add stellarfw --features schemars",
  ],
  [
    "docs/cli.md",
    `cargo install --git ${git} stellarfw-cli   # or, in a checkout: cargo install --path cli --profile dist`,
    "cargo install stellarfw-cli   # or, in a checkout: cargo install --path cli --profile dist",
  ],
  [
    "docs/cli.md",
    "The application depends on the repository. With `--path FOLDER` it depends on a checkout instead.",
    "The application depends on the published crate. With `--path FOLDER` it depends on a checkout instead.",
  ],
  ...["docs/client.md", "client/README.md"].map((path) => [
    path,
    `npm pack ../stellarfw/client && npm install ./stellar-client-${version}.tgz   # ../stellarfw: a checkout`,
    "npm install stellar-client",
  ]),
  ...[
    ["docs/socketio.md", "stellarfw-socketio", "v2"],
    ["docs/engineio.md", "stellarfw-engineio", "v3"],
  ].map(([path, crate, feature]) => [
    path,
    `${crate} = { git = "${git}", features = ["${feature}"] }`,
    `${crate} = { version = "${minor}", features = ["${feature}"] }`,
  ]),
];

/** What no document may say before there is a release. */
const untrue = [
  /\bcargo install (--locked )?stellarfw/,
  /\bcargo add (?!.*--(git|path) ).*\bstellarfw/,
  /\bnpm (i|install|add) (\S+ )*stellar-client(?![-\w.])/,
  /\bstellarfw[a-z-]* = ("|\{ version)/,
  /(unpkg\.com|jsdelivr\.net\/npm|esm\.sh)\/stellar-client/,
];

const has = (text, line) => text.split("\n").includes(line);
const published = read(place).match(constant)?.[1] === "true";
const [, wanted] = process.argv.slice(1);

if (wanted === "yes" || wanted === "no") {
  const after = wanted === "yes";
  writeFileSync(join(root, place), read(place).replace(constant, `const PUBLISHED: bool = ${after};`));
  for (const [path, before, released] of lines) {
    const [from, to] = after ? [before, released] : [released, before];
    const text = read(path).split("\n").map((line) => (line === from ? to : line));
    writeFileSync(join(root, path), text.join("\n"));
  }
} else if (wanted !== undefined) {
  console.error("usage: scripts/published.mjs [yes|no]");
  process.exit(2);
}

const faults = [];
const now = wanted === undefined ? published : wanted === "yes";
if (!constant.test(read(place))) faults.push(`${place}: there is no constant PUBLISHED`);
for (const [path, before, released] of lines) {
  const [right, wrong] = now ? [released, before] : [before, released];
  if (!has(read(path), right)) faults.push(`${path} should say: ${right}`);
  if (has(read(path), wrong)) faults.push(`${path} should not say: ${wrong}`);
}
const tracked = ["ls-files", "--cached", "--others", "--exclude-standard", "*.md"];
const documents = execFileSync("git", tracked, { cwd: root, encoding: "utf8" }).trim().split("\n");
if (!now) {
  for (const path of documents) {
    read(path)
      .split("\n")
      .forEach((line, number) => {
        if (untrue.some((pattern) => pattern.test(line))) {
          faults.push(`${path}:${number + 1} names what is in no registry yet: ${line}`);
        }
      });
  }
}
for (const fault of faults) console.log(fault);
console.log(`${now ? "Published" : "Not published"}; ${lines.length} lines, ${documents.length} documents, ${faults.length} wrong`);
process.exitCode = faults.length ? 1 : 0;
