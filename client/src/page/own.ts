import { own } from "../transports/own";

$parts.own = own;
