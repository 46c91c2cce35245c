// The client over sockets of the official libraries.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import { Script } from "node:vm";
import { Socket } from "engine.io-client";
import { io } from "socket.io-client";
import { WebSocket } from "ws";
import { hear, Setup } from "../support/stellar.mjs";
import { event, rejection, until } from "../support/until.mjs";

const require = createRequire(import.meta.url);
const SockJS = require("sockjs-client");
const PrimusSocket = require("primus8").createSocket({ transformer: "websockets", parser: "json" });

const kinds = {
  "socket.io-client": ["socket.io", (url) => io(url, { reconnection: false, autoConnect: false })],
  "socket.io-client, made each time": ["socket.io", (url) => () => io(url, { forceNew: true })],
  "engine.io-client": ["engine.io", (url) => () => new Socket(url)],
  "sockjs-client": ["sockjs", (url) => () => new SockJS(`${url}/sockjs`)],
  "Primus's client": ["ws", (url) => new PrimusSocket(url, { manual: true })],
  "a WebSocket": ["ws", (url) => () => new WebSocket(`${url.replace("http", "ws")}/primus`)],
};

for (const [name, [engine, make]] of Object.entries(kinds)) {
  test(`${name}: requests, pushes, a server that restarts, the end`, async (t) => {
    const setup = await Setup.start(t, {}, "--transport", engine, "--ping-interval", "300");
    const client = setup.client({ transport: make(setup.server.url), pingTimeout: 5000 });
    await client.connect();
    assert.equal(client.transport.name, "own");
    await client.roomAdd("lobby");
    const said = event(client, "say");
    await client.say("lobby", { text: "é \u2028 🚀" });
    assert.equal((await said)[0].message.text, "é \u2028 🚀");
    assert.equal((await client.action("sum", { a: 1, b: 2 })).sum, 3);
    const heard = event(client, "wave");
    await client.emit("wave", { with: "both hands" });
    assert.equal((await heard)[0].with, "both hands");
    assert.equal(client.heard.filter(([name]) => name === "say").length, 2);
    await hear(client, "welcome");

    const due = rejection(client.action("sleep", { ms: 10_000 }));
    await until(() => client.pending === 1);
    await setup.server.kill();
    assert.equal((await due).mayHaveRun, true);
    const queued = client.say("lobby", "queued");
    const back = event(client, "reconnect");
    await setup.server.restart();
    await back;
    assert.equal((await queued).status, "OK");
    assert.deepEqual(client.rooms, ["lobby"]);
    assert.equal((await client.action("sum", { a: 1, b: 2 })).sum, 3);

    const watcher = await setup.connected({ transport: make(setup.server.url) });
    await watcher.roomAdd("lobby");
    await client.disconnect();
    await until(async () => (await watcher.roomView("lobby")).membersCount === 1, "it to leave");
    assert.equal(client.state, "closed");
  });
}

for (const [name, [, make]] of Object.entries(kinds)) {
  // sockjs-client says of no connection why it did not come about.
  if (name === "sockjs-client") continue;
  test(`${name}: a server that is not there is told with what the socket says`, async (t) => {
    const setup = await Setup.start(t, {}, "--transport", "ws");
    await setup.server.kill();
    const { url } = setup.server;
    const client = setup.client({ url, transport: make(url), reconnect: false });
    const error = await rejection(client.connect());
    assert.equal(error.code, "offline");
    assert.ok(error.cause instanceof Error, String(error.cause));
  });
}

test("the second argument is the socket, as in earlier releases", async (t) => {
  const setup = await Setup.start(t, {}, "--transport", "ws");
  const primus = new PrimusSocket(setup.server.url, { manual: true });
  const client = new setup.StellarClient({ url: setup.server.url, reconnect: false }, primus);
  t.after(() => client.disconnect());
  assert.equal((await client.connect()).id, client.id);
});

/** The client of the script that a server makes. */
async function served(url) {
  const exports = {};
  const text = await (await fetch(`${url}/stellar-client`)).text();
  new Script(`(exports) => {${text}}`).runInThisContext()(exports);
  return exports.StellarClient;
}

/** The engines of a server, and which sockets its script takes. */
const scripts = {
  ws: ["Primus's client", "a WebSocket"],
  "engine.io": ["engine.io-client"],
  "socket.io": ["socket.io-client", "socket.io-client, made each time"],
  sockjs: ["sockjs-client"],
  "ws,engine.io,socket.io,sockjs": Object.keys(kinds),
};

for (const [engines, taken] of Object.entries(scripts)) {
  test(`the script of ${engines} takes ${taken.join(", ")}`, async (t) => {
    const setup = await Setup.start(t, {}, "--transport", engines);
    const StellarClient = await served(setup.server.url);
    for (const name of taken) {
      const transport = kinds[name][1](setup.server.url);
      const client = new StellarClient({ url: setup.server.url, transport, reconnect: false });
      t.after(() => client.disconnect());
      await client.connect();
      assert.equal(client.transport.name, "own", name);
      assert.equal((await client.action("sum", { a: 1, b: 2 })).sum, 3);
      await client.disconnect();
    }
  });
}

for (const [engines, name] of [
  ["ws", "socket.io-client"],
  ["ws", "engine.io-client"],
  ["sockjs", "socket.io-client"],
  ["engine.io", "socket.io-client"],
]) {
  test(`the script of ${engines} says that it does not take ${name}`, async (t) => {
    const setup = await Setup.start(t, {}, "--transport", engines);
    const StellarClient = await served(setup.server.url);
    let made;
    const transport = kinds[name][1](setup.server.url);
    const client = new StellarClient({
      url: setup.server.url,
      transport: typeof transport === "function" ? () => (made = transport()) : transport,
    });
    t.after(() => made?.close());
    const heard = event(client, "error");
    const { code, message } = await rejection(client.connect());
    assert.deepEqual([code, message], ["unsupported", "TypeError: No engine for this socket here"]);
    assert.equal((await heard)[0].code, "unsupported");
    // Another attempt would not help.
    assert.equal(client.state, "closed");
  });
}
