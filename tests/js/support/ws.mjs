// The `ws` package: a WebSocket client that knows nothing of Primus.
import { WebSocket } from "ws";
import { event, until } from "./until.mjs";

/** A connection that is open, and a list of what it gets. It ends with the test. */
export async function connect(test, url, options = {}) {
  const socket = new WebSocket(url, { perMessageDeflate: false, maxPayload: 0, ...options });
  test.after(() => socket.terminate());
  socket.received = [];
  socket.on("message", (data, binary) => socket.received.push(binary ? data : data.toString()));
  socket.on("error", () => {});
  await event(socket, "open");
  return socket;
}

/** Sends one message and gives the next that comes. */
export async function exchange(socket, message, options) {
  const before = socket.received.length;
  socket.send(message, options);
  await until(() => socket.received.length > before, "an answer");
  return socket.received[before];
}

/** Waits for the end of a connection; gives its code and reason. */
export async function closed(socket) {
  const [code, reason] = await event(socket, "close");
  return { code, reason: reason.toString() };
}

/** Bytes that do not compress, the same each time. */
export function noise(length, seed = 1) {
  const bytes = Buffer.alloc(length);
  let state = seed;
  for (let index = 0; index < length; index++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[index] = state >>> 24;
  }
  return bytes;
}
