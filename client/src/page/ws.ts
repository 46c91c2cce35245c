import { ws } from "../transports/ws";

$parts.transports.ws = [ws];
