// The crates as they would be published: packed by cargo, unpacked, and compiled from nothing but
// what is in them.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const target = process.env.CARGO_TARGET_DIR ?? join(root, "target");
const unpacked = join(target, "package-check");
const run = (program, args, cwd = root) =>
  execFileSync(program, args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"], maxBuffer: 1e9 });

const metadata = JSON.parse(run("cargo", ["metadata", "--no-deps", "--locked", "--format-version", "1"]));
const crates = metadata.packages.filter(({ publish }) => publish === null || publish.length > 0);
const all = ["--workspace", "--no-verify", "--allow-dirty", "--locked", "--quiet"];
const file = ({ name, version }) => join(target, "package", `${name}-${version}.crate`);
const folder = ({ name, version }) => join(unpacked, `${name}-${version}`);

before(() => {
  for (const crate of crates) rmSync(file(crate), { force: true });
  // Without compiling each in a folder of its own, dependencies included: that is done below, once.
  run("cargo", ["package", ...all]);
  rmSync(unpacked, { recursive: true, force: true });
  mkdirSync(unpacked, { recursive: true });
  for (const crate of crates) run("tar", ["-xzf", file(crate), "-C", unpacked]);
});

test("the crates that are published are those that are meant to be", () => {
  assert.deepEqual(crates.map(({ name }) => name).sort(), [
    "stellarfw",
    "stellarfw-broker",
    "stellarfw-broker-memory",
    "stellarfw-cli",
    "stellarfw-conformance",
    "stellarfw-engineio",
    "stellarfw-flow",
    "stellarfw-socketio",
    "stellarfw-sockjs",
    "stellarfw-transport",
    "stellarfw-websocket",
    "stellarfw-ws",
  ]);
});

test("cargo would publish them", () => {
  run("cargo", ["publish", "--dry-run", ...all]);
});

for (const crate of crates) {
  test(`${crate.name} has its licences, a readme, and what people find it by`, () => {
    const { license, repository, description, keywords, categories, readme, rust_version } = crate;
    assert.equal(license, "MIT OR Apache-2.0");
    assert.match(repository, /^https:\/\//);
    assert.ok(description.length > 20 && rust_version);
    assert.ok(keywords.length >= 3 && keywords.length <= 5, `${keywords}`);
    assert.ok(categories.length >= 2 && categories.length <= 5, `${categories}`);
    assert.equal(readme, "README.md");
    for (const name of ["LICENSE-MIT", "LICENSE-APACHE"]) {
      assert.equal(readFileSync(join(folder(crate), name), "utf8"), readFileSync(join(root, name), "utf8"));
    }
    assert.ok(readFileSync(join(folder(crate), "README.md"), "utf8").length > 200);
    const names = readdirSync(folder(crate), { recursive: true });
    const strange = names.filter((name) => /^(target|node_modules|tests|benches|examples|fuzz)$/.test(name));
    assert.deepEqual(strange, []);
    const bound = crate.name === "stellarfw" ? 600_000 : 180_000;
    assert.ok(statSync(file(crate)).size < bound, `${statSync(file(crate)).size} bytes`);
  });
}

test("they compile from what is in them, with all features", () => {
  const paths = crates.map((crate) => `${crate.name} = { path = ${JSON.stringify(folder(crate))} }`);
  const members = crates.map((crate) => JSON.stringify(`${crate.name}-${crate.version}`));
  const manifest = `[workspace]\nresolver = "3"\nmembers = [${members}]\n\n[patch.crates-io]\n${paths.join("\n")}\n`;
  writeFileSync(join(unpacked, "Cargo.toml"), manifest);
  cpSync(join(root, "Cargo.lock"), join(unpacked, "Cargo.lock"));
  // In the folder where the same dependencies have been built already.
  const args = ["check", "--workspace", "--all-features", "--quiet", "--target-dir", target];
  run("cargo", args, unpacked);
  for (const crate of crates) {
    // A path that leads out of a package would have led to the checkout.
    for (const name of readdirSync(folder(crate), { recursive: true })) {
      if (!name.endsWith(".rs")) continue;
      const text = readFileSync(join(folder(crate), name), "utf8");
      for (const [, path] of text.matchAll(/include_(?:str|bytes)!\("([^"]+)"\)/g)) {
        // What stands in the template and in comments is for others.
        if (name.startsWith("template/") || path.includes("{")) continue;
        assert.ok(existsSync(join(folder(crate), name, "..", path)), `${crate.name}: ${name}: ${path}`);
      }
    }
  }
});

test("the documents and `stellarfw new` name what can be reached", () => {
  run(process.execPath, [join(root, "scripts/published.mjs")]);
});
