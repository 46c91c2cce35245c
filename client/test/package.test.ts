// The package as npm packs it, installed into a project of its own and used there.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { TestServer } from "./support/server";

const root = fileURLToPath(new URL("..", import.meta.url));
const run = promisify(execFile);
let project: string;
let installed: string;

before(async () => {
  project = mkdtempSync(join(tmpdir(), "stellar-package-"));
  const { stdout } = await run("npm", ["pack", "--json", "--pack-destination", project], { cwd: root });
  const [{ filename }] = JSON.parse(stdout);
  writeFileSync(join(project, "package.json"), JSON.stringify({ name: "app", private: true }));
  // Nothing but the package is asked for, and it depends on nothing.
  const quiet = ["--offline", "--no-audit", "--no-fund", "--omit=peer"];
  await run("npm", ["install", ...quiet, `./${filename}`], { cwd: project });
  installed = join(project, "node_modules/stellar-client");
  // What an application has beside it.
  const others = ["react", "react-dom", "scheduler", "vue", "@vue", "ws", "csstype"];
  for (const name of [...others, "@types/react", "@types/node", "undici-types"]) {
    const path = join(project, "node_modules", name);
    mkdirSync(dirname(path), { recursive: true });
    symlinkSync(join(root, "node_modules", name), path);
  }
});

after(() => rmSync(project, { recursive: true }));

/** Runs a program of the project, of the kind that its name says. */
async function program(name: string, source: string, ...args: string[]): Promise<string> {
  writeFileSync(join(project, name), source);
  return (await run(process.execPath, [name, ...args], { cwd: project })).stdout.trim();
}

test("it has what it needs, its licences, and nothing else", () => {
  const names = readdirSync(installed, { recursive: true, encoding: "utf8" });
  const files = names.filter((name) => statSync(join(installed, name)).isFile()).sort();
  const modules = ["react", "vue"];
  for (const name of ["stellar-client", "stellar-client.msgpack"]) modules.push(name, `${name}.node`);
  const types = ["index", "msgpack", "react", "vue", "shared"];
  const both = (list: string[], end: string) =>
    list.flatMap((name) => [`dist/${name}${end}.cjs`, `dist/${name}${end}.mjs`]);
  const expected = [
    ...["LICENSE-APACHE", "LICENSE-MIT", "README.md", "package.json"],
    ...both(modules, ""),
    ...both(types.map((name) => `types/${name}`), ".d").map((name) => name.replace(/js$/, "ts")),
  ];
  assert.deepEqual(files, expected.sort());
  for (const name of ["LICENSE-APACHE", "LICENSE-MIT"]) {
    const own = readFileSync(join(root, "..", name), "utf8");
    assert.equal(readFileSync(join(installed, name), "utf8"), own, name);
  }
  const size = files.reduce((sum, name) => sum + statSync(join(installed, name)).size, 0);
  assert.ok(size < 700_000, `${size} bytes`);
  for (const name of files.filter((name) => /js$/.test(name))) {
    const text = readFileSync(join(installed, name), "utf8");
    assert.doesNotMatch(text, /sourceMappingURL/, `${name} names a map that is not there`);
  }
});

test("all that package.json names is there", () => {
  const manifest = JSON.parse(readFileSync(join(installed, "package.json"), "utf8"));
  assert.equal(manifest.license, "MIT OR Apache-2.0");
  const named = (value: unknown): string[] =>
    typeof value === "string" ? [value] : Object.values(value as object).flatMap(named);
  const { main, module, types, browser, exports } = manifest;
  for (const path of named([main, module, types, browser, exports])) {
    assert.ok(statSync(join(installed, path)).isFile(), path);
  }
});

const use = `
async function use({ StellarClient, createClient, StellarError }, url) {
  const client = new StellarClient(url);
  await client.connect();
  const { sum } = await client.action("sum", { a: 1, b: 2 });
  await client.roomAdd("defaultRoom");
  const refused = await client.roomAdd("nowhere").catch((error) => error instanceof StellarError);
  client.disconnect();
  return [sum, refused, typeof createClient].join();
}
`;
const hooks = `
function hooks(client, react, h, toText, vue, { createSSRApp, h: vh }, vueToText) {
  const Component = () => h("p", null, react.useConnection(client), react.useRoom(client, "lobby").messages.length);
  const App = {
    setup() {
      const [state, room] = [vue.useConnection(client), vue.useRoom(client, "lobby")];
      return () => vh("p", [state.value, room.messages.value.length]);
    },
  };
  return vueToText(createSSRApp(App)).then((text) => [toText(h(Component)), text].join());
}
`;

for (const [parser, entry] of [
  ["json", "stellar-client"],
  ["msgpack", "stellar-client/msgpack"],
] as const) {
  test(`${entry} is imported and required`, async (t) => {
    const server = await TestServer.start({ parser });
    t.after(() => server.kill());
    const kinds = {
      "esm.mjs": `import * as client from "${entry}"; ${use} console.log(await use(client, process.argv[2]));`,
      "cjs.cjs": `${use} use(require("${entry}"), process.argv[2]).then(console.log);`,
    };
    for (const [name, source] of Object.entries(kinds)) {
      assert.equal(await program(name, source, server.url), "3,true,function", name);
    }
  });
}

test("the hooks of React and the composables of Vue are imported and required", async () => {
  const given = `new StellarClient("http://127.0.0.1:9")`;
  const kinds = {
    "hooks.mjs": `
      import { StellarClient } from "stellar-client";
      import * as react from "stellar-client/react";
      import * as vue from "stellar-client/vue";
      import { createElement } from "react";
      import { renderToStaticMarkup } from "react-dom/server";
      import * as Vue from "vue";
      import { renderToString } from "vue/server-renderer";
      ${hooks}
      console.log(await hooks(${given}, react, createElement, renderToStaticMarkup, vue, Vue, renderToString));`,
    "hooks.cjs": `
      const { StellarClient } = require("stellar-client");
      ${hooks}
      hooks(${given}, require("stellar-client/react"), require("react").createElement,
        require("react-dom/server").renderToStaticMarkup, require("stellar-client/vue"),
        require("vue"), require("vue/server-renderer").renderToString).then(console.log);`,
  };
  for (const [name, source] of Object.entries(kinds)) {
    assert.match(await program(name, source), /^<p>\w+0<\/p>,<p>\w+.*0.*<\/p>$/s, name);
  }
});

for (const [resolution, module] of [
  ["Node16", "Node16"],
  ["Bundler", "ESNext"],
] as const) {
  test(`TypeScript takes its types, strictly, with the resolution ${resolution}`, async () => {
    // As modules of both kinds, if the resolution tells them apart.
    for (const type of resolution === "Node16" ? ["module", "commonjs"] : ["module"]) {
      const folder = join(project, `typed-${resolution}-${type}`);
      cpSync(join(root, "test/consumer"), folder, { recursive: true });
      writeFileSync(join(folder, "package.json"), JSON.stringify({ type }));
      const compilerOptions = {
        ...{ target: "ES2022", lib: ["ES2023", "DOM"], types: [], noEmit: true },
        ...{ module, moduleResolution: resolution },
        ...{ strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true },
        skipLibCheck: false,
      };
      writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions }));
      const tsc = join(root, "node_modules/typescript/bin/tsc");
      const told = await run(process.execPath, [tsc, "-p", folder]).then(
        () => "",
        ({ stdout }) => stdout,
      );
      assert.equal(told, "", type);
    }
  });
}
