// The project's own client, as its package gives it.
import { WebSocket } from "ws";
import { root } from "../../support/server.mjs";
import { Peer, refusal } from "./peer.mjs";

const builds = {
  json: await import(`${root}/client/dist/stellar-client.mjs`),
  msgpack: await import(`${root}/client/dist/stellar-client.msgpack.mjs`),
};

class OurPeer extends Peer {
  // It disconnects instead.
  quit = undefined;

  constructor(parser, options) {
    super();
    this.client = new builds[parser].StellarClient({
      reconnect: { min: 10, max: 100 },
      ...options,
    });
    this.client.on("connected", () => this.opened());
    this.client.on("message", (value) => this.received(value));
    this.client.on("error", (error) => this.failed(error));
    this.client.on("disconnected", (error) => {
      this.forGood = this.client.state === "closed";
      this.parted(error);
    });
    this.client.connect().catch((error) => this.failed(error));
  }
  bytes(list) {
    return Uint8Array.from(list);
  }
  get way() {
    return this.client.transport?.way;
  }
  details() {
    return this.client.detailsView();
  }
  join(room) {
    return this.client.roomAdd(room);
  }
  leave(room) {
    return this.client.roomLeave(room);
  }
  view(room) {
    return this.client.roomView(room);
  }
  say(room, message) {
    return this.client.say(room, message);
  }
  emit(room, event, data) {
    return this.client.to(room).emit(event, data);
  }
  async action(name, params = {}) {
    return refusal(await this.client.action(name, params));
  }
  order(name, params = {}) {
    this.client.action(name, params).catch(() => {});
  }
  file(path) {
    return this.client.file(path);
  }
  close() {
    this.client.disconnect().catch(() => {});
  }
}

/** A network that lets no WebSocket through. */
class Blocked {
  constructor() {
    throw new Error("WebSockets are blocked");
  }
}

/** What a client has for each way: where no WebSocket gets through it falls back to requests. */
const means = {
  websocket: { WebSocket },
  polling: { WebSocket: Blocked },
  xhr_streaming: { WebSocket: Blocked },
  // As where something on the way does not let answers go on.
  xhr: {
    WebSocket: Blocked,
    fetch: (url, init) =>
      /\/xhr_streaming\b/.test(url) ? Promise.reject(new Error("Held back")) : fetch(url, init),
  },
};

/** A cell of it over one engine. */
export const ours = (engine, parser, way = "websocket", options = {}) => ({
  client: "stellar-client",
  refusal: /who are you/,
  // Engine.IO closes with a packet, which has no code.
  // Of a poll and a POST that both report the end, either may be first.
  tooLong: way !== "websocket" ? /HTTP 413|100[09]/ : engine === "engine.io" ? /1000/ : /1009/,
  parser,
  way,
  comesBack: true,
  connect: (url, query = "") => {
    const pairs = Object.fromEntries(new URLSearchParams(query));
    const rest = { ...means[way], ...options };
    return new OurPeer(parser, { url, transports: [engine], query: pairs, ...rest });
  },
});
