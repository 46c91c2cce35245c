import assert from "node:assert/strict";
import { test } from "node:test";
import { WebSocket } from "ws";
import { chat, echo } from "../support/server.mjs";
import { event, until } from "../support/until.mjs";
import { closed, connect, exchange, noise } from "../support/ws.mjs";

const length = 16 * 1024 * 1024;

for (const compression of [[], ["--compression"]]) {
  const title = compression.length ? "compressed" : "plain";
  const open = async (t, ...args) => {
    const server = await echo(t, "--parser", "raw", ...compression, ...args);
    return connect(t, server.ws, {
      perMessageDeflate: compression.length > 0 && { threshold: 0 },
    });
  };

  test(`${title}: 16 MiB come back as they were`, async (t) => {
    const socket = await open(t, "--max-length", String(length));
    const bytes = noise(length);
    assert.ok(bytes.equals(await exchange(socket, bytes)));
    const text = "é".repeat(length / 2);
    assert.ok(text === (await exchange(socket, text)));
  });

  test(`${title}: one message of 65,536 fragments`, async (t) => {
    const socket = await open(t, "--max-length", String(length));
    const bytes = noise(65_536 * 16);
    for (let n = 0; n < 65_536; n++) {
      socket.send(bytes.subarray(n * 16, (n + 1) * 16), { fin: n === 65_535 });
    }
    await until(() => socket.received.length === 1, "the whole message");
    assert.ok(bytes.equals(socket.received[0]));
  });

  test(`${title}: as long as the limit is allowed, one byte more is not`, async (t) => {
    const socket = await open(t, "--max-length", "70000");
    assert.equal((await exchange(socket, noise(70_000))).length, 70_000);
    const end = closed(socket);
    socket.send(noise(70_001));
    assert.equal((await end).code, 1009);
  });

  test(`${title}: fragments that add up to too much`, async (t) => {
    const socket = await open(t, "--max-length", "70000");
    const end = closed(socket);
    for (let n = 0; n < 8; n++) socket.send(noise(10_000, n), { fin: n === 7 });
    assert.equal((await end).code, 1009);
  });
}

test("the default limit is Primus's, 10,485,760 bytes", async (t) => {
  const server = await echo(t);
  const socket = await connect(t, server.ws);
  const text = JSON.stringify("x".repeat(10_485_758));
  assert.equal(text.length, 10_485_760);
  assert.ok(text === (await exchange(socket, text)));
  const end = closed(socket);
  socket.send(JSON.stringify("x".repeat(10_485_759)));
  assert.equal((await end).code, 1009);
});

test("the server closes as the protocol wants it", async (t) => {
  const server = await chat(t);
  const socket = await connect(t, server.ws);
  const end = closed(socket);
  socket.send('{"event":"quit"}');
  assert.equal((await end).code, 1000);
  assert.equal(socket.received.at(-1), '"primus::server::close"');
  const other = await connect(t, server.ws);
  const answered = closed(other);
  other.close(4321, "bye");
  assert.deepEqual(await answered, { code: 4321, reason: "bye" });
});

test("a plain request is told to upgrade, a foreign page is refused", async (t) => {
  const server = await echo(t);
  const plain = await fetch(`${server.url}/primus`);
  assert.equal(plain.status, 426);
  assert.equal(await plain.text(), "Upgrade Required");
  const refused = new WebSocket(server.ws, { origin: "http://elsewhere.example" });
  const [, response] = await event(refused, "unexpected-response");
  assert.equal(response.statusCode, 403);
  response.destroy();
  const own = await connect(t, server.ws, { origin: server.url });
  assert.equal(await exchange(own, "1"), "1");
});
