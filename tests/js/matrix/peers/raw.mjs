// The official clients of engines that carry payloads as they are: ws, engine.io-client and
// sockjs-client. None of them knows of Primus or comes back by itself.
import { Socket } from "engine.io-client";
import notepack from "notepack.io";
import SockJS from "sockjs-client";
import { WebSocket } from "ws";
import { Peer } from "./peer.mjs";

const codecs = {
  json: { encode: JSON.stringify, decode: (data) => JSON.parse(data.toString()) },
  msgpack: { encode: (value) => notepack.encode(value), decode: (data) => notepack.decode(data) },
};

class RawPeer extends Peer {
  constructor(parser) {
    super();
    this.codec = codecs[parser];
  }
  arrived(data, binary) {
    this.binary = binary;
    const value = this.codec.decode(data);
    if (value === "primus::server::close") this.forGood = true;
    if (!String(value).startsWith("primus::")) this.received(value);
  }
}

class WsPeer extends RawPeer {
  way = "websocket";
  constructor(parser, url) {
    super(parser);
    this.socket = new WebSocket(url);
    this.socket.on("open", () => this.opened());
    this.socket.on("message", (data, binary) => this.arrived(data, binary));
    this.socket.on("error", (error) => this.failed(error));
    this.socket.on("close", (code) => this.parted(code));
    this.socket.on("unexpected-response", (_, answer) => this.failed(answer.statusCode));
  }
  send(value) {
    this.socket.send(this.codec.encode(value));
  }
  close() {
    this.socket.terminate();
  }
}

class EngineIoPeer extends RawPeer {
  constructor(parser, url, query, transports) {
    super(parser);
    const pairs = Object.fromEntries(new URLSearchParams(query));
    this.socket = new Socket(url, { transports, query: pairs });
    this.socket.on("open", () => this.opened());
    this.socket.on("message", (data) => this.arrived(data, typeof data !== "string"));
    this.socket.on("error", (error) => this.failed(error.description?.message ?? error.description ?? error));
    this.socket.on("close", (reason) => this.parted(reason));
  }
  get way() {
    return this.socket.transport.name;
  }
  send(value) {
    this.socket.send(this.codec.encode(value));
  }
  close() {
    this.socket.close();
  }
}

class SockJsPeer extends RawPeer {
  constructor(url, way) {
    super("json");
    this.socket = new SockJS(url, null, { transports: [way] });
    this.socket.onopen = () => this.opened();
    this.socket.onmessage = ({ data }) => this.arrived(data, false);
    this.socket.onclose = ({ code, reason }) => {
      if (!this.sparks) this.failed(`${code} ${reason}`);
      this.parted(code);
    };
  }
  get way() {
    return this.socket.transport;
  }
  send(value) {
    this.socket.send(this.codec.encode(value));
  }
  close() {
    this.socket.close();
  }
}

/** A cell of the package ws. */
export const ws = (parser) => ({
  client: "ws 8",
  refusal: /401/,
  tooLong: /1009/,
  parser,
  way: "websocket",
  connect: (url, query = "") => new WsPeer(parser, `${url.replace("http", "ws")}/ws${query}`),
});

/** A cell of engine.io-client. */
export const engineIo = (parser, way, transports) => ({
  client: "engine.io-client 6",
  refusal: /401/,
  parser,
  way,
  connect: (url, query = "") => new EngineIoPeer(parser, url, query, transports),
});

/** A cell of sockjs-client, by one of its transports; `deaf` where it cannot tell a stream was cut. */
export const sockJs = (way, deaf = false) => ({
  client: "sockjs-client 1",
  refusal: /All transports failed/,
  // Of a poll that brings the end and a POST that is refused, either may be first.
  tooLong: way === "websocket" ? /1009/ : /1006|1009/,
  deaf,
  parser: "json",
  way,
  connect: (url, query = "") => new SockJsPeer(`${url}/sockjs${query}`, way),
});
