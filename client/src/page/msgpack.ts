import { msgpack } from "../codec/msgpack";

$parts.codec = msgpack;
