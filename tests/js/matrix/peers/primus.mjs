// Primus's own client, unmodified, over the transformer of each engine.
import { createRequire } from "node:module";
import { Peer } from "./peer.mjs";

const Primus = createRequire(import.meta.url)("primus8");
const transformers = { ws: "websockets", "engine.io": "engine.io", sockjs: "sockjs" };
/** What it makes of a refusal. */
const refusals = { ws: /401/, "engine.io": /xhr poll error/, sockjs: /All transports failed/ };
const sockets = new Map();

function socketOf(engine, parser) {
  const key = `${engine} ${parser}`;
  if (!sockets.has(key)) {
    const transformer = transformers[engine];
    sockets.set(key, Primus.createSocket({ transformer, parser }));
  }
  return sockets.get(key);
}

class PrimusPeer extends Peer {
  constructor(client) {
    super();
    this.client = client;
    client.on("open", () => this.opened());
    client.on("data", (value) => this.received(structuredClone(value)));
    client.on("incoming::data", (data) => (this.binary = typeof data !== "string"));
    client.on("close", () => this.parted("close"));
    client.on("end", () => (this.forGood = true));
    client.on("error", (error) => this.failed(error));
  }
  get way() {
    const { transport } = this.client.socket;
    return transport?.name ?? transport ?? "websocket";
  }
  send(value) {
    this.client.write(value);
  }
  close() {
    this.client.end();
  }
}

/**
 * A cell of it; `way` is what it is told to connect by, and `options` how. It is `deaf` where it
 * cannot tell that a stream was cut.
 */
export const primus = (engine, parser, way, options = {}, deaf = false) => ({
  client: "primus 8",
  deaf,
  parser,
  way,
  comesBack: true,
  refusal: refusals[engine],
  connect: (url, query = "") =>
    new PrimusPeer(
      new (socketOf(engine, parser))(url + query, {
        reconnect: { min: 10, max: 100, retries: Infinity },
        ...options,
      }),
    ),
});
