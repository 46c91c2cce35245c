import { socketIoSocket } from "../transports/own/socketio";
import { socketio } from "../transports/socketio";

// The part of Engine.IO precedes this one.
$parts.transports["socket.io"] = socketio($parts.transports["engine.io"]!);
$parts.own.push(socketIoSocket);
