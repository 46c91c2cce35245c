// The ways of an engine, where a WebSocket is none of them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { StellarClient } from "../src/index";
import type { WebSocketClass } from "../src/transports/transport";
import { until } from "./support/until";

/** A platform's that cannot be used. */
const NoWebSocket = class {
  constructor() {
    throw new Error("Not here");
  }
} as unknown as WebSocketClass;

test("a way that worked fails again and again, and the others cannot work here", async (t) => {
  const opening = '0{"sid":"one","maxPayload":1000}\x1e4{"welcome":"Hello","context":"api"}';
  let asked = 0;
  const client = new StellarClient({
    url: "http://localhost",
    transports: ["engine.io"],
    WebSocket: NoWebSocket,
    // It lets the client in, and from then on there is no server.
    fetch: async () => {
      if (asked++) throw new Error("Refused");
      return new Response(opening);
    },
    reconnect: { min: 1, max: 2 },
  });
  t.after(() => client.disconnect());
  const attempts: number[] = [];
  client.on("reconnecting", ({ attempt }: { attempt: number }) => attempts.push(attempt));
  client.on("error", () => {});
  await assert.rejects(client.connect());
  // It is soon no longer tried alone, and the attempts go on all the same.
  await until(() => attempts.length >= 8, "8 attempts");
  assert.deepEqual(attempts.slice(0, 8), [1, 2, 3, 4, 5, 6, 7, 8]);
});
