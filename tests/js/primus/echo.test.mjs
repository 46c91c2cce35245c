import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, parsers, versions } from "../support/primus.mjs";
import { echo } from "../support/server.mjs";
import { event, until } from "../support/until.mjs";

const values = {
  null: null,
  true: true,
  false: false,
  zero: 0,
  "minus one": -1,
  fraction: 0.1,
  "large number": 2 ** 53 - 1,
  "small number": -(2 ** 53) + 1,
  "tiny number": 5e-324,
  "huge number": 1.7976931348623157e308,
  "empty text": "",
  text: "hello",
  "text that looks like the protocol": "primus::else::1",
  "control characters": "\u0000\u0001\u001f\u007f\b\t\n\f\r\"\\/",
  "line separators": "a\u2028b\u2029c",
  unicode: "Žluťoučký kůň 星 \u{1f680} \u{10ffff} e\u0301 \ufeff \ufffe",
  "empty list": [],
  "empty object": {},
  list: [1, "two", null, [3, [4]], { five: 5 }],
  object: { a: { b: { c: [true, { d: null }] } }, "": 0, "key with \u2028": "\u{1f680}" },
  "long text": "é".repeat(100_000),
  "long list": Array.from({ length: 70_000 }, (_, n) => n),
  "many keys": Object.fromEntries(Array.from({ length: 5000 }, (_, n) => [`key ${n}`, n])),
};

for (const version of versions) {
  for (const parser of parsers) {
    const title = `primus ${version}, ${parser}`;

    test(`${title}: opens, and has an id that stays`, async (t) => {
      const server = await echo(t, "--parser", parser);
      const client = await connect(t, version, parser, server.url);
      const id = () => new Promise((resolve) => client.id(resolve));
      const first = await id();
      assert.match(first, /^[\w-]{8,}$/);
      assert.equal(await id(), first);
      const other = await connect(t, version, parser, server.url);
      assert.notEqual(await new Promise((resolve) => other.id(resolve)), first);
    });

    test(`${title}: values of every kind come back as they were`, async (t) => {
      const server = await echo(t, "--parser", parser);
      const client = await connect(t, version, parser, server.url);
      for (const value of Object.values(values)) client.write(value);
      await until(() => client.received.length >= Object.keys(values).length, "the answers");
      for (const [index, name] of Object.keys(values).entries()) {
        assert.deepEqual(client.received[index], values[name], name);
      }
    });

    test(`${title}: 10,000 messages come back in order`, async (t) => {
      const server = await echo(t, "--parser", parser);
      const client = await connect(t, version, parser, server.url);
      for (let n = 0; n < 10_000; n++) client.write({ n, text: `message ${n}` });
      await until(() => client.received.length === 10_000, "10,000 answers");
      client.received.forEach(({ n, text }, index) => {
        assert.equal(n, index);
        assert.equal(text, `message ${n}`);
      });
    });

    test(`${title}: a server that is killed is found again, and gets what was written meanwhile`, async (t) => {
      const server = await echo(t, "--parser", parser);
      const client = await connect(t, version, parser, server.url);
      client.write("before");
      await until(() => client.received.length === 1);
      let reconnects = 0;
      client.on("reconnect", () => reconnects++);
      await server.kill();
      await until(() => reconnects > 1, "attempts in vain");
      client.write("meanwhile");
      const back = event(client, "reconnected");
      await server.restart();
      await back;
      client.write("after");
      await until(() => client.received.length === 3);
      assert.deepEqual(client.received, ["before", "meanwhile", "after"]);
    });

    test(`${title}: a message that is too long ends the connection, and the client comes back`, async (t) => {
      const server = await echo(t, "--parser", parser, "--max-length", "1000");
      const client = await connect(t, version, parser, server.url);
      const back = event(client, "reconnected");
      client.write("x".repeat(2000));
      await back;
      client.write("x".repeat(900));
      await until(() => client.received.length === 1);
      assert.equal(client.received[0].length, 900);
    });

    test(`${title}: what cannot be decoded is dropped, and the connection stays`, async (t) => {
      const server = await echo(t, "--parser", parser);
      const client = await connect(t, version, parser, server.url);
      let closed = 0;
      client.on("close", () => closed++);
      for (const rubbish of ["{not json", "", "\u0000", Buffer.from([0xc1]), Buffer.from([0x91])]) {
        client.emit("outgoing::data", rubbish);
      }
      client.write("after");
      await until(() => client.received.length === 1);
      assert.deepEqual(client.received, ["after"]);
      assert.equal(closed, 0);
      assert.match(server.output, /undecodable/);
    });
  }
}
