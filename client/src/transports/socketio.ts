import type { Codec, Payload } from "../codec/codec";
import type { Connect } from "./transport";

/** What a packet holds. With JSON its kind stands before the data; with MessagePack it is an object. */
interface Packet {
  type: number;
  data?: any;
}

/**
 * Tells whether an event is a whole message. Events of rooms come again by their names, and pushes with
 * a context of the application's own come as `message` and again as `api`.
 */
export const isWhole = (event: string, message: any): boolean =>
  /^(message|user|alert|api|welcome|primus)$/.test(event) &&
  (event !== "api" || message?.context === event);

const encode = (codec: Codec, packet: Packet): Payload =>
  codec.name === "json"
    ? packet.type + (packet.data ? JSON.stringify(packet.data) : "")
    : codec.encode({ ...packet, nsp: "/" });

const decode = (codec: Codec, payload: any): Packet =>
  codec.name === "json"
    ? { type: +payload[0], data: payload[1] && JSON.parse(payload.slice(1)) }
    : codec.decode(payload);

/** The `socket.io` engine, protocol 5, over the ways of Engine.IO: messages are events `message`. */
export const socketio = (ways: Connect[]): Connect[] =>
  ways.map((connect) => (context, events) => {
    const { codec } = context;
    const send = (packet: Packet) => under.send(encode(codec, packet), packet);
    const under = connect(context, {
      ...events,
      open: () => send({ type: 0 }),
      data(payload) {
        const { type, data } = decode(codec, payload);
        if (type === 0) events.open();
        // The server has ended it for good.
        else if (type === 1) events.message("primus::server::close");
        else if (type === 2) isWhole(data[0], data[1]) && events.message(data[1]);
        else if (type === 4) {
          const { message } = data;
          // What passes by itself is told in the same way as a refusal.
          const passes = /shutting down|Too many/.test(message);
          events.close(1008, message, passes ? undefined : { message });
        }
      },
    });
    return {
      ...under,
      name: "socket.io",
      send: (_, message) => send({ type: 2, data: ["message", message] }),
    };
  });
