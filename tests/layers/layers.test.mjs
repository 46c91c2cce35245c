// The check of the layers finds what it is for: on small crates that are written here.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";

import { checkCrates, checkLayers } from "../../scripts/layers/check.mjs";
import { crateRows, direct, draw } from "../../scripts/layers/picture.mjs";
import { blank, paths } from "../../scripts/layers/source.mjs";

const folders = [];
after(() => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })));

const rules = {
  layers: [
    { name: "top", rank: 3, modules: ["top"] },
    { name: "left", rank: 2, modules: ["left", "old_left"] },
    { name: "right", rank: 2, modules: ["right"] },
    { name: "bottom", rank: 1, modules: ["bottom"] },
  ],
  exceptions: [],
};

/** A crate with the four layers, and these files besides. */
function crate(files) {
  const folder = mkdtempSync(join(tmpdir(), "layers-"));
  folders.push(folder);
  const all = {
    "lib.rs": "mod bottom; mod left; mod right; pub mod top;\npub use self::{top::{Top, deep::Deep}, bottom::Thing as Renamed};\n",
    "bottom/mod.rs": "pub struct Thing;\n",
    "left/mod.rs": "use crate::bottom::Thing;\n",
    "right.rs": "use super::bottom::Thing;\n",
    "top/mod.rs": "mod deep; use crate::{bottom, left::{self, x}, right}; pub struct Top;\n",
    "top/deep.rs": "use super::Top; use crate::Renamed; pub struct Deep;\n",
    ...files,
  };
  for (const [name, text] of Object.entries(all)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

const faults = (files, more = {}) => checkLayers({ ...rules, ...more }, crate(files));

test("a crate whose layers know only those below them has no fault", () => {
  assert.deepEqual(faults({}), []);
});

const planted = [
  ["an import from above", "use crate::top::Top;\n", "top: crate::top::Top"],
  ["one in a tree over several lines", "use crate::{\n  bottom::Thing,\n  top::{\n    self as t, Top},\n};", "top: crate::top"],
  ["one by the name that the root re-exports", "use crate::Deep;", "top: crate::Deep"],
  ["a path in the midst of code", "fn f() {\n  let x = crate::top::Top;\n}", "top: crate::top::Top"],
  ["a path in a type, by super", "struct S(Vec<super::super::top::Top>);", "top: super::super::top::Top"],
  ["a path in an inline module", "mod a { mod b { use super::super::super::super::top::Top; } }", "top: super::super::super::super::top::Top"],
  ["one in a macro", "macro_rules! m { () => { $crate::top::Top } }", "top: crate::top::Top"],
  ["one beside a layer of the same rank", "use crate::right::R;", "right: crate::right::R"],
  ["a glob", "pub(crate) use crate::top::*;", "top: crate::top"],
  ["one with raw names and spaces", "use crate :: r#top :: Top;", "top: crate::top::Top"],
  ["one behind a text and a lifetime", "fn f<'a>(_: &'a str) -> &'a str { \"'\\\"\"; '\"'; crate::top::f() }", "top: crate::top::f"],
  ["one of the crate's root", "use crate::LOCATOR;", "the root: crate::LOCATOR"],
];
for (const [what, source, fault] of planted) {
  test(`it finds ${what}`, () => {
    const found = faults({ "left/planted.rs": source });
    assert.ok(found.some((line) => line.startsWith("src/left/planted.rs:") && line.includes(`left → ${fault}`)), `${found}`);
  });
}

test("a fault names the file and the line", () => {
  const [found] = faults({ "bottom/mod.rs": "// one\n\nuse std::fmt;\nuse crate::left::x;\n" });
  assert.equal(found, "src/bottom/mod.rs:4: bottom → left: crate::left::x");
});

const innocent = [
  ["a comment", "// crate::top::Top\n/* crate::top /* nested */ crate::top::Top */\n/// [`Top`](crate::top::Top)\n"],
  ["a text", 'const A: &str = "crate::top::Top"; const B: &str = r#"use crate::top::Top;"#;'],
  ["a test", "#[cfg(test)]\nmod tests {\n  use crate::top::Top;\n  fn f() { crate::top::g() }\n}\nuse crate::bottom::Thing;"],
  ["an import for tests", "#[cfg(test)]\nuse crate::top::Top;\n#[cfg(all(doctest, feature = \"a\"))]\nmod guides { use crate::top::Top; }"],
  ["a visibility", "pub(in crate::top) fn f() {}"],
  ["another crate of that name", "use top::Top; use other::top::Top;"],
  ["its own layer under another name", "use crate::old_left::x;"],
];
for (const [what, source] of innocent) {
  test(`${what} is no import`, () => {
    assert.deepEqual(faults({ "left/innocent.rs": source, "old_left.rs": "" }), []);
  });
}

test("code behind a test is looked at", () => {
  const found = faults({ "left/a.rs": "#[cfg(test)]\nmod tests { fn f() { \"}\"; } }\nuse crate::top::Top;" });
  assert.deepEqual(found, ["src/left/a.rs:3: left → top: crate::top::Top"]);
});

test("a module of no layer is a fault", () => {
  assert.deepEqual(faults({ "stray.rs": "" }), ["src: the module stray is in no layer"]);
});

test("an exception excuses its file and layer, and has to be needed", () => {
  const exceptions = [{ file: "left/a.rs", to: "top" }];
  assert.deepEqual(faults({ "left/a.rs": "use crate::top::Top;" }, { exceptions }), []);
  assert.equal(faults({ "left/b.rs": "use crate::top::Top;" }, { exceptions }).length, 2);
  assert.deepEqual(faults({}, { exceptions }), ["the exception left/a.rs → top is not needed"]);
});

test("what is blanked keeps its place", () => {
  const source = "a /* b\n */ \"c\" 'd' r\"e\" 'life b'x' // f\ng";
  assert.equal(blank(source).length, source.length);
  assert.equal(blank(source).replace(/\s+/g, " "), "a 'life g");
  assert.deepEqual(paths("\n\nuse crate::a::{b, c::*};").map(({ names, line }) => [names.join("."), line]), [
    ["crate.a.b", 3],
    ["crate.a.c.*", 3],
  ]);
});

const needs = (name, ...dependencies) => ({
  name,
  dependencies: dependencies.map((it) => (typeof it === "string" ? { name: it, kind: null } : it)),
});

test("a crate knows only those that it may", () => {
  const crates = {
    "stellarfw-transport": { knows: [] },
    "stellarfw-ws": { knows: ["stellarfw-transport"] },
    "stellarfw-broker": { knows: [], without: ["http"] },
  };
  const good = [
    needs("stellarfw-transport", "http"),
    needs("stellarfw-ws", "stellarfw-transport", { name: "stellarfw-broker", kind: "dev" }),
    needs("stellarfw-broker", "serde"),
    needs("example-chat", "stellarfw-ws"),
  ];
  assert.deepEqual(checkCrates({ crates }, good), []);
  const check = (...changed) => {
    const packages = good.map((it) => changed.find(({ name }) => name === it.name) ?? it);
    return checkCrates({ crates }, [...packages, ...changed.filter((it) => !packages.includes(it))]);
  };
  assert.deepEqual(check(needs("stellarfw-transport", "stellarfw-ws")), [
    "stellarfw-transport → stellarfw-ws: it may know none",
  ]);
  assert.deepEqual(check(needs("stellarfw-broker", { name: "http", kind: "build" })), [
    "stellarfw-broker → http: stellarfw-broker must do without http",
  ]);
  assert.deepEqual(check(needs("stellarfw-broker", "stellarfw-transport")), [
    "stellarfw-broker → stellarfw-transport: it may know none",
    "stellarfw-broker → stellarfw-transport → http: stellarfw-broker must do without http",
  ]);
  assert.deepEqual(check(needs("stellarfw-ws", { name: "stellarfw-transport", kind: "dev" })), [
    "stellarfw-ws does not depend on stellarfw-transport, which its rule allows",
  ]);
  assert.deepEqual(check(needs("stellarfw-new")), ["the crate stellarfw-new has no rule"]);
  assert.deepEqual(checkCrates({ crates }, good.slice(1)), [
    "there is no crate stellarfw-transport",
  ]);
});

test("the picture has every layer in its row, and an arrow for each crate that one knows directly", () => {
  const crates = { a: { knows: ["b", "c"] }, b: { knows: ["c"] }, c: { knows: [] }, d: { knows: ["c"] } };
  assert.deepEqual(crateRows(crates), [["a"], ["b", "d"], ["c"]]);
  assert.deepEqual(direct(crates, "a"), ["b"]);
  const layers = rules.layers.map((layer) => ({ ...layer, what: `what <${layer.name}> does` }));
  for (const theme of ["light", "dark"]) {
    const svg = draw({ layers, crates }, theme);
    const at = (text) => svg.match(new RegExp(`y="(\\d+)"[^>]*>${text}<`))?.[1];
    assert.ok(Number(at("top")) < Number(at("left")) && Number(at("right")) < Number(at("bottom")), svg);
    assert.equal(at("left"), at("right"));
    assert.equal(svg.match(/marker-end/g).length, 3);
    assert.ok(svg.includes("what &lt;top&gt; does"));
  }
});
