import { ours } from "./peers/ours.mjs";
import { socketIo } from "./peers/socketio.mjs";
import { matrix } from "./run.mjs";

matrix(
  "socket.io",
  ["json", "msgpack"].flatMap((parser) => [
    socketIo(parser, "polling", ["polling"]),
    socketIo(parser, "websocket", ["websocket"]),
    socketIo(parser, "upgrade", ["polling", "websocket"]),
    ours("socket.io", parser),
    ours("socket.io", parser, "polling"),
  ]),
);
