// Programs and pages that a bundler puts into one file with the package.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import commonjs from "@rollup/plugin-commonjs";
import { nodeResolve } from "@rollup/plugin-node-resolve";
import { build } from "esbuild";
import { rollup } from "rollup";
import { TestServer } from "./support/server";

const webpack = createRequire(import.meta.url)("webpack");
const client = fileURLToPath(new URL("..", import.meta.url));

/** Connects, and prints what it is then, or what is wrong. */
const program = (format: string) => `
${
  format === "cjs"
    ? `const { createClient } = require("stellar-client");`
    : `import { createClient } from "stellar-client";`
}
delete globalThis.WebSocket;
const client = createClient({ url: process.argv[2], reconnect: false });
client
  .connect()
  .then(() => ({ transport: client.transport.name }))
  .catch(({ code, message, cause }) => ({ code, message, cause: cause?.message }))
  .then((told) => {
    console.log(JSON.stringify(told));
    return client.disconnect();
  });
`;

interface Test {
  after(fn: () => Promise<void>): void;
}

interface Job {
  /** A folder with the program and what is installed. */
  folder: string;
  format: "cjs" | "esm" | "iife";
  node: boolean;
  /** Leaves the package `ws` to be found when the program runs. */
  external: boolean;
  /** What stands first in the bundle. */
  banner?: string;
}

/** Puts the program into one file, in the way that each bundler's manual has it. */
const bundlers: Record<string, (job: Job) => Promise<string>> = {
  async esbuild({ folder, format, node, external, banner = "" }) {
    const { outputFiles } = await build({
      entryPoints: [join(folder, "app.js")],
      bundle: true,
      write: false,
      format,
      platform: node ? "node" : "browser",
      external: external ? ["ws"] : [],
      banner: { js: banner },
      logLevel: "error",
    });
    assert.equal(outputFiles.length, 1);
    return outputFiles[0]!.text;
  },
  async rollup({ folder, format, node, external }) {
    const bundle = await rollup({
      input: join(folder, "app.js"),
      external: external ? ["ws"] : [],
      plugins: [
        nodeResolve(node ? { exportConditions: ["node"], preferBuiltins: true } : { browser: true }),
        commonjs({ ignoreDynamicRequires: true, ignore: ["bufferutil", "utf-8-validate"] }),
      ],
      onwarn: () => {},
    });
    const { output } = await bundle.generate(
      format === "iife" ? { format } : { format, inlineDynamicImports: true },
    );
    assert.equal(output.length, 1);
    return output[0]!.code;
  },
  async webpack({ folder, format, node, external }) {
    const module = format === "esm";
    const compiler = webpack({
      mode: "production",
      entry: join(folder, "app.js"),
      target: node ? "node20" : "web",
      externals: external ? { ws: module ? "node-commonjs ws" : "commonjs ws" } : {},
      experiments: { outputModule: module },
      output: { path: folder, filename: "webpack.out", module, asyncChunks: false },
      plugins: [new webpack.optimize.LimitChunkCountPlugin({ maxChunks: 1 })],
      optimization: { minimize: false },
      infrastructureLogging: { level: "none" },
    });
    const stats: any = await promisify(compiler.run).call(compiler);
    assert.deepEqual(stats.toJson({ all: false, errors: true }).errors, []);
    return readFile(join(folder, "webpack.out"), "utf8");
  },
};

/** A folder with these packages installed; it goes when the test does. */
async function folder(t: Test, packages: Record<string, string>): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), "bundle-"));
  t.after(() => rm(made, { recursive: true }));
  await mkdir(join(made, "node_modules"));
  for (const name in packages) await symlink(packages[name]!, join(made, "node_modules", name));
  return made;
}

/** A copy of the package, where nothing that it can be used with is installed. */
async function copy(t: Test): Promise<string> {
  const made = await folder(t, {});
  for (const name of ["package.json", "dist"]) {
    await cp(join(client, name), join(made, name), { recursive: true });
  }
  return made;
}

const ws = join(client, "node_modules/ws");

/** Runs a bundle where nothing is installed but these packages. */
async function run(t: Test, code: string, format: string, installed = {}) {
  const place = await folder(t, installed);
  const file = join(place, format === "cjs" ? "out.cjs" : "out.mjs");
  await writeFile(file, code);
  const server = await TestServer.start();
  t.after(() => server.kill());
  const { stdout } = await promisify(execFile)(process.execPath, [file, server.url], {
    env: { PATH: process.env.PATH },
  });
  return JSON.parse(stdout);
}

async function app(t: Test, packages: Record<string, string>, format: string) {
  const place = await folder(t, packages);
  await writeFile(join(place, "app.js"), program(format));
  return place;
}

// What every manual of esbuild has for packages like ws in a module.
const requires = `import { createRequire } from "node:module"; const require = createRequire(import.meta.url);`;

for (const [name, bundle] of Object.entries(bundlers)) {
  for (const format of ["cjs", "esm"] as const) {
    for (const external of [false, true]) {
      test(`${name}, ${format}: ws is found ${external ? "beside" : "in"} the bundle`, async (t) => {
        const place = await app(t, { "stellar-client": client, ws }, format);
        const banner = name === "esbuild" && format === "esm" && !external ? requires : "";
        const code = await bundle({ folder: place, format, node: true, external, banner });
        const told = await run(t, code, format, external ? { ws } : {});
        assert.deepEqual(told, { transport: "ws" });
      });
    }

    test(`${name}, ${format}: without ws it is put together, and says what is missing`, async (t) => {
      const place = await app(t, { "stellar-client": await copy(t) }, format);
      const code = await bundle({ folder: place, format, node: true, external: false });
      const told = await run(t, code, format);
      assert.equal(told.code, "unsupported");
      assert.match(told.message, /There is no WebSocket here.*Cannot find .*ws.*Install the package ws/);
      assert.match(told.cause, /Cannot find /);
    });
  }

  for (const format of name === "webpack" ? (["esm"] as const) : (["esm", "iife"] as const)) {
    test(`${name}, ${format}: a page gets nothing of ws`, async (t) => {
      const place = await app(t, { "stellar-client": client, ws }, format);
      const code = await bundle({ folder: place, format, node: false, external: false });
      assert.doesNotMatch(code, /import\("ws"\)|require\("ws"\)|Sec-WebSocket-Key|ws does not work/);
    });
  }
}

test("esbuild: a module in which ws cannot run says what ws said", async (t) => {
  const place = await app(t, { "stellar-client": client, ws }, "esm");
  const code = await bundlers.esbuild!({ folder: place, format: "esm", node: true, external: false });
  const told = await run(t, code, "esm");
  assert.equal(told.code, "unsupported");
  assert.match(told.message, /There is no WebSocket here.*Dynamic require of "\w+" is not supported/);
  assert.match(told.cause, /^Dynamic require of/);
});
