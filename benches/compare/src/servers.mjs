// The servers that are loaded, and how each is spoken to. A `role` is what it can be loaded with:
// `echo` and `action` are requests, `say` is a room, `open` and `idle` are connections.

const primus = (engine) => ["--proto", "primus", "--engine", engine];
const stellar = (engine) => ["--proto", "stellar", "--engine", engine];
const all = ["echo", "say", "open", "idle"];

/** What is of this project, on an engine. `name` is that of the engine, `engine` the load's word. */
function ours(name, engine) {
  const measured = (layer) => ({ port, pingInterval, otherRooms }) => [
    "measured", "--listen", `127.0.0.1:${port}`, "--layer", layer, "--transport", name,
    ...(pingInterval === undefined ? [] : ["--ping-interval", pingInterval]),
    ...(otherRooms ? ["--other-rooms", otherRooms] : []),
  ];
  return [
    {
      id: name, title: `stellarfw ${name}, transport layer`, group: "ours", roles: ["echo", "open"],
      command: measured("transport"), protocol: primus(engine),
    },
    {
      id: `stellar ${name}`, title: `stellarfw ${name}, Stellar`, group: "ours",
      // Actions and the opening add the same on each engine: one is enough.
      roles: name === "ws" ? ["action", "say", "open", "idle"] : ["say", "idle"],
      command: measured("stellar"), protocol: stellar(engine),
      // What a client does first when it has connected.
      open: ["-s", 0, "--send-template", '{"event":"detailsView"}'],
    },
  ];
}

function rust(id, title, program, protocol, paths = {}) {
  return {
    id, title, group: "rust", roles: all, protocol, paths, command: ({ port }) => [program, port],
  };
}

function node(id, title, script, protocol, ...words) {
  return {
    id, title, group: "node", roles: all, protocol, command: ({ port }) => [script, port, ...words],
  };
}

export const servers = [
  rust("lean", "lean: tokio by hand", "lean", ["--proto", "raw"]),
  ...ours("ws", "ws"),
  ...ours("engine.io", "engineio"),
  ...ours("socket.io", "socketio"),
  ...ours("sockjs", "sockjs"),
  rust("axum", "axum ws", "axum_ws", ["--proto", "raw"], { open: "/echo", idle: "/echo" }),
  rust("engineioxide", "engineioxide", "engineio", ["--proto", "engineio"]),
  rust("socketioxide", "socketioxide", "socketio", ["--proto", "socketio"]),
  node("node ws", "Node: ws", "ws.js", ["--proto", "raw"]),
  node("primus", "Node: Primus on ws", "primus.js", primus("ws"), "websockets"),
  node("primus engine.io", "Node: Primus on engine.io", "primus.js", primus("engineio"), "engine.io"),
  node("node socket.io", "Node: socket.io", "socketio.js", ["--proto", "socketio"]),
  node("node sockjs", "Node: sockjs", "sockjs.js", ["--proto", "sockjs"]),
];

export const serverOf = (id) => servers.find((server) => server.id === id);
