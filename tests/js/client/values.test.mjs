// What a caller can pass, over every engine, way and codec, and over HTTP: it arrives as JSON has it,
// or is rejected before anything left; and what comes after it is answered.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import { Socket } from "engine.io-client";
import { io } from "socket.io-client";
import { WebSocket } from "ws";
import { Setup } from "../support/stellar.mjs";
import { event, rejection } from "../support/until.mjs";

const require = createRequire(import.meta.url);
const SockJS = require("sockjs-client");
const PrimusSocket = require("primus8").createSocket({ transformer: "websockets", parser: "json" });

class NoWebSocket {
  constructor() {
    throw new Error("There is none");
  }
}

class Point {
  constructor(x, y) {
    this.x = x;
    this.y = y;
  }
  get length() {
    return Math.hypot(this.x, this.y);
  }
  toJSON() {
    return [this.x, this.y];
  }
}

const deep = (levels) => (levels ? [deep(levels - 1)] : null);

/** What JSON has a form for. */
const possible = {
  "what is no number": [NaN, Infinity, -Infinity, -0],
  "what JSON leaves out": { a: undefined, b() {}, c: Symbol("c"), d: [undefined, () => 0, Symbol("d")] },
  dates: [new Date(0), new Date(NaN)],
  collections: { map: new Map([[1, 2]]), set: new Set([1]), text: /a/, blob: new Blob(["a"]), error: new Error("a") },
  "instances of classes": { at: new Point(1, 2), list: [new Point(3, 4)] },
  "what says what it is by its place": { a: { toJSON: (key) => key }, b: [{ toJSON: (key) => key }] },
  "objects of primitive values": [new Number(5), new String("text"), new Boolean(false)],
  "arrays with holes": [, 1, , 2, ,],
  proxies: [new Proxy({ a: 1 }, {}), new Proxy([1], {})],
  "keys of the language": JSON.parse('{"__proto__":{"a":1},"constructor":2,"toString":3,"":4}'),
  texts: ["", "\0\x01\x1f\x7f", "\u2028\u2029\ufeff", "100%41%", "\u{1f680}\u{10ffff}", '"\\/\b\f\n\r\t', "</script>"],
  "deep lists": deep(100),
  "many keys": Object.fromEntries(Array.from({ length: 5000 }, (_, n) => [`key ${n}`, n])),
  "a long text": "x".repeat(1_000_000),
};

/** The server takes texts as long as that, and as often. */
const long = [
  ["maxMessage", 2_000_000],
  ["publishRate.connection.perSecond", 0],
  ["publishRate.room.perSecond", 0],
].flatMap(([key, value]) => ["--set", `${key}=${value}`]);

const circle = {};
circle.self = circle;
const secret = new Error("Not for you");
const fail = () => {
  throw secret;
};

/** What has none. */
const impossible = {
  "a circle": circle,
  "a toJSON that throws": { toJSON: fail },
  "a getter that throws": Object.defineProperty({}, "a", { get: fail, enumerable: true }),
  "a proxy that throws": new Proxy({}, { ownKeys: fail, get: fail }),
  "what is nested without end": deep(5000),
  "more than the server takes": "é".repeat(5_300_000),
};

// Those of Primus are of another realm.
const asJson = (value) => JSON.parse(JSON.stringify(value));

async function isRefused(client, make, name) {
  let promise;
  assert.doesNotThrow(() => (promise = make()), name);
  const error = await rejection(promise);
  assert.equal(error.name, "StellarError", name);
  assert.deepEqual([error.code, error.mayHaveRun], ["invalid", false], `${name}: ${error.message}`);
  return error;
}

/** Everything, over a client that is connected and in the lobby. */
async function everything(client, codec = "json") {
  for (const [name, value] of Object.entries(possible)) {
    const said = event(client, "say");
    await client.say("lobby", value);
    assert.deepEqual(asJson((await said)[0].message), asJson(value), name);
    assert.deepEqual(asJson(await client.action("echo", { value })).value, asJson(value), name);
    const heard = event(client, "told");
    await client.to("lobby").emit("told", value);
    assert.deepEqual(asJson((await heard)[0]), asJson(value), name);
  }
  // Halves of surrogate pairs are no characters.
  const halves = { "\ud83d": ["a\ude00b", "\ud83d\ude00", "\\ud83d"] };
  const whole = { "\ufffd": ["a\ufffdb", "\ud83d\ude00", "\\ud83d"] };
  assert.deepEqual(asJson(await client.action("echo", { halves })).halves, whole);
  const said = event(client, "say");
  await client.say("lobby", halves);
  assert.deepEqual(asJson((await said)[0].message), whole);
  for (const [name, value] of Object.entries(impossible)) {
    // JSON's own depth is the engine's matter; what can be written is sent.
    if (codec === "json" && /without end/.test(name)) continue;
    const calls = [
      () => client.say("lobby", value),
      () => client.action("echo", { value }),
      () => client.to("lobby").emit("told", value),
      () => client.send({ event: "say", room: "lobby", message: value }),
    ];
    for (const make of calls) {
      await isRefused(client, make, name);
      assert.equal((await client.detailsView()).id, client.id, name);
    }
  }
  for (const message of [null, undefined, 5, "text", "primus::pong::1", [], Symbol("s"), () => 0]) {
    await isRefused(client, () => client.send(message), String(message));
    assert.equal((await client.detailsView()).id, client.id);
  }
  for (const name of [undefined, null, 5, 5n, {}, Symbol("s")]) {
    const calls = [
      ...[() => client.roomAdd(name), () => client.roomLeave(name), () => client.roomView(name)],
      ...[() => client.say(name, "text"), () => client.emit(name), () => client.to(name).emit("told")],
      ...[() => client.file(name), () => client.action(name)],
    ];
    for (const make of calls) await isRefused(client, make, String(name));
  }
  await isRefused(client, () => client.say("lobby", undefined));
  if (codec === "json") await isRefused(client, () => client.say("lobby", 5n));
  else assert.equal((await client.action("echo", { n: 2n ** 53n })).n, 2n ** 53n);
  assert.equal((await client.detailsView()).id, client.id);
}

for (const engine of ["ws", "engine.io", "socket.io", "sockjs"]) {
  for (const codec of ["json", "msgpack"]) {
    if (engine === "sockjs" && codec === "msgpack") continue;
    for (const Class of [WebSocket, NoWebSocket]) {
      if (engine === "ws" && Class === NoWebSocket) continue;
      const way = Class === WebSocket ? "" : " without WebSockets";
      test(`${engine}, ${codec}${way}`, async (t) => {
        const setup = await Setup.start(t, { codec }, "--transport", engine, ...long);
        const client = await setup.connected({ transports: [engine], WebSocket: Class });
        const lost = [];
        client.on("disconnected", (error) => lost.push(error));
        await client.roomAdd("lobby");
        await everything(client, codec);
        assert.deepEqual(lost, []);
      });
    }
  }
}

const sockets = {
  "socket.io-client": ["socket.io", (url) => io(url, { reconnection: false, autoConnect: false })],
  "engine.io-client": ["engine.io", (url) => () => new Socket(url)],
  "sockjs-client": ["sockjs", (url) => () => new SockJS(`${url}/sockjs`)],
  "Primus's client": ["ws", (url) => new PrimusSocket(url, { manual: true })],
};

for (const [name, [engine, make]] of Object.entries(sockets)) {
  test(`over a socket of another library: ${name}`, async (t) => {
    const setup = await Setup.start(t, {}, "--transport", engine, ...long);
    const client = await setup.connected({ transport: make(setup.server.url) });
    await client.roomAdd("lobby");
    await everything(client);
  });
}

test("over HTTP", async (t) => {
  const setup = await Setup.start(t);
  const client = setup.client();
  for (const [name, value] of Object.entries(possible)) {
    assert.deepEqual((await client.action("echo", { value })).value, asJson(value), name);
  }
  for (const [name, value] of Object.entries(impossible)) {
    // How long a body may be is a setting of its own.
    if (/more than|without end/.test(name)) continue;
    await isRefused(client, () => client.action("echo", { value }), name);
  }
  await isRefused(client, () => client.action("echo", { n: 5n }));
  assert.equal((await client.action("echo", { httpMethod: "GET", text: "100%&=", list: [1] })).text, "100%&=");
});
