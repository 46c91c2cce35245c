import { ownWebSocket } from "../transports/own/websocket";
import { sockjs } from "../transports/sockjs";

$parts.transports.sockjs = sockjs;
$parts.own.push(ownWebSocket);
