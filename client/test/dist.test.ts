import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import { createContext, runInContext } from "node:vm";
import { WebSocket } from "ws";
import { page } from "../scripts/page.mjs";
import { TestServer } from "./support/server";

const dist = new URL("../dist/", import.meta.url);
const require = createRequire(import.meta.url);
const pageContext = (origin: string) =>
  createContext({
    ...{ URL, WebSocket, fetch, AbortController, TextEncoder, TextDecoder, crypto },
    ...{ setTimeout, clearTimeout, Uint8Array, Date, location: { origin } },
  });

for (const [variant, parser] of [
  ["", "json"],
  [".msgpack", "msgpack"],
] as const) {
  for (const minified of [false, true]) {
    for (const engines of [["ws"], ["ws", "engine.io", "socket.io"]]) {
      test(`the page script, ${parser}, ${engines}, ${minified ? "minified" : "plain"}, works from its origin`, async (t) => {
        const server = await TestServer.start({ parser, rooms: ["lobby"] });
        t.after(() => server.kill());
        const settings = {
          ...{ url: null, path: "/primus", parser, transports: engines },
          ...{ defaultRoom: "lobby", version: "9" },
        };
        const context: any = pageContext(server.url);
        runInContext(page(engines, { parser, minified, settings }), context);
        assert.equal(context.Stellar, context.StellarClient);
        assert.equal(typeof context.StellarError, "function");
        const client = new context.StellarClient();
        await client.connect();
        assert.equal(client.transport.name, "ws");
        await client.roomAdd("lobby");
        assert.equal((await client.say("to the default room")).status, "OK");
        assert.equal(client.options.version, "9");
        client.disconnect();
      });
    }
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
