import { engineio } from "../transports/engineio";

$parts.transports["engine.io"] = engineio;
