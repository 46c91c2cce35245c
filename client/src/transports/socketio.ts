import type { Codec, Payload } from "../codec/codec";
import type { Connect } from "./transport";

/** A packet. With JSON the type precedes the data; with MessagePack the packet is an object. */
interface Packet {
  type: number;
  data?: any;
}

/**
 * Returns `true` if an event carries a complete message that no other event repeats.
 *
 * The server also sends room events under their own names, and sends pushes with a custom context
 * both as `message` and as `api`.
 */
export const isMessage = (event: string, message: any): boolean =>
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

/** The `socket.io` engine, protocol 5, over Engine.IO. Messages are events named `message`. */
export const socketio = (connects: Connect[]): Connect[] =>
  connects.map((connect) => (context, events) => {
    const { codec } = context;
    const send = (packet: Packet) => inner.send(encode(codec, packet), packet);
    const inner = connect(context, {
      ...events,
      open: () => send({ type: 0 }),
      data(payload) {
        const { type, data } = decode(codec, payload);
        if (type === 0) events.open();
        // A disconnect by the server is permanent.
        else if (type === 1) events.message("primus::server::close");
        else if (type === 2) isMessage(data[0], data[1]) && events.message(data[1]);
        else if (type === 4) {
          const { message } = data;
          // The protocol reports temporary failures in the same packet as refusals.
          const isTemporary = /shutting down|Too many/.test(message);
          events.close(1008, message, isTemporary ? undefined : { message });
        }
      },
    });
    return {
      ...inner,
      name: "socket.io",
      send: (_, message) => send({ type: 2, data: ["message", message] }),
    };
  });
