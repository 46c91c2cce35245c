import { WebSocket } from "ws";
import type { Client } from "../../src/client";
import { StellarClient } from "../../src/index";
import { StellarClient as MsgpackClient } from "../../src/msgpack";
import type { ClientOptions } from "../../src/options";
import type { AnyActions, AnyEvents } from "../../src/types";
import { TestServer, type ServerOptions } from "./server";

/** One codec as both sides name it. */
export const codecs = {
  json: (options: ClientOptions): Heard => new StellarClient<AnyActions, AnyEvents>(options),
  msgpack: (options: ClientOptions): Heard => new MsgpackClient<AnyActions, AnyEvents>(options),
};

/** A client whose rooms have any events. */
export type Heard = Client<AnyActions, AnyEvents>;

/** A server and the clients of one test; ends them when the test does. */
export class Setup {
  private clients: Heard[] = [];

  private constructor(
    public server: TestServer,
    private codec: keyof typeof codecs,
    private options: ServerOptions,
  ) {}

  static async start(
    test: { after(fn: () => Promise<void>): void },
    options: ServerOptions & { codec?: keyof typeof codecs } = {},
  ): Promise<Setup> {
    const { codec = "json", ...rest } = options;
    rest.parser = codec;
    const setup = new Setup(await TestServer.start(rest), codec, rest);
    test.after(async () => {
      for (const client of setup.clients) client.disconnect();
      await setup.server.kill();
    });
    return setup;
  }

  /** A client that is not connected yet. Its retries are quick. */
  client(options: ClientOptions = {}): Heard {
    const client = codecs[this.codec]({
      url: this.server.url,
      WebSocket,
      reconnect: { min: 5, max: 40 },
      ...options,
    });
    this.clients.push(client);
    return client;
  }

  /** A client that is connected. */
  async connected(options: ClientOptions = {}): Promise<Heard> {
    const client = this.client(options);
    await client.connect();
    return client;
  }

  /** Starts a server again where one was killed. */
  async restart(): Promise<void> {
    this.server = await TestServer.start({ ...this.options, port: this.server.port });
  }
}
