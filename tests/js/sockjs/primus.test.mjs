// Primus's own client over sockjs-client.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { compat, sockjs } from "../support/server.mjs";
import { connectPrimus, ways } from "../support/sockjs.mjs";
import { event, until } from "../support/until.mjs";

const values = [
  ...[null, true, false, 0, -1, 0.1, 2 ** 53 - 1, 5e-324, "", "hello", [], {}],
  "primus::else::1",
  "control \u0000\u001f\u007f and lines \u2028\u2029 \u{1f680} \ufffe",
  [1, "two", null, [3, [4]], { five: 5 }],
  "é".repeat(100_000),
];

for (const way of ways) {
  test(`${way}: has an id, and values come back as they were`, async (t) => {
    const server = await sockjs(t);
    const client = await connectPrimus(t, server.url, way);
    const id = () => new Promise((resolve) => client.id(resolve));
    assert.match(await id(), /^[\w-]{8,}$/);
    assert.equal(await id(), await id());
    for (const value of values) client.write(value);
    await until(() => client.received.length === values.length, "the answers");
    assert.deepEqual(client.received, values);
  });

  test(`${way}: the server's pings are answered, so the connection stays`, async (t) => {
    const server = await sockjs(t, "--heartbeat", "500");
    const client = await connectPrimus(t, server.url, way);
    let pings = 0;
    let closed = 0;
    client.on("incoming::ping", () => pings++);
    client.on("close", () => closed++);
    await until(() => pings >= 6, "6 pings");
    assert.equal(closed, 0);
    assert.deepEqual(client.received, []);
  });

  test(`${way}: ended for good it stays away, otherwise it comes again`, async (t) => {
    const server = await compat(t, "--transport", "sockjs");
    const client = await connectPrimus(t, server.url, way);
    let attempts = 0;
    client.on("reconnect scheduled", () => attempts++);
    const back = event(client, "reconnected");
    client.write({ event: "action", params: { action: "end", reconnect: true } });
    await back;
    assert.ok(attempts > 0);
    attempts = 0;
    const ended = event(client, "end");
    client.write({ event: "action", params: { action: "end" } });
    await ended;
    assert.equal(client.readyState, client.constructor.CLOSED);
    assert.equal(attempts, 0);
  });

  test(`${way}: it comes back when its server does`, async (t) => {
    const server = await compat(t, "--transport", "sockjs");
    const client = await connectPrimus(t, server.url, way);
    let ended = 0;
    client.on("end", () => ended++);
    // In Node the client does not notice when its stream breaks off.
    const signals = way === "xhr-streaming" ? ["SIGTERM"] : ["SIGTERM", "SIGKILL"];
    for (const signal of signals) {
      const back = event(client, "reconnected");
      await server.kill(signal);
      await server.restart();
      await back;
    }
    assert.equal(ended, 0);
    client.write({ event: "detailsView" });
    await until(() => client.received.some(({ messageCount }) => messageCount === 1));
  });
}

test("a server whose codec is binary does not start, and says what to do", async (t) => {
  const { command } = await compat(t, "--transport", "sockjs");
  const args = ["--transport", "sockjs", "--parser", "msgpack", "--listen", "127.0.0.1:0"];
  const { status, stderr } = spawnSync(command, args, { encoding: "utf8" });
  assert.equal(status, 1);
  assert.match(stderr, /transport sockjs cannot start: the parser "msgpack" makes binary payloads/);
  assert.match(stderr, /use the parser "json", or leave sockjs out of the transports/);
});
