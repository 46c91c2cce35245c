// The servers and their protocols. A `role` is a kind of load: `echo` and `action` are requests, `say`
// is a room, `open` and `idle` are connections.

const primus = (engine) => ["--proto", "primus", "--engine", engine];
const stellar = (engine) => ["--proto", "stellar", "--engine", engine];
const all = ["echo", "say", "open", "idle"];

/** This project's servers on an engine. `engine` is the load generator's name for `name`. */
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
      // Actions and connecting cost the same on each engine, so one is measured.
      roles: name === "ws" ? ["action", "say", "open", "idle"] : ["say", "idle"],
      command: measured("stellar"), protocol: stellar(engine),
      // The first request of a client.
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
