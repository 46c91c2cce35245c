import { type Adapter } from "./adapter.mjs";
/**
 * A client of Primus, which answers pings and misses them by itself. Whether a connection was lost
 * or ended is told by whether it would try again, so its strategies must be on.
 */
export declare const primus: Adapter;
