// The project's own client, as its package gives it.
import { createRequire } from "node:module";
import { WebSocket } from "ws";
import { chat, root } from "./server.mjs";
import { until } from "./until.mjs";

const require = createRequire(import.meta.url);
const load = async (variant) => ({
  mjs: await import(`${root}/client/dist/stellar-client${variant}.mjs`),
  cjs: require(`${root}/client/dist/stellar-client${variant}.cjs`),
});
export const builds = { json: await load(""), msgpack: await load(".msgpack") };

/** Every build: a codec and a kind of module. */
export const kinds = ["json", "msgpack"].flatMap((codec) =>
  ["mjs", "cjs"].map((module) => ({ codec, module, title: `${codec}, ${module}` })),
);

/** The demo, with clients of one build. */
export class Setup {
  static async start(test, { codec = "json", module = "mjs" } = {}, ...args) {
    const setup = new Setup();
    setup.test = test;
    setup.codec = codec;
    setup.StellarClient = builds[codec][module].StellarClient;
    setup.server = await chat(test, "--parser", codec, ...args);
    return setup;
  }

  /** A client that is not connected yet. Its retries are quick, and `heard` lists its events. */
  client(options = {}) {
    const client = new this.StellarClient({
      url: this.server.url,
      WebSocket,
      defaultRoom: "lobby",
      reconnect: { min: 10, max: 100 },
      ...options,
    });
    client.heard = [];
    for (const name of [
      "connected",
      "disconnected",
      "reconnecting",
      "reconnect",
      "state",
      "error",
      "message",
      "say",
      "alert",
      "api",
      "welcome",
      "send",
    ]) {
      client.on(name, (...values) => client.heard.push([name, ...values]));
    }
    this.test.after(() => client.disconnect());
    return client;
  }

  /** A client that is connected. */
  async connected(options) {
    const client = this.client(options);
    await client.connect();
    return client;
  }
}

/** The first event of a name that a client heard; waits for it. */
export const hear = (client, name, matches = () => true) =>
  until(
    () => client.heard.find(([heard, ...values]) => heard === name && matches(...values))?.slice(1),
    name,
  );
