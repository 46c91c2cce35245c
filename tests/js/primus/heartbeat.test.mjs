import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, parsers } from "../support/primus.mjs";
import { echo } from "../support/server.mjs";
import { until } from "../support/until.mjs";

for (const parser of parsers) {
  test(`primus 8, ${parser}: the server's pings are answered, so the connection stays`, async (t) => {
    const server = await echo(t, "--parser", parser, "--ping-interval", "200");
    const client = await connect(t, "8", parser, server.url);
    let pings = 0;
    let closed = 0;
    client.on("incoming::ping", () => pings++);
    client.on("close", () => closed++);
    await until(() => pings >= 11, "11 pings");
    assert.equal(closed, 0);
    assert.deepEqual(client.received, []);
  });

  test(`primus 8, ${parser}: a client that stops answering is ended, and comes back`, async (t) => {
    const server = await echo(t, "--parser", parser, "--ping-interval", "100");
    // Neither the answers of Primus nor those of the socket under it.
    const client = await connect(t, "8", parser, server.url);
    client.socket._receiver.removeAllListeners("ping");
    client._write = () => false;
    let reconnected = 0;
    client.on("reconnected", () => reconnected++);
    await until(() => reconnected > 0, "the end of the mute connection");
  });

  for (const interval of ["200", "0"]) {
    test(`primus 6, ${parser}: its pings are answered and it is not pinged, server interval ${interval}`, async (t) => {
      const server = await echo(t, "--parser", parser, "--ping-interval", interval);
      const client = await connect(t, "6", parser, server.url, { ping: 40, pong: 5000 });
      const sent = [];
      let answered = 0;
      let closed = 0;
      let late = 0;
      client.on("outgoing::ping", (value) => sent.push(value));
      client.on("incoming::pong", () => answered++);
      client.on("close", () => closed++);
      // This generation knows no pings of a server: it takes them for data.
      client.on("data", () => (late += answered > 0));
      // 40 of its own take more than seven of the server's intervals.
      await until(() => answered >= 40, "40 answers");
      assert.ok(sent.length - answered <= 1, `${sent.length} pings, ${answered} answers`);
      assert.equal(closed, 0);
      assert.equal(late, 0);
      assert.equal(client.readyState, client.constructor.OPEN);
    });
  }
}
