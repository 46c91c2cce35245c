import { engineio } from "../transports/engineio";
import { engineIoSocket } from "../transports/own/engineio";

$parts.transports["engine.io"] = engineio;
$parts.own.push(engineIoSocket);
