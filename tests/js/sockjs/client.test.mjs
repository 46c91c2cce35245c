// The official client, by each way by which it connects from Node.
import assert from "node:assert/strict";
import { test } from "node:test";
import { sockjs } from "../support/server.mjs";
import { ask, connect, ended, open, ways } from "../support/sockjs.mjs";
import { texts as hostile } from "../support/texts.mjs";
import { until } from "../support/until.mjs";

const raw = ["--parser", "raw", "--heartbeat", "0"];
const texts = [...hostile, "é%".repeat(100_000)];

for (const way of ways) {
  test(`${way}: texts of every kind come back as they were`, async (t) => {
    const server = await sockjs(t, ...raw);
    const client = await connect(t, `${server.url}/sockjs`, way);
    assert.equal(client.transport, way);
    for (const text of texts) client.send(text);
    await until(() => client.received.length === texts.length, "the answers");
    assert.deepEqual(client.received, texts);
    client.close();
    assert.equal((await ended(client)).code, 1000);
  });

  test(`${way}: 10,000 messages come back in order`, async (t) => {
    const server = await sockjs(t, ...raw);
    const client = await connect(t, `${server.url}/sockjs`, way);
    for (let n = 0; n < 10_000; n++) client.send(String(n));
    await until(() => client.received.length === 10_000, "the answers");
    assert.ok(client.received.every((text, n) => text === String(n)));
    assert.equal(client.ended, undefined);
  });

  test(`${way}: nothing is lost between responses that end early`, async (t) => {
    const server = await sockjs(t, ...raw);
    const client = await connect(t, `${server.url}/echo`, way);
    const filler = "x".repeat(100);
    for (let n = 0; n < 1_000; n++) client.send(`${n} ${filler}`);
    await until(() => client.received.length === 1_000, "the answers");
    assert.ok(client.received.every((text, n) => text === `${n} ${filler}`));
  });

  test(`${way}: a goodbye of the server arrives with its code`, async (t) => {
    const server = await sockjs(t, ...raw);
    const client = open(t, `${server.url}/close`, way);
    assert.deepEqual(await ended(client), { code: 3000, reason: "Go away!", wasClean: true });
  });

  test(`${way}: a message that is too long ends its connection only`, async (t) => {
    const server = await sockjs(t, ...raw, "--max-length", "1000");
    const other = await connect(t, `${server.url}/sockjs`, way);
    const client = await connect(t, `${server.url}/sockjs`, way);
    client.send("x".repeat(1000));
    await until(() => client.received.length === 1);
    client.send("x".repeat(1001));
    const { code, reason } = await ended(client);
    assert.deepEqual([code, reason], [1009, "message too big"]);
    other.send("still here");
    await until(() => other.received.length === 1);
  });

  test(`${way}: idle connections are kept alive, and last`, async (t) => {
    const server = await sockjs(
      ...[t, "--heartbeat-delay", "50", "--heartbeat", "500", "--disconnect-delay", "20000"],
    );
    const client = await connect(t, `${server.url}/sockjs`, way);
    const pings = () => client.received.filter((text) => text.includes("primus::ping::")).length;
    await until(() => pings() >= 5, "5 pings");
    assert.ok(client.heartbeats > 0);
    assert.equal(client.ended, undefined);
  });

  test(`${way}: a server that stops says so`, async (t) => {
    const server = await sockjs(t, ...raw);
    const client = await connect(t, `${server.url}/sockjs`, way);
    await server.kill("SIGINT");
    const { code, reason } = await ended(client);
    assert.deepEqual([code, reason], [1001, "server is shutting down"]);
  });

  test(`${way}: the ends of messages do not depend on each other's length`, async (t) => {
    const server = await sockjs(t, ...raw);
    const client = await connect(t, `${server.url}/sockjs`, way);
    const sent = Array.from({ length: 300 }, (_, n) => "é".repeat((n * 997) % 5_000));
    for (const text of sent) client.send(text);
    await until(() => client.received.length === sent.length, "the answers");
    assert.deepEqual(client.received, sent);
  });
}

test("a client between two polls is told by the next that the server stops", async (t) => {
  const server = await sockjs(t, ...raw);
  const poll = () => ask(`${server.url}/sockjs/000/between/xhr`, { method: "POST" });
  assert.equal((await poll()).text, "o\n");
  const other = await connect(t, `${server.url}/sockjs`, "websocket");
  const stopped = server.kill("SIGINT");
  assert.equal((await ended(other)).code, 1001);
  assert.equal((await poll()).text, 'c[1001,"server is shutting down"]\n');
  await stopped;
});

// In Node the client does not notice when its stream breaks off.
for (const way of ways.filter((way) => way !== "xhr-streaming")) {
  test(`${way}: a server that died has lost the session, and can be come back to`, async (t) => {
    const server = await sockjs(t, ...raw);
    const client = await connect(t, `${server.url}/sockjs`, way);
    await server.kill();
    await server.restart();
    assert.notEqual((await ended(client)).code, 1000);
    const again = await connect(t, `${server.url}/sockjs`, way);
    again.send("back");
    await until(() => again.received[0] === "back");
  });
}

test("the client takes the best way there is", async (t) => {
  const server = await sockjs(t, ...raw);
  for (const [path, way] of [
    ["/sockjs", "websocket"],
    ["/primus", "websocket"],
    ["/cookie_needed_echo", "websocket"],
    ["/disabled_websocket_echo", "xhr-streaming"],
  ]) {
    const client = await connect(t, `${server.url}${path}`);
    assert.equal(client.transport, way);
    client.send(path);
    await until(() => client.received[0] === path);
  }
});

test("who is refused finds no way", async (t) => {
  const server = await sockjs(t, ...raw);
  const evil = { origin: "http://evil.example" };
  const client = open(t, `${server.url}/sockjs`, "websocket", {
    transportOptions: { websocket: { headers: evil } },
  });
  assert.equal((await ended(client)).code, 2000);
  for (const [way, method] of [
    ["xhr", "POST"],
    ["xhr_streaming", "POST"],
    ["eventsource", "GET"],
  ]) {
    const url = `${server.url}/sockjs/000/${way}/${way}`;
    const answer = await ask(url, { method, headers: evil });
    assert.equal(answer.status, 403);
    assert.deepEqual(JSON.parse(answer.text), { error: "Origin not allowed" });
  }
  const welcome = await sockjs(t, ...raw, "--any-origin");
  const other = await connect(t, `${welcome.url}/sockjs`, "websocket", {
    transportOptions: { websocket: { headers: evil } },
  });
  other.send("hi");
  await until(() => other.received[0] === "hi");
});

test("where nobody listens, that is told", async (t) => {
  const client = open(t, "http://127.0.0.1:9/sockjs");
  assert.deepEqual(await ended(client), {
    code: 1002,
    reason: "Cannot connect to server",
    wasClean: false,
  });
});
