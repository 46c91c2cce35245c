// The other way around: our client against the servers of others.
import { nodeServer } from "../support/server.mjs";
import { earlyAnswers, farTooLong, otherOrigins, oversized } from "./behaviours.mjs";
import { ours } from "./peers/ours.mjs";
import { matrix } from "./run.mjs";

const packages = {
  ws: "primus 8, websockets",
  "engine.io": "primus 8, engine.io 6",
  "socket.io": "socket.io 4",
  sockjs: "primus 8, sockjs 0.3",
};

/** A cell of our client against the server of an engine. */
const against = (engine, parser, way) => ({
  ...ours(engine, parser, way, engine === "socket.io" ? { path: "/socket.io/" } : {}),
  engine,
  server: packages[engine],
  program: nodeServer,
  keepsBytes: true,
  // Theirs bounds a request's body by `maxLength` as it is, in base64.
  fits: way === "polling" && parser === "msgpack" ? 7_000 : undefined,
  // They let pages of every origin in, and SockJS's bounds no request's body.
  lacks: [
    ...[earlyAnswers, farTooLong, otherOrigins],
    ...(way.startsWith("xhr") ? [oversized] : []),
  ],
});

const ways = {
  ws: ["websocket"],
  "engine.io": ["websocket", "polling"],
  "socket.io": ["websocket", "polling"],
};

matrix("node", [
  ...Object.entries(ways).flatMap(([engine, ways]) =>
    ["json", "msgpack"].flatMap((parser) => ways.map((way) => against(engine, parser, way))),
  ),
  // It carries texts alone.
  ...["websocket", "xhr_streaming", "xhr"].map((way) => against("sockjs", "json", way)),
]);
