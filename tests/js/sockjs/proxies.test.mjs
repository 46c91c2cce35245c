// Between client and server stands what spoils long responses.
import assert from "node:assert/strict";
import { test } from "node:test";
import { collecting, cutting } from "../support/proxies.mjs";
import { sockjs } from "../support/server.mjs";
import { connect, connectPrimus, ended } from "../support/sockjs.mjs";
import { event, until } from "../support/until.mjs";

const raw = ["--parser", "raw", "--heartbeat", "0"];

async function echoes(client, count) {
  for (let n = 0; n < count; n++) client.send(String(n));
  await until(() => client.received.length === count, "the answers");
  assert.ok(client.received.every((text, n) => text === String(n)));
}

test("a proxy that collects responses leaves polling", async (t) => {
  const server = await sockjs(t, ...raw);
  const proxy = await collecting(t, server.url);
  const polling = await connect(t, `${proxy.url}/sockjs`, "xhr-polling");
  await echoes(polling, 1_000);
  // By itself the client finds out that streaming brings nothing.
  const ways = ["xhr-streaming", "xhr-polling"];
  const client = await connect(t, `${proxy.url}/sockjs`, ways, { timeout: 1_000 });
  assert.equal(client.transport, "xhr-polling");
  await echoes(client, 100);
});

test("a proxy that cuts long responses leaves polls that are shorter", async (t) => {
  const server = await sockjs(t, ...raw, "--heartbeat-delay", "50");
  const proxy = await cutting(t, server.url, 10_000);
  const client = await connect(t, `${proxy.url}/sockjs`, "xhr-polling");
  await until(() => client.heartbeats >= 40, "40 idle polls");
  await echoes(client, 1_000);
  assert.equal(proxy.cut, 0);
  assert.equal(client.ended, undefined);
});

test("a stream that is cut ends its session, and Primus's client comes again", async (t) => {
  const server = await sockjs(t);
  const proxy = await cutting(t, server.url, 300);
  // By streams that the client, in Node, sees break off.
  const client = await connect(t, `${proxy.url}/sockjs`, "eventsource");
  const { code, reason } = await ended(client);
  assert.deepEqual([code, reason], [1002, "Connection interrupted"]);
  assert.equal(proxy.cut, 1);

  const primus = await connectPrimus(t, proxy.url, "eventsource");
  for (let n = 0; n < 3; n++) await event(primus, "reconnected");
  await until(() => {
    primus.write("hello");
    return primus.received.includes("hello");
  }, "an echo between two cuts");
});
