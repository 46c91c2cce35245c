// Primus's own client over this engine.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import { engineio } from "../support/server.mjs";
import { event, until } from "../support/until.mjs";

const Primus = createRequire(import.meta.url)("primus8");
const many = 10_000;

for (const parser of ["json", "msgpack"]) {
  const Client = Primus.createSocket({ transformer: "engine.io", parser });
  for (const [way, options] of Object.entries({ upgrade: {}, polling: { websockets: false } })) {
    test(`primus 8, ${parser}, ${way}: ${many} messages come back in order`, async (t) => {
      const { url } = await engineio(t, "--parser", parser);
      const client = new Client(url, options);
      t.after(() => client.end());
      const received = [];
      client.on("data", (data) => received.push(data));
      await event(client, "open");
      for (let n = 0; n < many; n++) {
        client.write({ n });
        if (n % 50 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
      }
      await until(() => received.length === many, `${many} messages`);
      received.forEach((value, n) => assert.equal(value.n, n));
      assert.equal(client.socket.transport.name, way === "polling" ? "polling" : "websocket");
    });
  }
}

test("primus 8 tells the engine by the spec", async (t) => {
  const { url } = await engineio(t);
  const spec = await (await fetch(`${url}/primus/spec`)).json();
  assert.equal(spec.transformer, "engine.io");
  // What Primus's own server says.
  const { version } = createRequire(import.meta.url)("primus8/package.json");
  assert.equal(spec.version, version);
});
