import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import { Socket } from "engine.io-client";
import { connect, ways } from "../support/engineio.mjs";
import { engineio } from "../support/server.mjs";
import { texts } from "../support/texts.mjs";
import { event, until } from "../support/until.mjs";

const require = createRequire(import.meta.url);
const { Socket: Socket3 } = require("engine.io-client3");

const many = 10_000;

for (const [name, Client, extra] of [
  ["engine.io-client 6", Socket, []],
  ["engine.io-client 3", Socket3, ["--eio3"]],
]) {
  for (const [way, transports] of Object.entries(ways)) {
    const title = `${name}, ${way}`;

    test(`${title}: ${many} messages come back in order`, async (t) => {
      const { url } = await engineio(t, ...extra);
      const client = await connect(t, url, transports, Client);
      let upgraded = 0;
      client.on("upgrade", () => upgraded++);
      // In batches, so that an upgrade finds messages under way in both directions.
      for (let n = 0; n < many; n++) {
        client.send(JSON.stringify({ n }));
        if (n % 50 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
      }
      await until(() => client.received.length === many, `${many} messages`);
      client.received.forEach((text, n) => assert.equal(text, `{"n":${n}}`));
      assert.equal(upgraded, way === "upgrade" ? 1 : 0);
      assert.equal(client.ended, undefined);
    });

    test(`${title}: text and binary of all kinds`, async (t) => {
      const { url } = await engineio(t, "--parser", "raw", ...extra);
      const client = await connect(t, url, transports, Client);
      const bytes = Buffer.from(Array.from({ length: 70_000 }, (_, n) => n % 256));
      const values = ["żółw 🐢 \u2028", bytes, "b4", "2probe", Buffer.from([]), "x".repeat(1 << 20)];
      for (const value of values) client.send(value);
      await until(() => client.received.length === values.length, "all of them");
      client.received.forEach((value, n) => {
        const text = typeof value === "string";
        assert.equal(text, typeof values[n] === "string", `kind of ${n}`);
        assert.ok(text ? value === values[n] : Buffer.from(value).equals(values[n]), `value ${n}`);
      });
    });

    test(`${title}: texts that something could change`, async (t) => {
      const { url } = await engineio(t, "--parser", "raw", ...extra);
      const client = await connect(t, url, transports, Client);
      // The client cannot send what separates the packets of protocol 4.
      const separates = Client === Socket && way !== "websocket";
      const sent = texts.filter((text) => !separates || !text.includes("\x1e"));
      for (const text of sent) client.send(text);
      await until(() => client.received.length === sent.length, "all of them");
      // An empty one the client hands on as nothing.
      assert.deepEqual(client.received.map((text) => text ?? ""), sent);
      assert.equal(client.ended, undefined);
    });

    test(`${title}: texts that something could change, in JSON`, async (t) => {
      const { url } = await engineio(t, ...extra);
      const client = await connect(t, url, transports, Client);
      const sent = texts.map((text) => ({ text, [`key ${text}`]: [text] }));
      for (const value of sent) client.send(JSON.stringify(value));
      await until(() => client.received.length === sent.length, "all of them");
      assert.deepEqual(client.received.map((text) => JSON.parse(text)), sent);
    });

    test(`${title}: a message over the limit ends the connection`, async (t) => {
      const { url } = await engineio(t, "--max-length", "1000", ...extra);
      const client = await connect(t, url, transports, Client);
      if (way === "upgrade") await event(client, "upgrade");
      client.send(JSON.stringify("x".repeat(998)));
      await until(() => client.received.length === 1);
      client.on("error", () => {});
      client.send(JSON.stringify("x".repeat(5000)));
      await until(() => client.ended, "the end");
      assert.equal(client.received.length, 1);
    });
  }

  test(`${name}: heartbeats of both layers keep the connection`, async (t) => {
    const { url } = await engineio(t, "--heartbeat", "300", ...extra);
    const client = await connect(t, url, ["websocket"], Client);
    // The client of protocol 3 pings by itself, each 240 ms.
    await until(() => client.received.length >= 5, "five of Primus's pings");
    assert.equal(client.ended, undefined);
  });
}

test("without being allowed to, protocol 3 is refused", async (t) => {
  const { url } = await engineio(t);
  const answer = await fetch(`${url}/engine.io/?EIO=3&transport=polling`);
  assert.equal(answer.status, 400);
  assert.deepEqual(await answer.json(), { code: 5, message: "Unsupported protocol version" });
});

test("pages of other hosts", async (t) => {
  const origin = { origin: "http://elsewhere.example" };
  const { url: strict } = await engineio(t);
  const refused = await fetch(`${strict}/engine.io/?EIO=4&transport=polling`, { headers: origin });
  assert.equal(refused.status, 403);
  const { url: open } = await engineio(t, "--any-origin");
  const answer = await fetch(`${open}/engine.io/?EIO=4&transport=polling`, { headers: origin });
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get("access-control-allow-origin"), origin.origin);
  assert.equal(answer.headers.get("access-control-allow-credentials"), "true");
  const asked = await fetch(`${open}/engine.io/?EIO=4&transport=polling`, {
    method: "OPTIONS",
    headers: { ...origin, "access-control-request-method": "POST" },
  });
  assert.equal(asked.status, 204);
  assert.match(asked.headers.get("access-control-allow-methods"), /POST/);
});
