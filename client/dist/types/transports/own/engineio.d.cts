import { type Adapter } from "./adapter.cjs";
/** A socket of engine.io-client. */
export declare const engineIoSocket: Adapter;
