import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { test } from "node:test";
import { createContext, runInContext } from "node:vm";
import { WebSocket } from "ws";
import { TestServer } from "./support/server";

const dist = new URL("../dist/", import.meta.url);
const require = createRequire(import.meta.url);
const token = '"__STELLAR_SETTINGS__"';

const page = (script: string, origin: string) =>
  createContext({
    ...{ URL, WebSocket, fetch, AbortController, TextEncoder, TextDecoder },
    ...{ setTimeout, clearTimeout, Uint8Array, Date, location: { origin }, script },
  });

for (const [variant, parser] of [
  ["", "json"],
  [".msgpack", "msgpack"],
]) {
  for (const end of [".js", ".min.js"]) {
    test(`the page script ${variant}${end}, rendered as a server does, works from its origin`, async (t) => {
      const server = await TestServer.start({ parser: parser!, rooms: ["lobby"] });
      t.after(() => server.kill());
      const script = readFileSync(new URL(`stellar-client${variant}${end}`, dist), "utf8");
      assert.equal(script.split(token).length, 2);
      const settings = { url: null, path: "/primus", parser, defaultRoom: "lobby", version: "9" };
      const context: any = page(script, server.url);
      runInContext(script.replace(token, JSON.stringify(settings)), context);
      assert.equal(context.Stellar, context.StellarClient);
      assert.equal(typeof context.StellarError, "function");
      const client = new context.StellarClient();
      await client.connect();
      await client.roomAdd("lobby");
      assert.equal((await client.say("to the default room")).status, "OK");
      assert.equal(client.options.version, "9");
      client.disconnect();
    });
  }

  test(`the package's modules ${variant} have no settings and work`, async (t) => {
    const server = await TestServer.start({ parser: parser! });
    t.after(() => server.kill());
    const cjs = require(new URL(`stellar-client${variant}.cjs`, dist).pathname);
    const esm = await import(new URL(`stellar-client${variant}.mjs`, dist).href);
    for (const { StellarClient, Stellar, StellarError, default: main } of [cjs, esm]) {
      assert.equal(Stellar, StellarClient);
      assert.equal(main, StellarClient);
      assert.throws(() => new StellarClient(), /url/);
      const client = new StellarClient({ url: server.url, WebSocket });
      assert.equal((await client.connect()).id, client.id);
      await assert.rejects(client.say("nowhere", 1), StellarError);
      client.disconnect();
    }
  });
}
