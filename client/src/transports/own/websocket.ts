import { plain } from "../socket";
import { name, type Adapter } from "./adapter";

/** A WebSocket, or what behaves like one: sockjs-client. */
export const ownWebSocket: Adapter = (socket, events) =>
  // That of engine.io-client is a word.
  typeof socket.readyState === "number" && plain(name, socket, events);
