import assert from "node:assert/strict";
import { test } from "node:test";
import { echo } from "../support/server.mjs";
import { until } from "../support/until.mjs";
import { connect, exchange, noise } from "../support/ws.mjs";

const messages = {
  empty: "",
  short: "x",
  text: JSON.stringify({ event: "say", room: "lobby", message: "hello ".repeat(10) }),
  unicode: "星 \u{1f680} é ".repeat(500),
  "as long as a window": "ab".repeat(16_384),
  "longer than a window": "the quick brown fox ".repeat(20_000),
  "bytes that compress": Buffer.alloc(200_000, 7),
  "bytes that do not": noise(200_000),
};

/** One server for the whole file: what is looked at is each connection. */
let server;
async function shared() {
  server ??= await echo({ after() {} }, "--parser", "raw", "--compression", "--any-origin");
  return server;
}
test.after(async () => {
  await server?.kill();
  assert.doesNotMatch(server.output, /panicked/);
});

const switches = [undefined, true];
const windows = [undefined, 9, 15];

for (const serverNoContextTakeover of switches) {
  for (const clientNoContextTakeover of switches) {
    for (const serverMaxWindowBits of windows) {
      for (const clientMaxWindowBits of [...windows, true]) {
        const wanted = Object.fromEntries(
          Object.entries({
            serverNoContextTakeover,
            clientNoContextTakeover,
            serverMaxWindowBits,
            clientMaxWindowBits,
          }).filter(([, value]) => value !== undefined),
        );
        test(`compressed, asking for ${JSON.stringify(wanted)}`, async (t) => {
          const server = await shared(t);
          const socket = await connect(t, server.ws, {
            perMessageDeflate: { threshold: 0, ...wanted },
          });
          assert.match(socket.extensions, /permessage-deflate/);
          const agreed = Object.values(socket._extensions)[0].params;
          if (serverNoContextTakeover) assert.ok(agreed.server_no_context_takeover);
          if (serverMaxWindowBits) assert.ok(agreed.server_max_window_bits <= serverMaxWindowBits);

          // Twice, so that the second can lean on the first where that was agreed to.
          for (let round = 0; round < 2; round++) {
            for (const [name, message] of Object.entries(messages)) {
              assert.deepEqual(await exchange(socket, message), message, name);
            }
          }
          // Compressed and plain messages of one connection, in turns.
          assert.equal(await exchange(socket, "plain", { compress: false }), "plain");
          assert.equal(await exchange(socket, "again"), "again");

          const before = socket.received.length;
          const parts = ["fragments ", "of ", "", "one ", "message ".repeat(2000)];
          for (const part of parts) socket.send(part, { fin: false });
          socket.ping();
          socket.send("end", { fin: true });
          await until(() => socket.received.length > before, "the fragments' answer");
          assert.equal(socket.received[before], `${parts.join("")}end`);
        });
      }
    }
  }
}

test("a client that offers no compression gets none", async (t) => {
  const server = await shared();
  const socket = await connect(t, server.ws);
  assert.equal(socket.extensions, "");
  for (const message of Object.values(messages)) {
    assert.deepEqual(await exchange(socket, message), message);
  }
});

test("a server without compression declines the offer", async (t) => {
  const server = await echo(t, "--parser", "raw");
  const socket = await connect(t, server.ws, { perMessageDeflate: { threshold: 0 } });
  assert.equal(socket.extensions, "");
  assert.equal(await exchange(socket, "hello"), "hello");
});

test("Primus's messages travel compressed too", async (t) => {
  const server = await echo(t, "--compression");
  const socket = await connect(t, server.ws, { perMessageDeflate: { threshold: 0 } });
  const text = JSON.stringify("hello ".repeat(1000));
  assert.equal(await exchange(socket, text), text);
  assert.match(await exchange(socket, '"primus::id::"'), /^"primus::id::[\w-]+"$/);
});

test("what grows beyond the limit when it is unpacked ends the connection", async (t) => {
  const server = await echo(t, "--parser", "raw", "--compression", "--max-length", "100000");
  const socket = await connect(t, server.ws, { perMessageDeflate: { threshold: 0 } });
  const end = new Promise((resolve) => socket.once("close", resolve));
  socket.send(Buffer.alloc(10_000_000));
  assert.equal(await end, 1009);
});
