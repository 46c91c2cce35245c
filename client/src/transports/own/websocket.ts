import { plain } from "../socket";
import { name, type Adapter } from "./adapter";

/** Wraps a WebSocket, or an object with its interface, such as a socket of sockjs-client. */
export const ownWebSocket: Adapter = (socket, events) =>
  // `readyState` is a string in engine.io-client.
  typeof socket.readyState === "number" && plain(name, socket, events);
