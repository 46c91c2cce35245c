import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import Primus from "primus";
import { runAction } from "./actions";
import { Connection, type ConnectionSettings, type Spark } from "./connection";
import { Rooms } from "./rooms";

/** How to start a test server. */
export interface ServerOptions {
  parser?: string;
  port?: number;
  pingInterval?: number;
  simultaneousActions?: number;
  publicFolder?: string;
  rooms?: string[];
  authorize?: (request: any, done: (error?: unknown) => void) => void;
  /** Serves what is neither the API nor Primus. */
  handler?: (request: IncomingMessage, response: ServerResponse) => void;
}

/** A server for tests that speaks the protocol on the official Primus for Node. */
export class TestServer implements ConnectionSettings {
  readonly rooms = new Rooms();
  readonly mute = new Set<string>();
  readonly received: any[] = [];
  refuse: ConnectionSettings["refuse"];
  readonly connections = new Set<Connection>();
  readonly publicFolder: string;
  readonly simultaneousActions: number;
  /** How many sockets ever connected, and how many HTTP requests came in. */
  sparks = 0;
  requests = 0;
  port = 0;
  readonly primus: any;
  private http: Server;
  private sockets = new Set<Socket>();

  private constructor(private options: ServerOptions) {
    this.publicFolder = options.publicFolder ?? "/nowhere";
    this.simultaneousActions = options.simultaneousActions ?? 5;
    for (const room of options.rooms ?? ["defaultRoom", "anotherRoom"]) this.rooms.create(room);
    this.http = createServer((request, response) => void this.serve(request, response));
    this.http.on("connection", (socket) => {
      this.sockets.add(socket);
      socket.on("close", () => this.sockets.delete(socket));
    });
    this.primus = new (Primus as any)(this.http, {
      transformer: "websockets",
      parser: options.parser ?? "json",
      pingInterval: options.pingInterval ?? 30000,
    });
    if (options.authorize) this.primus.authorize(options.authorize);
    this.primus.on("connection", (spark: Spark) => {
      this.sparks++;
      const connection = new Connection(spark, this);
      this.connections.add(connection);
      spark.on("end", () => this.connections.delete(connection));
    });
  }

  static async start(options: ServerOptions = {}): Promise<TestServer> {
    const server = new TestServer(options);
    await new Promise<void>((resolve, reject) => {
      server.http.once("error", reject);
      server.http.listen(options.port ?? 0, "127.0.0.1", resolve);
    });
    server.port = (server.http.address() as AddressInfo).port;
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Tears every TCP connection, as a network that fails. */
  cut(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  /** Ends every connection on purpose, with or without asking the clients to come back. */
  end(reconnect: boolean): void {
    for (const { spark } of this.connections) spark.end(undefined, { reconnect });
  }

  /** Stops as a process that is killed. */
  async kill(): Promise<void> {
    const closed = new Promise((resolve) => this.http.close(resolve));
    this.cut();
    this.http.closeAllConnections();
    await closed;
    // Lets Primus stop its timers; its server is closed already.
    this.primus.destroy({ close: false });
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.requests++;
    const url = new URL(request.url!, this.url);
    if (url.pathname !== "/api" && !url.pathname.startsWith("/api/")) {
      if (this.options.handler) return this.options.handler(request, response);
      response.writeHead(404).end();
      return;
    }
    let text = "";
    for await (const chunk of request) text += chunk;
    const params = {
      ...Object.fromEntries(url.searchParams),
      ...(text ? JSON.parse(text) : {}),
    };
    params.action ??= url.pathname.slice("/api/".length);
    const body: any = await runAction(params, "web");
    body.serverInformation = { serverName: "Test", currentTime: Date.now() };
    body.requesterInformation = { receivedParams: params, method: request.method };
    const status = !body.error ? 200 : body.error.code === "004" ? 404 : 400;
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify(body));
  }
}
