import { ownWebSocket } from "../transports/own/websocket";
import { ws } from "../transports/ws";

$parts.transports.ws = [ws];
$parts.own.push(ownWebSocket);
