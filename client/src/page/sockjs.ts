import { sockjs } from "../transports/sockjs";

$parts.transports.sockjs = sockjs;
