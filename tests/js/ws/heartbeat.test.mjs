import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { connect as dial } from "node:net";
import { test } from "node:test";
import { echo } from "../support/server.mjs";
import { event, until } from "../support/until.mjs";
import { closed, connect } from "../support/ws.mjs";

for (const parser of ["json", "msgpack", "raw"]) {
  test(`${parser}: a client that only answers WebSocket pings stays connected`, async (t) => {
    const server = await echo(t, "--parser", parser, "--ping-interval", "100");
    const socket = await connect(t, server.ws);
    let pings = 0;
    let ended = false;
    socket.on("ping", () => pings++);
    socket.on("close", () => (ended = true));
    await until(() => pings >= 5, "five pings");
    assert.equal(ended, false);
  });

  test(`${parser}: a client that answers no ping at all is ended`, async (t) => {
    const server = await echo(t, "--parser", parser, "--ping-interval", "100");
    const socket = await connect(t, server.ws, { autoPong: false });
    let pings = 0;
    socket.on("ping", () => pings++);
    await closed(socket);
    assert.equal(pings, 1);
  });
}

test("a client that reads and writes nothing any more is ended", async (t) => {
  const server = await echo(t, "--ping-interval", "100");
  const socket = dial(server.port, "127.0.0.1");
  t.after(() => socket.destroy());
  socket.write(
    `GET /primus HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${randomBytes(16).toString("base64")}\r\n\r\n`,
  );
  const [head] = await event(socket, "data");
  assert.match(head.toString("latin1"), /^HTTP\/1\.1 101 /);
  socket.resume();
  await event(socket, "close", "the end of the connection");
});

test("data of the client counts as a sign of life", async (t) => {
  const server = await echo(t, "--parser", "raw", "--ping-interval", "100");
  const socket = await connect(t, server.ws, { autoPong: false });
  let pings = 0;
  let ended = false;
  socket.on("close", () => (ended = true));
  socket.on("ping", () => {
    pings++;
    socket.send("here");
  });
  await until(() => pings >= 5 || ended, "five pings");
  assert.equal(ended, false);
});

test("a server that was stopped pings at once who is overdue, and ends nobody who answers", async (t) => {
  const interval = 800;
  const server = await echo(t, "--ping-interval", String(interval));
  const watched = async () => {
    const socket = await connect(t, server.ws);
    const seen = { pings: 0, ended: false };
    socket.on("ping", () => seen.pings++);
    socket.on("close", () => (seen.ended = true));
    return seen;
  };
  const old = await watched();
  await until(() => old.pings === 1, "a ping");
  // For longer than a client of Primus waits for a ping, one and a half intervals.
  await server.sleep(2.5 * interval);
  const newcomer = await watched();
  await until(() => newcomer.pings === 1 || newcomer.ended, "the newcomer's first ping");
  // One was overdue, and one came when it would have come without the stop.
  assert.equal(old.pings, 3);
  await until(() => newcomer.pings === 4 || newcomer.ended, "more pings");
  assert.deepEqual([old.ended, newcomer.ended], [false, false]);
});
