import { engineio } from "./transports/engineio";
import { fallback } from "./transports/fallback";
import { engineIoSocket } from "./transports/own/engineio";
import { socketIoSocket } from "./transports/own/socketio";
import { ownWebSocket } from "./transports/own/websocket";
import { sockjs } from "./transports/sockjs";
import { socketio } from "./transports/socketio";
import { ws } from "./transports/ws";

/** The parts of the package's builds that do not depend on the codec. */
export const engines = {
  transports: { ws: [ws], "engine.io": engineio, "socket.io": socketio(engineio), sockjs },
  fallback,
  own: [engineIoSocket, socketIoSocket, ownWebSocket],
};
