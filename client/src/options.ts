import type { ReconnectOptions } from "./backoff";
import { StellarError } from "./errors";
import type { WebSocketClass } from "./transports/transport";
import { invalid, valid } from "./values";

/** The name of an engine. */
export type Engine = "ws" | "engine.io" | "socket.io" | "sockjs";

/** Parameters of the connection's URL. Entries with `null` or `undefined` are omitted. */
export type Query = Record<string, string | number | boolean | null | undefined>;

/** Options of a client. Omitted ones take the server's settings, then the defaults. */
export interface ClientOptions {
  /** URL of the server (`http`, `https`, `ws` or `wss`). Default: the page's origin. */
  url?: string | null;
  /** Path of the connection. Default: `/primus`. */
  path?: string;
  /** Path of the HTTP API. Default: `/api`. */
  api?: string;
  /** Alias of `api` from earlier releases. */
  apiPath?: string;
  /** Engines to try, in order: `ws`, `engine.io`, `socket.io`, `sockjs`. Default: `ws`. */
  transports?: Engine[];
  /** Paths of engines. Default: `path` for the server's first engine, `/` and its name for others. */
  paths?: Record<string, string>;
  /**
   * A socket of another library, used instead of the engines.
   *
   * Either a socket of socket.io-client or Primus, or a function that creates one of these, a socket
   * of engine.io-client or sockjs-client, or a WebSocket.
   */
  transport?: unknown;
  /** Codec of the server. The constructor throws if the build does not include it. */
  parser?: string;
  /** Interval of the server's pings, in ms; 0 if it sends none. Default: 30,000. */
  pingInterval?: number;
  /** Time without a ping before the client reconnects, in ms. Default: 1.5 × `pingInterval`. */
  pingTimeout?: number;
  /** Default room of `say` and `emit`. Default: `defaultRoom`. */
  defaultRoom?: string;
  /** Rooms to join on every connection. */
  rooms?: string[];
  /** Maximum number of concurrent actions; further ones are queued. Default: 5. */
  simultaneousActions?: number;
  /** Timeout of actions in the server, in ms; 0 if it has none. Default: 30,000. */
  actionTimeout?: number;
  /**
   * Timeout of an attempt to connect, until the connection is configured, in ms. Default: 10,000.
   *
   * With several engines, each but the last has a third of it.
   */
  timeout?: number;
  /** Default `timeout` of requests, in ms; 0 means no timeout. Default: 0. */
  requestTimeout?: number;
  /** Options of reconnecting, or `false` to turn it off. */
  reconnect?: Partial<ReconnectOptions> | false;
  /** Maximum number of queued requests; the oldest are dropped. Default: 256. */
  queueSize?: number;
  /** Maximum time of a request in the queue, in ms; 0 for no limit. Default: 300,000. */
  queueAge?: number;
  /**
   * Parameters added to the connection's URL, such as a token.
   *
   * A function is called for every attempt. If it throws or rejects, the attempt fails.
   */
  query?: Query | (() => Query | Promise<Query>);
  /** Maximum length of a message to the server, in bytes. Default: 10,485,760. */
  maxLength?: number;
  /** The WebSocket class or a promise of it. Default: the platform's, or that of the package `ws`. */
  WebSocket?: WebSocketClass | Promise<WebSocketClass>;
  /** The fetch function. Default: the platform's. */
  fetch?: typeof fetch;
  /** Version of the server that generated the script. */
  version?: string;
}

/** The options in effect, with every default filled in. */
export interface Resolved
  extends Required<
    Omit<
      ClientOptions,
      "apiPath" | "parser" | "version" | "WebSocket" | "fetch" | "transport" | "paths"
    >
  > {
  /** URL of the server, with the scheme `http` or `https`. */
  url: string;
  /** Codec of the server, if known. */
  parser?: string;
  /** Version of the server, if it generated the script. */
  version?: string;
  /** Paths of engines that differ from the defaults. */
  paths?: Record<string, string>;
  /** A socket of another library, or a function that creates one. */
  transport?: unknown;
  /** Options of reconnecting. */
  reconnect: ReconnectOptions | false;
  /** The WebSocket class, if there is one. */
  WebSocket: WebSocketClass | Promise<WebSocketClass> | undefined;
  /** The fetch function, if there is one. */
  fetch: typeof fetch | undefined;
}

/** Copies options; `null` counts as omitted. */
function set(options: any, ...others: any[]): any {
  for (const other of others) {
    for (const name in other) if (other[name] != null) options[name] = other[name];
  }
  return options;
}

/** Throws on options of the wrong type, and warns about unknown ones. */
function check(given: any, usual: any): void {
  for (const name in given) {
    const [value, sample] = [given[name], usual[name]];
    if (!(name in usual)) console.warn(`StellarClient: no option ${name}`);
    else if (
      value != null &&
      sample != null &&
      ((typeof value !== typeof sample && !/^(query|WebSocket|reconnect)$/.test(name)) ||
        !(typeof value !== "number" || value >= 0) ||
        (sample.map && !value.every?.((item: unknown) => typeof item === "string")))
    ) {
      throw invalid(`The option ${name} is no ${sample.map ? "list of names" : typeof sample}`);
    }
  }
}

/** Merges the given options, the server's settings and the defaults. */
export const resolve = (options: ClientOptions): Resolved =>
  valid(() => {
    const usual = {
      url: globalThis.location?.origin,
      path: "/primus",
      api: "/api",
      transports: ["ws"],
      pingInterval: 3e4,
      defaultRoom: "defaultRoom",
      rooms: [],
      simultaneousActions: 5,
      actionTimeout: 3e4,
      timeout: 1e4,
      requestTimeout: 0,
      queueSize: 256,
      queueAge: 3e5,
      maxLength: 10485760,
      query: {},
      WebSocket: (globalThis as any).WebSocket,
      fetch: globalThis.fetch,
    };
    const retries: any = { min: 500, max: 3e4, factor: 2, retries: null };
    // Adds the options without a default, or whose default depends on others.
    check(options, {
      ...usual,
      ...{ url: "", apiPath: "", parser: "", version: "", paths: {}, pingTimeout: 0 },
      ...{ transport: null, reconnect: retries },
    });
    check(options.reconnect, { ...retries, retries: 0, "reconnect timeout": 0 });
    const known = ["ws", "engine.io", "socket.io", "sockjs"].concat($settings.transports ?? []);
    const strange = options.transports?.find((name) => !known.includes(name));
    if (strange) throw new StellarError("unsupported", `No engine ${strange} of ${known}`);
    const o = set(usual, $settings, { api: options.apiPath }, options);
    // The engines convert it back to ws or wss.
    o.url = new URL(o.url).href.replace(/^ws/, "http");
    if (!/^http/.test(o.url)) throw invalid("The option url is no address of the web");
    // Reports an invalid query in the constructor.
    if (typeof o.query !== "function") connectionUrl(o, o.query);
    o.pingTimeout ??= o.pingInterval * 1.5;
    o.reconnect = o.reconnect !== false && set(retries, o.reconnect);
    return o;
  });

/** Returns the URL of a connection. */
export function connectionUrl({ url, path }: Resolved, query: Query): URL {
  const address = new URL(url);
  address.pathname = path;
  if (query && (typeof query !== "object" || Symbol.iterator in query)) {
    throw invalid("The query must be an object");
  }
  for (const name in query) {
    const value: any = query[name];
    if (value == null) continue;
    if (/object|function|symbol/.test(typeof value)) throw invalid(`query.${name} must be a text`);
    address.searchParams.set(name, value);
  }
  return address;
}
