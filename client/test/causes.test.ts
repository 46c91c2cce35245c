// An error that another one led to has that as its cause, and says what it said.
import assert from "node:assert/strict";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { WebSocket } from "ws";
import { StellarError } from "../src/errors";
import { StellarClient } from "../src/index";
import type { ClientOptions } from "../src/options";
import { Setup } from "./support/setup";
import { event, rejection } from "./support/until";

/** An address at which nothing listens. */
async function nowhere(): Promise<string> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  return `http://127.0.0.1:${port}`;
}

/** Says why it cannot be used. */
class Forbidden {
  constructor() {
    throw new Error("Blocked by policy");
  }
}

async function failure(t: { after(fn: () => void): void }, options: ClientOptions): Promise<any> {
  const client = new StellarClient({ url: await nowhere(), reconnect: false, ...options });
  t.after(() => void client.disconnect());
  return rejection(client.connect());
}

test("ws: what the socket says", async (t) => {
  const error = await failure(t, { WebSocket });
  assert.equal(error.code, "offline");
  assert.match(error.message, /ECONNREFUSED/);
  assert.equal(error.cause.code, "ECONNREFUSED");
});

test("ws: what the request says by which a refusal is found out, where the socket says nothing", async (t) => {
  class Silent {
    onclose!: (event: object) => void;
    constructor() {
      setTimeout(() => this.onclose({ code: 1006, reason: "" }));
    }
    close() {}
  }
  const error = await failure(t, { WebSocket: Silent });
  assert.equal(error.code, "offline");
  assert.equal(error.cause.cause.code, "ECONNREFUSED");
});

for (const engine of ["engine.io", "socket.io", "sockjs"] as const) {
  test(`${engine}: what each way failed of`, async (t) => {
    const error = await failure(t, { transports: [engine], WebSocket: Forbidden });
    assert.equal(error.code, "offline");
    assert.match(error.message, /ECONNREFUSED/);
    const [first, ...rest] = error.cause.errors;
    assert.equal(first.message, "Blocked by policy");
    assert.ok(rest.length);
    for (const other of rest) assert.equal(other.cause.code, "ECONNREFUSED");
  });

  test(`${engine}: why no way can be used here`, async (t) => {
    const client = new StellarClient({
      ...{ url: "http://127.0.0.1", transports: [engine], WebSocket: Forbidden },
    });
    (client.options as any).fetch = undefined;
    t.after(() => void client.disconnect());
    const error = await rejection(client.connect());
    assert.equal(error.code, "unsupported");
    assert.match(error.message, /Blocked by policy.*fetch/);
    assert.equal(client.state, "closed");
  });
}

test("a WebSocket class that throws, or is promised and does not come", async (t) => {
  const broken = await failure(t, { WebSocket: Forbidden });
  assert.deepEqual([broken.code, broken.cause.message], ["unsupported", "Blocked by policy"]);
  const reason = new Error("Not installed");
  const absent = await failure(t, { WebSocket: Promise.reject(reason) });
  assert.deepEqual([absent.code, absent.cause], ["unsupported", reason]);
  assert.match(absent.message, /Not installed/);
});

test("a WebSocket class that is promised is used when it comes", async (t) => {
  const setup = await Setup.start(t);
  const client = await setup.connected({ WebSocket: Promise.resolve(WebSocket) });
  assert.equal(client.transport?.name, "ws");
  const late = setup.client({ WebSocket: new Promise(() => {}) });
  const connecting = rejection(late.connect());
  late.disconnect();
  assert.equal((await connecting).code, "closed");
  assert.equal(setup.server.sparks, 1);
});

test("a socket that cannot be made", async (t) => {
  const reason = new Error("No socket today");
  const error = await failure(t, {
    transport() {
      throw reason;
    },
  });
  assert.deepEqual([error.code, error.cause], ["unsupported", reason]);
});

test("an action over HTTP", async (t) => {
  const client = new StellarClient({ url: await nowhere(), WebSocket });
  t.after(() => void client.disconnect());
  const error = await rejection(client.action("echo"));
  assert.equal(error.code, "offline");
  assert.match(error.message, /ECONNREFUSED/);
  assert.equal(error.cause.cause.code, "ECONNREFUSED");
});

test("an answer over HTTP that cannot be read", async (t) => {
  const fetch = async () => new Response("<html>");
  const client = new StellarClient({ url: "http://127.0.0.1", WebSocket, fetch });
  t.after(() => void client.disconnect());
  const error = await rejection(client.action("echo"));
  assert.equal(error.code, "http");
  assert.ok(error.cause instanceof SyntaxError);
});

test("a message that cannot be read", async (t) => {
  const setup = await Setup.start(t);
  const client = await setup.connected();
  const heard = event(client, "error");
  const [connection] = [...setup.server.connections] as any[];
  connection.spark.emit("outgoing::data", "{");
  const [error] = await heard;
  assert.ok(error instanceof StellarError);
  assert.equal(error.code, "decode");
  assert.ok(error.cause instanceof SyntaxError);
});

test("a connection that is broken: each request that it was lost with says by what", async (t) => {
  const setup = await Setup.start(t);
  setup.server.mute.add("roomView");
  const client = await setup.connected();
  const due = rejection(client.roomView("defaultRoom"));
  for (const socket of (setup.server as any).sockets) socket.write(Uint8Array.of(0xff, 0xff));
  const error = await due;
  assert.deepEqual([error.code, error.mayHaveRun], ["closed", true]);
  assert.match(error.message, /Invalid WebSocket frame/);
  assert.match(error.cause.message, /Invalid WebSocket frame/);
});
