// Pages that load the script of Primus or Socket.IO from their server: the user's file, served by it.
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { browser } from "../support/demo.mjs";
import { library } from "../support/primus.mjs";
import { compat } from "../support/server.mjs";

const require = createRequire(import.meta.url);

/** A server with a page that loads a script of its own and then runs another; what that gives. */
async function visit(t, src, script, ...args) {
  const folder = await mkdtemp(join(tmpdir(), "stellarfw-scripts-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const html = `<!doctype html><script src="${src}"></script><script>${script}</script>`;
  await writeFile(join(folder, "index.html"), html);
  await writeFile(join(folder, "primus.js"), library(8));
  const server = await compat(t, "--public", folder, ...args.map((arg) => arg.replace("@", folder)));
  const context = await browser.newContext();
  t.after(() => context.close());
  const page = await context.newPage();
  await page.goto(server.url);
  return { server, result: await page.evaluate(() => globalThis.result) };
}

test("a page made for Primus loads /primus/primus.js and connects", async (t) => {
  const script = `
    const primus = new Primus();
    globalThis.result = new Promise((resolve) => {
      const heard = [];
      primus.on("data", (data) => {
        heard.push(data.context);
        if (heard.length === 1) primus.write({ event: "roomView", room: "otherRoom" });
        else resolve({ heard, version: primus.version });
      });
    });`;
  const args = ["--transport", "ws", "--set", "scripts.primus=@/primus.js"];
  const { server, result } = await visit(t, "/primus/primus.js", script, ...args);
  assert.deepEqual(result.heard, ["api", "response"]);
  const spec = await (await fetch(`${server.url}/primus/spec`)).json();
  assert.equal(spec.version, result.version);
});

test("a page made for Socket.IO loads /socket.io/socket.io.js and connects", async (t) => {
  const script = `
    const socket = io();
    globalThis.result = new Promise((resolve) => socket.on("welcome", ({ context }) => resolve(context)));`;
  const file = require.resolve("socket.io-client/dist/socket.io.js");
  const args = ["--transport", "ws,socket.io", "--set", `scripts.socketio=${file}`];
  const { result } = await visit(t, "/socket.io/socket.io.js", script, ...args);
  assert.equal(result, "api");
});
