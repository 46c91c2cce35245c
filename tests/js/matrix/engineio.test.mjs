import { ours } from "./peers/ours.mjs";
import { primus } from "./peers/primus.mjs";
import { engineIo } from "./peers/raw.mjs";
import { matrix } from "./run.mjs";

matrix(
  "engine.io",
  ["json", "msgpack"].flatMap((parser) => [
    primus("engine.io", parser, "websocket"),
    primus("engine.io", parser, "polling", { websockets: false }),
    engineIo(parser, "polling", ["polling"]),
    engineIo(parser, "websocket", ["websocket"]),
    engineIo(parser, "upgrade", ["polling", "websocket"]),
    ours("engine.io", parser),
    ours("engine.io", parser, "polling"),
  ]),
);
