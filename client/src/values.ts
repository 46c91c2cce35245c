import { json } from "./codec/json";
import type { Codec, Payload } from "./codec/codec";
import { asError, StellarError } from "./errors";

/** Creates the error for an invalid argument. */
export const invalid = (text: string): StellarError => new StellarError("invalid", text);

/** Returns the result of `make`, and converts its exceptions to the error `invalid`. */
export function valid<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    throw asError(error, "invalid");
  }
}

const isObject = (value: unknown): boolean =>
  !!value && typeof value === "object" && !Array.isArray(value);

/** Returns a copy of an action's parameters. Calls `toJSON` if there is one. */
export const fields = (params: any): Record<string, any> =>
  valid(() => {
    if (typeof params?.toJSON === "function") params = params.toJSON("params");
    if (params != null && !isObject(params)) throw invalid("Parameters must be an object");
    return { ...params };
  });

/** Returns parameters after a JSON round trip, and their JSON text. */
export const asJson = (params: object): [Record<string, unknown>, string] =>
  valid(() => {
    const text = json.encode(params) as string;
    return [JSON.parse(text), text];
  });

/**
 * Encodes a message. Returns it as the server decodes it, and its payload.
 *
 * Throws if the message cannot be encoded or is malformed. The server does not count malformed
 * messages, so sending one would break the numbering of responses.
 */
export const pack = (body: any, codec: Codec, most: number): [message: any, payload: Payload] =>
  valid(() => {
    const payload = codec.encode(body);
    const message = payload && codec.decode(payload);
    if (!isObject(message)) throw invalid("A message must be an object");
    // A UTF-16 code unit takes at most three bytes in UTF-8.
    if (payload.length * 3 > most) {
      const { length } = typeof payload === "string" ? new TextEncoder().encode(payload) : payload;
      if (length > most) throw invalid(`Too long: ${length} bytes of ${most}`);
    }
    const { event, params } = body;
    const named = Object(event === "action" || event === "event" ? params : body);
    for (const name of event === "action" ? [event] : ["event", "file", "room"]) {
      if (name in named && typeof named[name] !== "string") throw invalid(`${name} must be a string`);
    }
    if (event === "say" && "message" in body && !("message" in message)) {
      throw invalid("There is no message");
    }
    return [message, payload];
  });
