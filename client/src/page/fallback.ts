import { fallback } from "../transports/fallback";

$parts.fallback = fallback;
