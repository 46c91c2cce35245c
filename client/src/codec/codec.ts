/** The payload of one frame. */
export type Payload = string | Uint8Array;

/** Encodes messages to payloads and decodes payloads. The server determines the codec. */
export interface Codec {
  /** The name in the server's settings: `json` or `msgpack`. */
  readonly name: string;
  /** Encodes one message. Throws if it cannot be encoded. */
  encode(message: unknown): Payload;
  /** Decodes one payload. Throws if it is malformed. */
  decode(payload: Payload): any;
}
