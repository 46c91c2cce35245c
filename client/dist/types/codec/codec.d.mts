/** One payload as the transport carries it. */
export type Payload = string | Uint8Array;
/** Turns messages into payloads and back. Which one is used is the server's choice. */
export interface Codec {
    /** The server's name for it: `json` or `msgpack`. */
    readonly name: string;
    /** Encodes one message; throws if it cannot be encoded. */
    encode(message: unknown): Payload;
    /** Decodes one payload; throws if it is not valid. */
    decode(payload: Payload): any;
}
