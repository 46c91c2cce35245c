// Every engine, and what networks do to it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Proxy } from "../support/proxy.mjs";
import { Setup } from "../support/stellar.mjs";
import { event, rejection, until } from "../support/until.mjs";

const engines = ["ws", "engine.io", "socket.io", "sockjs"];
const all = engines.join(",");
const own = { ws: "/ws", "engine.io": "/engine.io/", "socket.io": "/socket.io/", sockjs: "/sockjs" };

/** A server with these engines, and a network in front of it. */
async function behind(t, list, codec = "json", ...args) {
  const setup = await Setup.start(t, { codec }, "--transport", list.join(","), ...args);
  const proxy = await Proxy.start(t, setup.server.port);
  const client = (options) =>
    setup.client({ url: proxy.url, transports: list, timeout: 3000, ...options });
  return { setup, proxy, client };
}

/** What a client is for, over whatever it is connected. */
async function works(client) {
  if (!client.rooms.includes("lobby")) await client.roomAdd("lobby");
  const said = event(client, "say");
  assert.equal((await client.say("lobby", { text: "é \u2028 🚀" })).status, "OK");
  assert.equal((await said)[0].message.text, "é \u2028 🚀");
  const sums = Array.from({ length: 40 }, (_, n) => client.action("sum", { a: n, b: 1 }));
  assert.deepEqual(
    (await Promise.all(sums)).map(({ sum }) => sum),
    sums.map((_, n) => n + 1),
  );
  const { content, length } = await client.file("favicon.png", { as: "bytes" });
  assert.equal(content.length, length);
  const long = "long ".repeat(40_000);
  assert.equal((await client.action("echo", { long })).long, long);
}

for (const codec of ["json", "msgpack"]) {
  for (const engine of engines) {
    if (codec === "msgpack" && engine === "sockjs") continue;
    test(`${codec}, ${engine}: with and without WebSockets`, async (t) => {
      const { client, proxy } = await behind(t, [engine], codec);
      const first = client();
      await first.connect();
      assert.equal(first.transport.name, engine);
      assert.equal(first.transport.way ?? "websocket", "websocket");
      await works(first);
      if (engine === "ws") return;
      proxy.upgrades = "403";
      const second = client();
      await second.connect();
      assert.equal(second.transport.name, engine);
      assert.equal(second.transport.way, engine === "sockjs" ? "xhr_streaming" : "polling");
      await works(second);
    });
  }
}

for (const codec of ["json", "msgpack"]) {
  for (const engine of engines) {
    if (codec === "msgpack" && engine === "sockjs") continue;
    test(`${codec}, ${engine}: the server says when to come back`, async (t) => {
      const setup = await Setup.start(t, { codec }, "--transport", engine);
      const { server } = setup;
      const delays = async (within) => {
        await server.kill();
        await server.restart({ STELLAR_DRAIN__RECONNECT_WITHIN: within });
        const client = setup.client({ transports: [engine], reconnect: { min: 1, max: 1 } });
        await client.connect();
        const waiting = event(client, "reconnecting");
        server.child.kill("SIGTERM");
        const [first] = await waiting;
        client.disconnect();
        return first;
      };
      // A part of 23 days that is less than a millisecond would be a rare chance.
      const told = await delays("2000000000");
      assert.deepEqual([told.attempt, told.delay > 1], [1, true]);
      const own = await delays("0");
      assert.deepEqual(own, { attempt: 1, delay: 1 });
    });
  }
}

test("each engine is found at its own path when another is the server's first", async (t) => {
  const setup = await Setup.start(t, {}, "--transport", all);
  for (const engine of engines) {
    const proxy = await Proxy.start(t, setup.server.port);
    const client = setup.client({ url: proxy.url, transports: [engine], path: own[engine] });
    await client.connect();
    assert.equal(client.transport.name, engine);
    await works(client);
  }
});

test("WebSockets turned away: the next engine without them, and it is remembered", async (t) => {
  const { client, proxy } = await behind(t, engines);
  proxy.upgrades = "403";
  const one = client();
  await one.connect();
  assert.equal(one.transport.name, "engine.io");
  assert.equal(one.transport.way, "polling");
  assert.equal(proxy.seen.upgrades, 1);
  assert.deepEqual(
    one.heard.map(([name]) => name).filter((name) => /error|reconnect|disconnected/.test(name)),
    [],
  );
  await works(one);
  const back = event(one, "reconnect");
  proxy.cut();
  await back;
  assert.equal(one.transport.way, "polling");
  assert.equal(proxy.seen.upgrades, 1);
  await works(one);
});

test("WebSockets that open and carry nothing, or never open, are given up", async (t) => {
  for (const kind of ["mute", "hang"]) {
    const { client, proxy } = await behind(t, ["ws", "sockjs"]);
    proxy.upgrades = kind;
    const one = client({ timeout: 1500 });
    await one.connect();
    assert.equal(one.transport.way, "xhr_streaming");
    await works(one);
  }
});

test("a network that collects answers: polling instead of streaming", async (t) => {
  const { client, proxy } = await behind(t, ["sockjs"]);
  proxy.upgrades = "403";
  proxy.requests = "collect";
  const one = client({ timeout: 1500 });
  await one.connect();
  assert.equal(one.transport.way, "xhr");
  await works(one);
});

test("a slow network is no fault", async (t) => {
  for (const engine of engines) {
    const { client, proxy } = await behind(t, [engine]);
    proxy.delay = 60;
    const one = client();
    await one.connect();
    assert.equal(one.transport.way ?? "websocket", "websocket");
    await works(one);
  }
});

test("a status of the network is no refusal: the client goes on trying", async (t) => {
  const { client, proxy } = await behind(t, engines);
  proxy.upgrades = proxy.requests = "403";
  const one = client();
  const error = await rejection(one.connect());
  assert.equal(error.code, "offline");
  assert.equal(one.state, "reconnecting");
  const connected = event(one, "connected");
  proxy.upgrades = proxy.requests = "pass";
  await connected;
  await works(one);
});

for (const engine of engines) {
  for (const upgrades of engine === "ws" ? ["pass"] : ["pass", "403"]) {
    const name = `${engine}${upgrades === "pass" ? "" : " without WebSockets"}`;

    test(`${name}: cut, refused, opened again`, async (t) => {
      const { client, proxy } = await behind(t, [engine]);
      proxy.upgrades = upgrades;
      const one = client();
      await one.connect();
      await one.roomAdd("lobby");
      const due = rejection(one.action("sleep", { ms: 20_000 }));
      await until(() => one.pending === 1);
      await proxy.refuse();
      const lost = await due;
      assert.deepEqual([lost.code === "closed" || lost.code === "offline", lost.mayHaveRun], [true, true]);
      await until(() => one.state === "reconnecting");
      const said = Array.from({ length: 20 }, (_, n) => one.say("lobby", `queued ${n}`));
      const volatile = await rejection(one.say("lobby", "lost", { volatile: true }));
      assert.deepEqual([volatile.code, volatile.mayHaveRun], ["dropped", false]);
      const back = event(one, "reconnect");
      await proxy.open();
      await back;
      await Promise.all(said);
      await until(() => one.heard.filter(([name]) => name === "say").length === 20);
      assert.deepEqual(
        one.heard.filter(([name]) => name === "say").map(([, { message }]) => message),
        said.map((_, n) => `queued ${n}`),
      );
      assert.deepEqual((await one.detailsView()).rooms, ["lobby"]);
    });

    test(`${name}: ended by the server for good, and by the client`, async (t) => {
      const { client, proxy } = await behind(t, [engine]);
      proxy.upgrades = upgrades;
      const [one, watcher] = [client(), client()];
      await Promise.all([one.connect(), watcher.connect()]);
      await Promise.all([one.roomAdd("lobby"), watcher.roomAdd("lobby")]);
      await one.disconnect();
      assert.equal(one.state, "closed");
      await until(async () => (await watcher.roomView("lobby")).membersCount === 1, "it to leave");
      const ended = event(watcher, "disconnected");
      const quit = { event: "quit" };
      watcher.transport.send(JSON.stringify(quit), quit);
      await ended;
      assert.equal(watcher.state, "closed");
    });
  }
}

test("a WebSocket class that throws is passed over, and its deadline with it", async (t) => {
  const { client } = await behind(t, ["sockjs"]);
  class None {
    constructor() {
      throw new Error("there is none here");
    }
  }
  const timeout = 3000;
  const here = client({ WebSocket: None, timeout });
  await here.connect();
  const { id, transport } = here;
  assert.equal(transport.way, "xhr_streaming");
  // The one wait for a time: what must not happen would happen then.
  const due = Date.now() + timeout / 2;
  await until(() => Date.now() > due);
  assert.equal((await here.detailsView()).id, id);
  assert.equal(here.transport.way, "xhr_streaming");
});
