// The package in every runtime there is: Node, Deno and Bun.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { chat, root } from "../support/server.mjs";

const bin = (name) => fileURLToPath(new URL(`../node_modules/.bin/${name}`, import.meta.url));
const program = fileURLToPath(new URL("../support/runtime.mjs", import.meta.url));
const runtimes = {
  node: [process.execPath],
  deno: [bin("deno"), "run", "--allow-all", "--no-lock"],
  bun: [bin("bun"), "run"],
};

/** What the program says of a client in this runtime. */
async function run(runtime, module, url, options) {
  const [command, ...args] = runtimes[runtime];
  const { stdout } = await promisify(execFile)(
    command,
    [...args, program, module, url, JSON.stringify(options)],
    // Nothing of them may look for news of itself.
    { env: { ...process.env, DENO_NO_UPDATE_CHECK: "1", DO_NOT_TRACK: "1" }, timeout: 120_000 },
  );
  return JSON.parse(stdout);
}

const built = (name) => `${pathToFileURL(root)}client/dist/${name}`;

for (const runtime of Object.keys(runtimes)) {
  for (const [engine, parser, way] of [
    ["ws", "json", "ws websocket"],
    ["ws", "msgpack", "ws websocket"],
    ["engine.io", "json", "engine.io websocket"],
    ["socket.io", "json", "socket.io websocket"],
    ["sockjs", "json", "sockjs websocket"],
  ]) {
    // They are packages that bring a program for each system, and not for all there are.
    const skip = !existsSync(runtimes[runtime][0]) && `${runtime} is not there for this system`;
    test(`${runtime}: ${engine}, ${parser}`, { skip }, async (t) => {
      const server = await chat(t, "--transport", engine, "--parser", parser);
      const module = built(parser === "json" ? "stellar-client.mjs" : "stellar-client.msgpack.mjs");
      const told = await run(runtime, module, server.url, { transports: [engine] });
      assert.deepEqual(told, { way, sum: 5, rooms: ["lobby"], anew: true });
    });
  }
}

for (const [engine, way] of [
  ["engine.io", "engine.io polling"],
  ["socket.io", "socket.io polling"],
  ["sockjs", "sockjs xhr_streaming"],
]) {
  for (const kind of ["mjs", "cjs"]) {
    for (const build of [".node", ""]) {
      test(`without any WebSocket: ${engine}, ${build}.${kind}`, async (t) => {
        const server = await chat(t, "--transport", engine);
        const module = await alone(t, kind, build);
        const told = await run("node", module, server.url, { transports: [engine] });
        assert.deepEqual(told, { way, sum: 5, rooms: ["lobby"], anew: true });
      });
    }
  }
}

for (const kind of ["mjs", "cjs"]) {
  // The one that an import finds, and the one that is for no platform.
  for (const build of [".node", ""]) {
    test(`without any WebSocket: ws says what is missing, ${build}.${kind}`, async (t) => {
      const server = await chat(t);
      const told = await run("node", await alone(t, kind, build), server.url, {});
      assert.deepEqual([told.code, told.state], ["unsupported", "closed"]);
      const text = /There is no WebSocket here.*Cannot find .*ws.*[Ii]nstall the package ws/;
      assert.match(told.message, text);
    });
  }
}

/** The package where no other is installed, and in a Node that has no WebSocket of its own. */
async function alone(t, kind, build = "") {
  const folder = await mkdtemp(join(tmpdir(), "stellar-alone-"));
  t.after(() => rm(folder, { recursive: true }));
  await cp(`${root}client/dist`, folder, { recursive: true });
  const name = `without.${kind}`;
  const from = {
    mjs: `export * from "./stellar-client${build}.mjs";`,
    cjs: `module.exports = require("./stellar-client${build}.cjs");`,
  }[kind];
  await writeFile(join(folder, name), `delete globalThis.WebSocket;\n${from}\n`);
  return pathToFileURL(join(folder, name)).href;
}
