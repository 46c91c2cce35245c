// Simulates a network failure. The client accepts a WebSocket class as an option; this one closes
// open sockets and fails new ones while the network is down.
const sockets = new Set();
let brokenUntil = 0;

/** Duration of a network failure, in ms. */
export const brokenFor = () => Math.max(0, brokenUntil - Date.now());

/** A WebSocket that fails while the network is down. */
export function BreakableWebSocket(url) {
  if (brokenFor()) {
    const dead = { send() {}, close() {} };
    setTimeout(() => dead.onclose?.({ code: 1006, reason: "" }), 120);
    return dead;
  }
  const socket = new WebSocket(url);
  sockets.add(socket);
  socket.addEventListener("close", () => sockets.delete(socket));
  return socket;
}

/** Takes the network down: closes open connections and fails new ones. */
export function breakNetwork(ms) {
  brokenUntil = Date.now() + ms;
  for (const socket of sockets) {
    const { onclose } = socket;
    socket.onclose = socket.onmessage = null;
    socket.close();
    onclose?.({ code: 1006, reason: "" });
  }
}
