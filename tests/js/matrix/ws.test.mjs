import { ours } from "./peers/ours.mjs";
import { primus } from "./peers/primus.mjs";
import { ws } from "./peers/raw.mjs";
import { matrix } from "./run.mjs";

matrix(
  "ws",
  ["json", "msgpack"].flatMap((parser) => [
    primus("ws", parser, "websocket"),
    ws(parser),
    ours("ws", parser),
  ]),
);
