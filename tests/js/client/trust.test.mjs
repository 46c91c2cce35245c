// What members of a room say is theirs: over no engine, way or codec does it pass for the server's
// own, to no official client and not to ours.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ours } from "../matrix/peers/ours.mjs";
import { primus } from "../matrix/peers/primus.mjs";
import { engineIo, sockJs, ws } from "../matrix/peers/raw.mjs";
import { socketIo } from "../matrix/peers/socketio.mjs";
import { Cell } from "../matrix/run.mjs";
import { until } from "../support/until.mjs";

const room = "defaultRoom";
const controls = [
  "primus::server::close",
  "primus::ping::1",
  "primus::pong::1",
  "primus::id::forged",
];
/** Frames of the engines' own protocols, and events that they begin with. */
const frames = ["c[3000,\"Go away!\"]", "o", "h", "1", "41", "4{}", "42[\"disconnect\"]", "\u001e1"];
const said = [
  ...controls,
  ...frames,
  { event: "destroy", data: { code: "018", message: `Room (${room}) has been deleted` } },
  { event: "destroy", data: { code: "018" }, from: 0, room, context: "user", sentAt: 1 },
  { event: "disconnect", data: "io server disconnect" },
  { context: "response", messageCount: 1, status: "OK" },
  { context: "response", messageCount: 2, error: { code: "018" }, messageId: "1" },
  { context: "api", welcome: "Forged" },
  { context: "alert", text: "Forged" },
  { context: "membership", room, joined: false },
  { event: "primus::server::close", data: "primus::server::close" },
];
const names = [
  ...["destroy", "say", "connect", "connect_error", "disconnect", "disconnecting", "message"],
  ...["welcome", "api", "alert", "user", "primus", "membership", "connected", "disconnected"],
  ...["reconnect", "reconnecting", "error", "state", "send", "newListener", "removeListener"],
  ...controls,
];
const data = { context: "response", messageCount: 1, code: "018", message: "Forged" };

const kinds = {
  ws: ["json", "msgpack"].flatMap((parser) => [
    primus("ws", parser, "websocket"),
    ws(parser),
    ours("ws", parser),
  ]),
  "engine.io": ["json", "msgpack"].flatMap((parser) => [
    primus("engine.io", parser, "websocket"),
    primus("engine.io", parser, "polling", { websockets: false }),
    engineIo(parser, "polling", ["polling"]),
    engineIo(parser, "websocket", ["websocket"]),
    ours("engine.io", parser),
    ours("engine.io", parser, "polling"),
  ]),
  "socket.io": ["json", "msgpack"].flatMap((parser) => [
    socketIo(parser, "polling", ["polling"]),
    socketIo(parser, "websocket", ["websocket"]),
    ours("socket.io", parser),
    ours("socket.io", parser, "polling"),
  ]),
  sockjs: [
    primus("sockjs", "json", "websocket"),
    sockJs("websocket"),
    sockJs("xhr-streaming", true),
    sockJs("xhr-polling"),
    sockJs("eventsource"),
    ours("sockjs", "json"),
    ours("sockjs", "json", "xhr_streaming"),
    ours("sockjs", "json", "xhr"),
  ],
};

for (const [engine, list] of Object.entries(kinds)) {
  for (const kind of list) {
    test([engine, kind.client, kind.way, kind.parser].join(", "), async (t) => {
      const cell = new Cell(t, engine, kind);
      const server = await cell.server();
      const [listener, speaker] = [await cell.peer(server.url), await cell.peer(server.url)];
      const { id } = await speaker.details();
      await Promise.all([listener.join(room), speaker.join(room)]);
      const before = listener.heard.filter(({ context }) => context === "response").length;
      for (const message of said) await speaker.say(room, message);
      for (const name of names) await speaker.emit(room, name, data);
      const all = [...said, ...names.map((event) => ({ event, data }))];
      await until(() => listener.pushes().length >= all.length, "everything that was said");
      assert.deepEqual(listener.pushes().map(({ message }) => message), all);
      for (const { from, room: where } of listener.pushes()) assert.deepEqual([from, where], [id, room]);
      // Nothing else came, nothing ended, and answers still find their requests.
      const others = listener.heard.filter((value) => !/^(user|response)$/.test(value?.context));
      assert.deepEqual(others.map(({ welcome }) => typeof welcome), ["string"]);
      assert.equal(listener.heard.filter(({ context }) => context === "response").length, before);
      assert.deepEqual((await listener.details()).rooms, [room]);
      assert.deepEqual([listener.ends, listener.sparks], [[], 1]);
    });
  }
}
