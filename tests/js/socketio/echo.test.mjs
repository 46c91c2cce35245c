import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import { Manager } from "socket.io-client";
import { socketio } from "../support/server.mjs";
import { connect, heard, open, parsers, ways } from "../support/socketio.mjs";
import { texts, unpaired } from "../support/texts.mjs";
import { event, until } from "../support/until.mjs";

const io2 = createRequire(import.meta.url)("socket.io-client2");
const many = 10_000;
/** In Node bytes come as a Buffer, or as what the platform gives. */
const isBytes = (value) => value instanceof Uint8Array || value instanceof ArrayBuffer;

async function manyInOrder(client) {
  const received = [];
  client.on("message", (value) => received.push(value));
  for (let n = 0; n < many; n++) {
    client.emit("message", { n });
    if (n % 50 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await until(() => received.length === many, `${many} messages`);
  received.forEach((value, n) => assert.equal(value.n, n));
}

/** Texts as values, keys and items, and halves of characters, which end no connection. */
async function everyText(client) {
  const received = [];
  client.on("message", (value) => received.push(value));
  const sent = [
    ...texts.map((text) => ({ text, [`key ${text}`]: [text] })),
    ...texts.filter((text) => !text.startsWith("primus::")),
  ];
  for (const value of sent) client.emit("message", value);
  await until(() => received.length === sent.length, "all of them");
  assert.deepEqual(received, sent);
  for (const text of unpaired) client.emit("message", { text });
  client.emit("message", "after");
  await until(() => received.at(-1) === "after", "what comes after");
}

for (const [way, transports] of Object.entries(ways)) {
  for (const [parser, options] of Object.entries(parsers)) {
    const title = `socket.io-client 4, ${parser}, ${way}`;

    test(`${title}: ${many} messages come back in order`, async (t) => {
      const { url } = await socketio(t, "--parser", parser);
      const client = await connect(t, url, { transports, ...options });
      await manyInOrder(client);
      const transport = client.io.engine.transport.name;
      assert.equal(transport, way === "polling" ? "polling" : "websocket");
    });

    test(`${title}: values of every kind`, async (t) => {
      const { url } = await socketio(t, "--parser", parser);
      const client = await connect(t, url, { transports, ...options });
      const values = [
        null,
        true,
        0,
        -12.5,
        2 ** 53 - 1,
        "",
        "żółw 🐢 \u2028 \"q\"",
        [],
        {},
        [1, [null, { a: [] }]],
        { event: "x", context: "else", a: { context: "user" } },
        "primus::mine",
        "x".repeat(100_000),
      ];
      for (const value of values) client.emit("message", value);
      const received = await heard(client, "message", values.length);
      assert.deepEqual(received, values);
    });

    test(`${title}: texts that something could change`, async (t) => {
      const { url } = await socketio(t, "--parser", parser);
      const client = await connect(t, url, { transports, ...options });
      await everyText(client);
    });
  }

  test(`socket.io-client 4, raw, ${way}: texts that something could change`, async (t) => {
    const { url } = await socketio(t, "--parser", "raw");
    const client = await connect(t, url, { transports });
    for (const text of texts) client.emit("message", text);
    assert.deepEqual(await heard(client, "message", texts.length), texts);
  });

  test(`socket.io-client 4, raw, ${way}: text and bytes`, async (t) => {
    const { url } = await socketio(t, "--parser", "raw");
    const client = await connect(t, url, { transports });
    const bytes = Buffer.from(Array.from({ length: 70_000 }, (_, n) => n % 256));
    for (const value of ["text", bytes, "{", bytes.subarray(0, 0), "last"]) client.emit("message", value);
    const received = await heard(client, "message", 5);
    assert.deepEqual(received.filter((value) => typeof value === "string"), ["text", "{", "last"]);
    assert.ok(Buffer.from(received[1]).equals(bytes));
    assert.equal(received[3].length, 0);
  });

  test(`socket.io-client 4, ${way}: bytes within JSON are base64`, async (t) => {
    const { url } = await socketio(t);
    const client = await connect(t, url, { transports });
    client.emit("message", { a: [Buffer.from([1, 2])], b: Buffer.from([3]) });
    client.emit("message", "after");
    const [first, after] = await heard(client, "message", 2);
    const buffer = (...bytes) => ({
      type: "Buffer",
      encoding: "base64",
      data: Buffer.from(bytes).toString("base64"),
    });
    assert.deepEqual(first, { a: [buffer(1, 2)], b: buffer(3) });
    assert.equal(after, "after");
  });

  test(`socket.io-client 4, ${way}: who is not let in is told why`, async (t) => {
    const { url } = await socketio(t);
    const client = open(t, url, { transports, auth: { token: "wrong" } });
    const [error] = await event(client, "connect_error");
    assert.equal(error.message, "who are you?");
    assert.equal(client.connected, false);
    // The same client, with what is right.
    client.auth.token = "right";
    client.connect();
    await event(client, "connect");
    client.emit("message", 1);
    assert.deepEqual(await heard(client, "message"), [1]);
  });

  test(`socket.io-client 4, ${way}: a message over the limit ends the connection`, async (t) => {
    const { url } = await socketio(t, "--max-length", "1000");
    const client = await connect(t, url, { transports, reconnection: false });
    client.emit("message", "x".repeat(998));
    await heard(client, "message");
    const ended = event(client, "disconnect");
    client.emit("message", "x".repeat(5000));
    const [reason] = await ended;
    assert.match(reason, /^transport/);
  });
}

for (const [way, transports] of Object.entries(ways)) {
  test(`socket.io-client 2, ${way}: texts that something could change`, async (t) => {
    const { url } = await socketio(t, "--eio3");
    await everyText(await connect(t, url, { transports }, io2));
  });

  test(`socket.io-client 2, ${way}: ${many} messages come back in order`, async (t) => {
    const { url } = await socketio(t, "--eio3");
    const client = await connect(t, url, { transports }, io2);
    await manyInOrder(client);
  });
}

test("other namespaces do not exist", async (t) => {
  const { url } = await socketio(t, "--namespace", "/custom");
  const client = open(t, `${url}/admin`);
  const [error] = await event(client, "connect_error");
  assert.equal(error.message, "Invalid namespace");
});

test("heartbeats of all layers keep the connection, and Primus's come apart", async (t) => {
  const { url } = await socketio(t, "--heartbeat", "300");
  const client = await connect(t, url, { transports: ["websocket"] });
  let ended = 0;
  client.on("disconnect", () => ended++);
  const pings = await heard(client, "primus", 5);
  assert.ok(pings.every((ping) => ping.startsWith("primus::ping::")));
  assert.equal(ended, 0);
  assert.deepEqual(client.received.filter(([name]) => name !== "primus"), []);
});

for (const [way, transports] of Object.entries(ways)) {
  for (const [parser, options] of Object.entries(parsers)) {
    test(`socket.io-client 4, ${parser}, ${way}: events of the application's own`, async (t) => {
      const { url } = await socketio(t, "--events", "--parser", parser);
      const client = open(t, url, { transports, auth: { token: "right" }, ...options });
      assert.deepEqual(await heard(client, "auth"), [{ token: "right" }]);
      client.emit("message", 1, "2", { 3: [true] });
      await heard(client, "message-back");
      const back = client.received.find(([name]) => name === "message-back");
      assert.deepEqual(back, ["message-back", 1, "2", { 3: [true] }]);
      const acked = new Promise((resolve) => {
        client.emit("message-with-ack", 1, { a: null }, (...args) => resolve(args));
      });
      assert.deepEqual(await acked, [1, { a: null }]);
    });

    test(`socket.io-client 4, ${parser}, ${way}: bytes in events of the application's own`, async (t) => {
      const { url } = await socketio(t, "--events", "--parser", parser);
      const client = await connect(t, url, { transports, ...options });
      // Lengths that MessagePack writes in different ways, of the two kinds that the client's
      // parser does. No more at once, because clients take ten attachments.
      for (const length of [0, 1, 2, 3, 4, 8, 16, 17, 256, 70_000]) {
        const array = Uint8Array.from({ length }, (_, n) => (n + 7) % 256);
        const sent = Buffer.from(array);
        const isSent = (bytes) => {
          assert.ok(isBytes(bytes), `bytes, and not ${JSON.stringify(bytes)}`);
          assert.ok(Buffer.from(bytes).equals(sent));
        };
        const back = event(client, "message-back");
        client.emit("message", { a: [array, [sent]], n: -1.5 }, array, "żółw", null, sent);
        const [first, ...others] = await back;
        [first.a[0], first.a[1][0], others[0], others[3]].forEach(isSent);
        assert.deepEqual([first.n, others.length, others[1], others[2]], [-1.5, 4, "żółw", null]);
        const acked = await new Promise((resolve) => {
          client.emit("message-with-ack", array, { b: sent }, (...args) => resolve(args));
        });
        [acked[0], acked[1].b].forEach(isSent);
      }
    });
  }
}

for (const [way, transports] of Object.entries(ways)) {
  for (const [parser, options] of Object.entries(parsers)) {
    test(`socket.io-client 4, ${parser}, ${way}: two namespaces on one transport`, async (t) => {
      const { url } = await socketio(t, "--events", "--namespace", "/more", "--parser", parser);
      const manager = new Manager(url, { transports, ...options });
      const [root, custom] = ["/", "/custom"].map((name) => {
        const client = manager.socket(name, { auth: { name } });
        t.after(() => client.disconnect());
        client.received = [];
        client.onAny((event, ...args) => client.received.push([event, ...args]));
        return client;
      });
      for (const client of [root, custom]) {
        assert.deepEqual(await heard(client, "auth"), [{ name: client.nsp }]);
      }
      for (let n = 0; n < many; n++) {
        root.emit("message", "root", n);
        custom.emit("message", "custom", n);
        if (n % 50 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
      }
      for (const [client, name] of [[root, "root"], [custom, "custom"]]) {
        await heard(client, "message-back", many);
        const back = client.received.filter(([event]) => event === "message-back");
        back.forEach((event, n) => assert.deepEqual(event, ["message-back", name, n]));
        assert.equal(back.length, many);
        assert.equal(await client.emitWithAck("message-with-ack", name), name);
      }
      const bytes = Buffer.from([0, 255, 1]);
      for (const client of [root, custom]) {
        const acked = await client.emitWithAck("message-with-ack", { a: bytes });
        assert.ok(Buffer.from(acked.a).equals(bytes));
      }
      // One leaves, the other does not notice; it comes again on the same transport.
      const engine = manager.engine.id;
      custom.disconnect();
      assert.equal(await root.emitWithAck("message-with-ack", 1), 1);
      custom.connect();
      await heard(custom, "auth", 2);
      assert.equal(await custom.emitWithAck("message-with-ack", 2), 2);
      assert.equal(manager.engine.id, engine);
    });
  }

  test(`socket.io-client 4, ${way}: who is not let into one namespace stays in the other`, async (t) => {
    const { url } = await socketio(t, "--events");
    const manager = new Manager(url, { transports });
    const root = manager.socket("/");
    t.after(() => root.disconnect());
    await event(root, "connect");
    const custom = manager.socket("/custom", { auth: { token: "wrong" } });
    t.after(() => custom.disconnect());
    const [error] = await event(custom, "connect_error");
    assert.equal(error.message, "who are you?");
    assert.equal(await root.emitWithAck("message-with-ack", 1), 1);
    custom.auth = {};
    custom.connect();
    await event(custom, "connect");
    assert.equal(await custom.emitWithAck("message-with-ack", 2), 2);
  });
}

/** A client of Socket.IO 2 in `/` and in `/custom`. */
async function bothNamespaces(t, url, options) {
  const root = await connect(t, url, options, io2);
  const custom = root.io.socket("/custom");
  t.after(() => custom.disconnect());
  await event(custom, "connect");
  return [root, custom];
}

for (const [way, transports] of Object.entries(ways)) {
  test(`socket.io-client 2, ${way}: a namespace besides`, async (t) => {
    const { url } = await socketio(t, "--eio3", "--events");
    const [root, custom] = await bothNamespaces(t, url, { transports });
    for (const client of [root, custom]) {
      const acked = new Promise((resolve) => client.emit("message-with-ack", client.nsp, resolve));
      assert.equal(await acked, client.nsp);
    }
    custom.disconnect();
    const acked = new Promise((resolve) => root.emit("message-with-ack", 1, resolve));
    assert.equal(await acked, 1);
  });

  test(`socket.io-client 2, ${way}: bytes in each namespace, and text and bytes as they are`, async (t) => {
    const bytes = Buffer.from(Array.from({ length: 70_000 }, (_, n) => n % 256));
    const { url } = await socketio(t, "--eio3", "--events");
    const [root, custom] = await bothNamespaces(t, url, { transports });
    for (const client of [root, custom]) {
      const back = event(client, "message-back");
      client.emit("message", { a: [bytes] }, bytes.subarray(0, 1));
      const [first, second] = await back;
      assert.ok(Buffer.from(first.a[0]).equals(bytes));
      assert.ok(Buffer.from(second).equals(bytes.subarray(0, 1)));
      const acked = new Promise((resolve) => client.emit("message-with-ack", bytes, resolve));
      assert.ok(Buffer.from(await acked).equals(bytes));
    }
    const raw = await socketio(t, "--eio3", "--parser", "raw");
    const client = await connect(t, raw.url, { transports }, io2);
    for (const value of ["żółw", bytes, bytes.subarray(0, 0)]) {
      const back = event(client, "message");
      client.emit("message", value);
      const [received] = await back;
      assert.ok(Buffer.from(received).equals(Buffer.from(value)));
    }
  });
}
