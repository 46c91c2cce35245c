// A network that can be broken from the page. The client takes the WebSocket class as an option,
// so it meets here what it would meet in a tunnel: its socket dies, and new ones do not open.
const sockets = new Set();
let brokenUntil = 0;

/** How many ms the network stays broken. */
export const brokenFor = () => Math.max(0, brokenUntil - Date.now());

/** A WebSocket while the network works, and one that fails while it does not. */
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

/** Breaks the network: tears what is open, and keeps new connections from opening. */
export function breakNetwork(ms) {
  brokenUntil = Date.now() + ms;
  for (const socket of sockets) {
    const { onclose } = socket;
    socket.onclose = socket.onmessage = null;
    socket.close();
    onclose?.({ code: 1006, reason: "" });
  }
}
