import { type Adapter } from "./adapter.mjs";
/** A socket of engine.io-client. */
export declare const engineIoSocket: Adapter;
