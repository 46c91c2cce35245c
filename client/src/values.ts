import { json } from "./codec/json";
import type { Codec, Payload } from "./codec/codec";
import { asError, StellarError } from "./errors";

/** The error of what a caller passed and cannot be sent. */
export const invalid = (text: string): StellarError => new StellarError("invalid", text);

/** What `make` gives; what it throws is the fault of what was passed. */
export function valid<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    throw asError(error, "invalid");
  }
}

const isObject = (value: unknown): boolean =>
  !!value && typeof value === "object" && !Array.isArray(value);

/** The parameters of an action, copied: of an object with `toJSON` what that gives. */
export const fields = (params: any): Record<string, any> =>
  valid(() => {
    if (typeof params?.toJSON === "function") params = params.toJSON("params");
    if (params != null && !isObject(params)) throw invalid("Parameters must be an object");
    return { ...params };
  });

/** The same parameters as JSON has them, and their text. */
export const asJson = (params: object): [Record<string, unknown>, string] =>
  valid(() => {
    const text = json.encode(params) as string;
    return [JSON.parse(text), text];
  });

/**
 * A message as it is sent, and as the server reads it. Throws if it cannot be sent, or the server
 * would not know what to do with it: that one would not count it.
 */
export const pack = (body: any, codec: Codec, most: number): [message: any, payload: Payload] =>
  valid(() => {
    const payload = codec.encode(body);
    const message = payload && codec.decode(payload);
    if (!isObject(message)) throw invalid("A message must be an object");
    // In UTF-8 a character has three bytes at most.
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
