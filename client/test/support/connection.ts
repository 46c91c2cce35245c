import { runAction, type Action } from "./actions";
import { readPublicFile } from "./files";
import { WireError, type Rooms } from "./rooms";

/** What a connection uses of a Primus spark. */
export interface Spark {
  id: string;
  address: { ip: string; port: number };
  query: Record<string, string>;
  headers: Record<string, string | undefined>;
  write(message: unknown): boolean;
  end(data?: unknown, options?: { reconnect?: boolean }): void;
  on(event: string, listener: (...args: any[]) => void): void;
}

/** Settings of a test server that its connections look at. */
export interface ConnectionSettings {
  rooms: Rooms;
  publicFolder: string;
  simultaneousActions: number;
  /** The actions by their names, when they are not the usual ones. */
  actions?: Record<string, Action>;
  /** The code that a message is refused with, if it is. */
  refuse: ((message: any, connection: Connection) => string | undefined) | undefined;
  /** Verbs that are never answered, to test what waits for them. */
  mute: Set<string>;
  /** Every message of every connection, in the order they came. */
  received: any[];
}

/** The server's side of one connection, by the rules of the wire. */
export class Connection {
  readonly id: string;
  rooms: string[] = [];
  private messageCount = 0;
  private totalActions = 0;
  private pendingActions = 0;
  private connectedAt = Date.now();

  constructor(
    readonly spark: Spark,
    private settings: ConnectionSettings,
  ) {
    this.id = spark.id;
    spark.on("data", (message) => void this.receive(message));
    spark.on("end", () => settings.rooms.leaveAll(this));
    this.write({ welcome: "Hello human! Welcome to Stellar", context: "api" });
  }

  write(message: unknown): void {
    this.spark.write(message);
  }

  private async receive(message: any): Promise<void> {
    const messageCount = ++this.messageCount;
    this.settings.received.push(message);
    if (this.settings.mute.has(message?.event)) return;
    const respond = (body: object) => this.write({ ...body, context: "response", messageCount });
    switch (message?.event) {
      case "action":
        return respond(await this.action(message.params ?? {}));
      case "file":
        return respond(await readPublicFile(this.settings.publicFolder, message.file));
      case "quit":
      case "exit":
        return this.spark.end();
      default:
        this.verb(message ?? {}, respond);
    }
  }

  private async action(params: Record<string, unknown>) {
    if (this.pendingActions >= this.settings.simultaneousActions) {
      return { error: { code: "007", message: "You have too many pending requests" } };
    }
    this.totalActions++;
    this.pendingActions++;
    const outcome = await runAction(params, "websocket", this.settings.actions, this);
    this.pendingActions--;
    return outcome;
  }

  private verb(message: any, respond: (body: object) => void): void {
    const { event: verb, room } = message;
    const { rooms } = this.settings;
    try {
      const code = this.settings.refuse?.(message, this);
      if (code) throw new WireError(code, `Refused with ${code}`);
      switch (verb) {
        case "roomAdd":
        case "roomJoin":
          return respond({ status: "OK", data: rooms.join(this, room) });
        case "roomLeave":
          return respond({ status: "OK", data: rooms.leave(this, room) });
        case "roomView":
          return respond({ status: "OK", data: rooms.view(room) });
        case "detailsView":
          return respond({ status: "OK", data: this.details() });
        case "say":
          if (!room || message.message === undefined) {
            throw new WireError("015", "Both room and message are required");
          }
          rooms.member(this, room);
          respond({ status: "OK" });
          return rooms.say(room, this.id, message.message);
        case "event": {
          const { room, event, data } = message.params ?? {};
          rooms.member(this, room);
          respond({ status: "OK" });
          return rooms.say(room, this.id, { event, data });
        }
        default:
          throw new WireError("014", `Verb not found or not allowed (${verb})`);
      }
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      const moves = /^room(Add|Join|Leave)$/.test(verb);
      const plain = error.toJSON();
      respond({ status: plain, error: plain, ...(moves && { data: false }) });
    }
  }

  private details() {
    const { address, query, headers } = this.spark;
    const cookie = /(?:^|;\s*)sessionID=([^;]*)/.exec(headers.cookie ?? "")?.[1];
    return {
      id: this.id,
      fingerprint: query.sessionID ?? cookie ?? null,
      remoteIP: address.ip,
      remotePort: address.port,
      params: {},
      connectedAt: this.connectedAt,
      rooms: this.rooms,
      totalActions: this.totalActions,
      pendingActions: this.pendingActions,
    };
  }
}
