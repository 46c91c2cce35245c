/*! stellar-client 0.1.0 | MIT */
var __defProp = Object.defineProperty;
var __getOwnPropDesc = Object.getOwnPropertyDescriptor;
var __getOwnPropNames = Object.getOwnPropertyNames;
var __hasOwnProp = Object.prototype.hasOwnProperty;
var __export = (target, all) => {
  for (var name in all)
    __defProp(target, name, { get: all[name], enumerable: true });
};
var __copyProps = (to, from, except, desc) => {
  if (from && typeof from === "object" || typeof from === "function") {
    for (let key of __getOwnPropNames(from))
      if (!__hasOwnProp.call(to, key) && key !== except)
        __defProp(to, key, { get: () => from[key], enumerable: !(desc = __getOwnPropDesc(from, key)) || desc.enumerable });
  }
  return to;
};
var __toCommonJS = (mod) => __copyProps(__defProp({}, "__esModule", { value: true }), mod);

// src/msgpack.ts
var msgpack_exports = {};
__export(msgpack_exports, {
  Stellar: () => StellarClient,
  StellarClient: () => StellarClient,
  StellarError: () => StellarError,
  default: () => StellarClient
});
module.exports = __toCommonJS(msgpack_exports);

// src/callbacks.ts
function tail(args) {
  return [
    args.find((arg) => typeof arg === "function"),
    args.find((arg) => arg && typeof arg === "object") ?? {}
  ];
}
function tell(promise, callback, answerFirst = false) {
  if (callback) {
    void promise.then(
      (answer) => answerFirst ? callback(answer, null) : callback(null, answer),
      (error) => answerFirst ? callback(error.response ?? { error }, error) : callback(error)
    );
  }
  return promise;
}

// src/backoff.ts
function backoff(attempt, { min, max, factor }, random = Math.random) {
  return attempt < 2 ? Math.min(min, max) : Math.min(Math.round((1 + random()) * min * factor ** (attempt - 1)), max);
}

// src/errors.ts
var StellarError = class extends Error {
  /** Makes an error; `mayHaveRun` is false unless told. */
  constructor(code, message, mayHaveRun = false) {
    super(message);
    this.name = "StellarError";
    this.code = code;
    this.mayHaveRun = mayHaveRun;
  }
};
function serverError(error, response) {
  const told = typeof error === "object" && error.message === void 0 ? Object.values(error)[0] : error;
  const made = new StellarError(
    String(error.code ?? told?.code ?? "error"),
    String(told?.message ?? told)
  );
  made.error = error;
  made.response = response;
  return made;
}

// src/deadline.ts
function watch({ timeout, signal }, fail) {
  const abort = () => fail(new StellarError("aborted", "Aborted"));
  const timer = timeout ? setTimeout(() => fail(new StellarError("timeout", `No answer in ${timeout} ms`)), timeout) : void 0;
  if (signal?.aborted) abort();
  else signal?.addEventListener("abort", abort);
  return () => {
    clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
  };
}

// src/http.ts
async function httpAction({ url, api, fetch }, { httpMethod = "POST", ...params }, limits) {
  const address = new URL(api, url);
  const method = httpMethod.toUpperCase();
  const get = method === "GET";
  for (const name in get ? params : { action: 0 }) address.searchParams.set(name, params[name]);
  const controller = new AbortController();
  let failure;
  const release = watch(limits, (error) => {
    failure = error;
    controller.abort();
  });
  let status = 0;
  let body;
  try {
    const response = await fetch(address.href, {
      method,
      signal: controller.signal,
      ...!get && {
        body: JSON.stringify(params),
        headers: { "content-type": "application/json" }
      }
    });
    status = response.status;
    body = await response.json();
  } catch (error) {
    failure ??= status ? new StellarError("http", `HTTP ${status}: ${error}`) : new StellarError("offline", `Server not reachable: ${error}`);
    failure.status = status;
    failure.mayHaveRun = true;
    throw failure;
  } finally {
    release();
  }
  if (body?.error == null && status < 400) return body;
  failure = serverError(body?.error ?? `HTTP ${status}`, body);
  failure.status = status;
  throw failure;
}
async function probe({ fetch }, url) {
  try {
    const response = await fetch(url.href, { credentials: "include", cache: "no-store" });
    if (response.status !== 401 && response.status !== 403) return;
    const body = await response.json().catch(() => null);
    const refusal = new StellarError("refused", String(body?.error ?? "Refused"));
    refusal.status = response.status;
    return refusal;
  } catch {
  }
}

// src/network.ts
var isOffline = () => globalThis.navigator?.onLine === false;
function watchNetwork({ online, offline, wake }) {
  const visible = () => document.visibilityState === "visible" && wake();
  const each = (verb) => {
    globalThis[verb]?.("online", online);
    globalThis[verb]?.("offline", offline);
    globalThis.document?.[verb]("visibilitychange", visible);
  };
  each("addEventListener");
  return () => each("removeEventListener");
}

// src/options.ts
var rendered = Object("__STELLAR_SETTINGS__");
var settings = rendered.length ? {} : rendered;
var set = (options) => Object.fromEntries(Object.entries(options || {}).filter(([, value]) => value != null));
function resolve(options) {
  const given = { ...set(settings), ...set(options) };
  const o = {
    url: globalThis.location?.origin,
    path: "/primus",
    api: given.apiPath ?? "/api",
    transports: ["ws"],
    pingInterval: 3e4,
    defaultRoom: "defaultRoom",
    rooms: [],
    simultaneousActions: 5,
    timeout: 1e4,
    requestTimeout: 0,
    queueSize: 256,
    query: {},
    WebSocket: globalThis.WebSocket,
    fetch: globalThis.fetch?.bind(globalThis),
    ...given
  };
  if (!o.url) throw new TypeError("The option url is needed");
  o.url = new URL(o.url).href.replace(/^ws/, "http");
  o.pingTimeout ??= o.pingInterval * 1.5;
  o.reconnect = given.reconnect !== false && {
    min: 500,
    max: 3e4,
    factor: 2,
    retries: null,
    ...set(settings.reconnect),
    ...set(options.reconnect)
  };
  return o;
}
function connectionUrl({ url, path, query }) {
  const address = new URL(path, url);
  address.search = new URL(url).search;
  for (const name in query) address.searchParams.set(name, query[name]);
  address.searchParams.set("_primuscb", Date.now().toString(36));
  return address;
}

// src/connection.ts
var Connection = class {
  constructor(_host, _options, _codec, _connect) {
    this.a = _host;
    this.p = _options;
    this.O = _codec;
    this.X = _connect;
    /** Where it is. */
    this.state = "idle";
    /** The transport in use, or being opened. */
    this.transport = null;
    this.l = 0;
    this.t = 0;
  }
  /** Begins anew; a transport that exists is closed first. */
  open() {
    if (this.transport) this.u(new StellarError("closed", "Connecting anew"));
    this.t = 0;
    this.D ??= watchNetwork({
      online: () => this.M(true),
      offline: () => this.v(new StellarError("offline", "No network")),
      wake: () => this.M(false)
    });
    this.n("connecting");
    this.E();
  }
  /** Ends for good. */
  close() {
    if (this.state === "closed") return;
    this.o("closed", new StellarError("closed", "Disconnected"));
  }
  n(state) {
    const previous = this.state;
    this.state = state;
    if (state !== previous) this.a.e("state", state, previous);
  }
  E() {
    const round = ++this.l;
    const { timeout, WebSocket } = this.p;
    const url = connectionUrl(this.p);
    const current = () => round === this.l;
    const fail = (error) => current() && this.v(error);
    let opened = false;
    clearTimeout(this.m);
    this.m = setTimeout(
      () => fail(new StellarError("timeout", `No connection in ${timeout} ms`)),
      timeout
    );
    const close = (code) => {
      if (!current()) return;
      if (opened) return this.v(new StellarError("closed", `Connection lost (${code})`));
      void probe(this.p, url).then((refusal) => {
        if (refusal && current()) this.o("refused", refusal, true);
        fail(new StellarError("offline", "Server not reachable"));
      });
    };
    try {
      this.transport = this.X(
        { url, WebSocket },
        {
          open: () => {
            if (!current()) return;
            opened = true;
            this.N();
            this.a.Y().then(() => current() && this.q(), fail);
          },
          data: (payload) => current() && this.Z(payload),
          close
        }
      );
    } catch (error) {
      this.o("closed", new StellarError("error", String(error)), true);
    }
  }
  q() {
    clearTimeout(this.m);
    this.t = 0;
    this.n("connected");
    this.a.q();
  }
  Z(payload) {
    let message;
    try {
      message = this.O.decode(payload);
    } catch (error) {
      return this.a.e("error", new StellarError("decode", String(error)));
    }
    const ping = typeof message === "string" && /^primus::ping::(.+)/.exec(message);
    if (ping) {
      this.N();
      this.send("primus::pong::" + ping[1]);
    } else if (message === "primus::server::close") {
      this.o("closed", new StellarError("closed", "Closed by the server"));
    } else this.a.F(message);
  }
  /** Encodes and sends one message; throws if it cannot be encoded. */
  send(message) {
    this.transport.send(this.O.encode(message));
  }
  N() {
    const { pingTimeout } = this.p;
    clearTimeout(this.C);
    if (pingTimeout > 0) {
      this.C = setTimeout(
        () => this.v(new StellarError("timeout", "No ping from the server")),
        pingTimeout
      );
    }
  }
  /** Lets go of the transport: after this, nothing it tells is heard. */
  u(error) {
    const { transport } = this;
    this.l++;
    clearTimeout(this.m);
    clearTimeout(this.C);
    this.transport = null;
    transport?.close();
    this.a.G(error);
  }
  v(error) {
    const { reconnect } = this.p;
    const lost = this.state === "connected";
    if (!reconnect || this.t >= (reconnect.retries ?? Infinity)) {
      return this.o("closed", error, !lost);
    }
    this.u(error);
    const attempt = ++this.t;
    const delay = backoff(attempt, reconnect);
    const round = this.l;
    this.m = setTimeout(() => this.E(), delay);
    this.n(isOffline() ? "offline" : "reconnecting");
    if (lost) this.a.e("disconnected", error);
    else this.a.P(error);
    if (round === this.l) this.a.e("reconnecting", { attempt, delay });
  }
  /** Dials now instead of later; `redial` also gives up an attempt that is under way. */
  M(redial) {
    if (this.state !== "reconnecting" && this.state !== "offline") return;
    if (this.transport && !redial) return;
    this.u(new StellarError("closed", "Connecting anew"));
    this.n("reconnecting");
    this.E();
  }
  o(state, error, failed = false) {
    this.u(error);
    this.D?.();
    this.D = void 0;
    this.n(state);
    if (failed) this.a.P(error);
    this.a.H(error);
    this.a.e("disconnected", error);
  }
};

// src/emitter.ts
var Emitter = class {
  constructor() {
    this.g = /* @__PURE__ */ new Map();
  }
  on(name, fn) {
    return this.Q(name, fn, false);
  }
  once(name, fn) {
    return this.Q(name, fn, true);
  }
  /** Removes `fn` from `name`; without `fn`, all of `name`; without both, everything. */
  off(name, fn) {
    if (name === void 0) this.g.clear();
    else this.g.set(name, fn && this.g.get(name)?.filter((l) => l.fn !== fn) || []);
    return this;
  }
  /** The same as {@link off}, under the name other emitters use. */
  removeListener(name, fn) {
    return this.off(name, fn);
  }
  /** The same as {@link off}, under the name other emitters use. */
  removeAllListeners(name) {
    return this.off(name);
  }
  Q(name, fn, once) {
    this.g.set(name, [...this.g.get(name) ?? [], { fn, once }]);
    return this;
  }
  /** @internal */
  b(name, ...args) {
    for (const { fn, once } of this.g.get(name) ?? []) {
      if (once) this.off(name, fn);
      try {
        fn.apply(this, args);
      } catch (error) {
        setTimeout(() => {
          throw error;
        });
      }
    }
  }
};

// src/files.ts
function decodeFile(file, as) {
  if (!as) return file;
  const bytes = file.encoding === "base64" ? Uint8Array.from(atob(file.content), (char) => char.charCodeAt(0)) : new TextEncoder().encode(file.content);
  return { ...file, content: as === "blob" ? new Blob([bytes], { type: file.mime }) : bytes };
}

// src/interceptors.ts
function intercept(interceptors, params, request) {
  const waiting = [...interceptors];
  const changes = [];
  const pass = (result) => {
    for (const change of changes) change(result);
    return result;
  };
  return new Promise((resolve2, reject) => {
    const step = () => {
      const interceptor = waiting.pop();
      if (!interceptor) return request().then(resolve2, reject);
      return interceptor(params, (result, error) => {
        if (error != null) return reject(error);
        if (typeof result === "function") changes.unshift(result);
        else if (result) return resolve2(result);
        void step();
      });
    };
    void step();
  }).then(pass, (error) => {
    throw pass(error);
  });
}

// src/queue.ts
var BoundedQueue = class {
  /** Makes a queue that holds at most `limit` items. */
  constructor(_limit) {
    this._ = _limit;
    this.d = [];
  }
  /** How many items wait. */
  get length() {
    return this.d.length;
  }
  /** Adds an item; returns the item that had to go for it, if one had to. */
  push(item) {
    this.d.push(item);
    return this.d.length > this._ ? this.d.shift() : void 0;
  }
  /** Takes every item that `take` accepts, in order; the others stay in their order. */
  R(take) {
    const items = this.d;
    this.d = [];
    const kept = items.filter((item) => !take(item));
    this.d = kept.concat(this.d);
  }
  /** Removes one item, if it is there. */
  $(item) {
    this.d = this.d.filter((other) => other !== item);
  }
};

// src/requests.ts
var Requests = class {
  constructor(_host, _limits) {
    this.a = _host;
    this.S = _limits;
    this.I = 0;
    this.w = 0;
    this.h = /* @__PURE__ */ new Map();
    this.i = new BoundedQueue(_limits.queueSize);
  }
  /** How many wait to be sent. */
  get queued() {
    return this.i.length;
  }
  /** How many were sent and not answered yet. */
  get pending() {
    return this.h.size;
  }
  /** Makes a request. `now` sends it past the queue, while the connection is being set up. */
  x(body, limits = {}, now = false) {
    return new Promise((resolve2, reject) => {
      let release = () => {
      };
      const request = {
        r: body,
        y: false,
        z: false,
        j: (error, answer) => {
          if (request.z) return;
          request.z = true;
          release();
          if (error) reject(error);
          else resolve2(answer);
        }
      };
      const give = (error) => {
        error.mayHaveRun = request.y;
        this.i.$(request);
        request.j(error);
      };
      release = watch({ timeout: this.S.requestTimeout, ...limits }, give);
      if (request.z) return release();
      if (now) return this.T(request);
      this.i.push(request)?.j(new StellarError("dropped", "The queue is full"));
      this.J();
    });
  }
  /** Sends what waits, as far as it may go. Actions beyond the limit wait on. */
  J() {
    if (!this.a.aa()) return;
    const { simultaneousActions } = this.S;
    this.i.R((request) => {
      if (request.r.event === "action" && this.w >= simultaneousActions) return false;
      if (!request.z) this.T(request);
      return true;
    });
  }
  T(request) {
    const count = this.I + 1;
    try {
      this.a.ba(request.r);
    } catch (error) {
      return request.j(error);
    }
    this.I = count;
    request.y = true;
    this.h.set(count, request);
    if (request.r.event === "action") this.w++;
    this.a.y(request.r, count);
  }
  /** Gives an answer to the request it belongs to, if that is still there. */
  ca(answer) {
    const request = this.h.get(answer.messageCount);
    if (!request) return;
    this.h.delete(answer.messageCount);
    const action = request.r.event === "action";
    const { status } = answer;
    const error = answer.error ?? (action || !status || status === "OK" ? null : status);
    request.j(error == null ? null : serverError(error, answer), answer);
    if (action) {
      this.w--;
      this.J();
    }
  }
  /** The transport is gone: the answers still due will not come. */
  G(error) {
    const pending = this.h;
    this.h = /* @__PURE__ */ new Map();
    this.I = this.w = 0;
    for (const request of pending.values()) {
      request.j(new StellarError(error.code, error.message, true));
    }
  }
  /** There will be no connection: nothing that waits will be sent. */
  H(error) {
    this.i.R((request) => {
      request.j(new StellarError(error.code, error.message));
      return true;
    });
  }
};

// src/scope.ts
var scoped = (room, event) => `[${room}].${event}`;
var Scope = class _Scope {
  constructor(_client, rooms) {
    this.A = _client;
    this.s = [rooms].flat();
  }
  /** Adds rooms. */
  to(rooms) {
    return new _Scope(this.A, this.s.concat(rooms));
  }
  /** Adds rooms; the same as {@link to}. */
  for(rooms) {
    return this.to(rooms);
  }
  /** Adds rooms; the same as {@link to}. */
  from(rooms) {
    return this.to(rooms);
  }
  /** Sends an event to each of the rooms. */
  emit(event, data = null) {
    return Promise.all(this.s.map((room) => this.A.e(room, event, data)));
  }
  /** Calls `fn(data, message)` when the event happens in one of the rooms. */
  on(event, fn) {
    for (const room of this.s) this.A.on(scoped(room, event), fn);
    return this;
  }
  /** Takes {@link on} back. */
  off(event, fn) {
    for (const room of this.s) this.A.off(scoped(room, event), fn);
    return this;
  }
};

// src/client.ts
var own = /^((dis)?connected|error|reconnect(ing)?|message|alert|api|welcome|say|state|send)$|^\[/;
var Client = class extends Emitter {
  constructor(options, { codec, transports }) {
    super();
    /** This connection's id, once connected; another one after a reconnect. */
    this.id = null;
    /** The session this connection belongs to. */
    this.fingerprint = null;
    /** The rooms this connection is in. */
    this.rooms = [];
    /** The server's view of this connection, as of when it was configured. */
    this.details = null;
    /** The text the server greeted with. */
    this.welcomeMessage = null;
    /** Called with an action's parameters before it is sent; see {@link Interceptor}. */
    this.interceptors = [];
    this.U = [];
    this.V = false;
    const o = this.options = resolve(typeof options === "string" ? { url: options } : options);
    const engine = o.transports.find((name) => transports[name]);
    if (!engine) throw new TypeError(`No engine of ${o.transports} here`);
    if ((o.parser ?? codec.name).toLowerCase() !== codec.name) {
      throw new TypeError(`The server speaks ${o.parser}, not ${codec.name}`);
    }
    this.B = new Set(o.rooms);
    this.c = new Requests(
      {
        aa: () => this.state === "connected",
        ba: (message) => this.k.send(message),
        y: (message, count) => this.b("send", message, count)
      },
      o
    );
    this.k = new Connection(
      {
        Y: () => this.da(),
        q: () => this.q(),
        F: (message) => this.F(message),
        G: (error) => this.c.G(error),
        P: (error) => {
          this.K((waiting) => waiting[1](error));
          this.b("error", error);
        },
        H: (error) => {
          this.K((waiting) => waiting[1](error));
          this.c.H(error);
        },
        e: (name, ...args) => this.b(name, ...args)
      },
      o,
      codec,
      transports[engine]
    );
  }
  /** Where the client is. */
  get state() {
    return this.k.state;
  }
  /** The live connection underneath, if there is one; its `name` is the engine's. */
  get transport() {
    return this.k.transport;
  }
  /** How many requests wait to be sent. */
  get queued() {
    return this.c.queued;
  }
  /** How many requests wait for their answer. */
  get pending() {
    return this.c.pending;
  }
  /**
   * Connects. Tells the details of the connection, or the error of the first attempt; after
   * an error it keeps trying unless told not to, and `connected` comes when it succeeds. An
   * open connection is closed and a new one made.
   */
  connect(callback) {
    const promise = new Promise((...waiting) => {
      this.U.push(waiting);
    });
    promise.catch(() => {
    });
    this.k.open();
    return tell(promise, callback);
  }
  /** Ends the connection for good; what waits for an answer or to be sent is rejected. */
  disconnect(callback) {
    this.k.close();
    return tell(Promise.resolve(), callback);
  }
  /**
   * Calls an action. Without an open connection it goes over HTTP. The answer holds the
   * action's fields; rejects if it has an `error`.
   */
  action(name, ...rest) {
    const params = rest[0] && typeof rest[0] === "object" ? rest.shift() : null;
    const [callback, limits] = tail(rest);
    const all = { ...params, action: name };
    const answer = intercept(
      this.interceptors,
      all,
      () => this.state !== "connected" && this.options.fetch ? httpAction(this.options, all, { timeout: this.options.requestTimeout, ...limits }) : this.c.x({ event: "action", params: all }, limits)
    );
    return tell(answer, callback, true);
  }
  say(room, message, ...rest) {
    if (message === void 0 || typeof message === "function") {
      rest = [message];
      message = room;
      room = this.options.defaultRoom;
    }
    return this.f({ event: "say", room, message }, rest);
  }
  /** Asks for the server's view of this connection. */
  detailsView(...rest) {
    return this.f({ event: "detailsView" }, rest);
  }
  /** Asks for the details again and stores them in `details`, `id`, `fingerprint`, `rooms`. */
  configure(...rest) {
    return this.f({ event: "detailsView" }, rest, (answer) => this.W(answer));
  }
  /** Asks who is in a room. The callback is `(answer, error)`. */
  roomView(room, ...rest) {
    return this.f({ event: "roomView", room }, rest, void 0, true);
  }
  /** Joins a room; it is joined again after every reconnect. */
  roomAdd(room, ...rest) {
    return this.f({ event: "roomAdd", room }, rest, () => this.L(room, true));
  }
  /** Leaves a room. */
  roomLeave(room, ...rest) {
    return this.f({ event: "roomLeave", room }, rest, () => this.L(room, false));
  }
  /** Joins a room; the same as {@link roomAdd}. */
  join(room, ...rest) {
    return this.roomAdd(room, ...rest);
  }
  /** Leaves a room; the same as {@link roomLeave}. */
  leave(room, ...rest) {
    return this.roomLeave(room, ...rest);
  }
  file(path, ...rest) {
    const [callback, { as, ...limits }] = tail(rest);
    const answer = this.c.x({ event: "file", file: path }, limits);
    return tell(
      answer.then((file) => decodeFile(file, as)),
      callback,
      true
    );
  }
  /** Sends an event to the default room. */
  emit(event, data = null) {
    return this.e(this.options.defaultRoom, event, data);
  }
  /** Rooms to send events to, or to hear events from. */
  to(rooms) {
    return new Scope(this, rooms);
  }
  /** The same as {@link to}. */
  for(rooms) {
    return this.to(rooms);
  }
  /** The same as {@link to}. */
  from(rooms) {
    return this.to(rooms);
  }
  /** Sets the room that `say` and `emit` use when none is named. */
  setDefaultRoom(room) {
    this.options.defaultRoom = room;
  }
  /** @internal */
  e(room, event, data) {
    return this.f({ event: "event", params: { room, event, data } }, []);
  }
  f(body, rest, done, answerFirst) {
    const [callback, limits] = tail(rest);
    const answer = this.c.x(body, limits).then(
      (answer2) => {
        done?.(answer2);
        return unwrap(answer2);
      },
      (error) => {
        if (error.response) this.b("error", error);
        throw error;
      }
    );
    return tell(answer, callback, answerFirst);
  }
  /** Sets a new connection up: the rooms of the old one, then its details, in one round trip. */
  async da() {
    const ask = (body) => this.c.x(body, { timeout: 0 }, true).catch((error) => {
      if (!error.response) throw error;
      if (error.code !== "017") {
        if (body.room) this.B.delete(body.room);
        this.b("error", error);
      }
    });
    const rooms = [...this.B].map((room) => ask({ event: "roomAdd", room }));
    const [details] = await Promise.all([ask({ event: "detailsView" }), ...rooms]);
    if (details) this.W(details);
  }
  W({ data }) {
    this.details = data;
    this.id = data.id;
    this.fingerprint = data.fingerprint;
    this.rooms = [...data.rooms];
  }
  q() {
    this.c.J();
    const { details } = this;
    this.K((waiting) => waiting[0](details && unwrap({ data: details })));
    this.b(this.V ? "reconnect" : "connected", details);
    this.V = true;
  }
  K(answer) {
    this.U.splice(0).forEach(answer);
  }
  L(room, joined) {
    this.B[joined ? "add" : "delete"](room);
    this.rooms = this.rooms.filter((other) => other !== room).concat(joined ? room : []);
  }
  F(message) {
    this.b("message", message);
    const { context, message: said, room, welcome } = message ?? {};
    if (context === "response") this.c.ca(message);
    else if (context === "user") {
      const event = said?.event;
      if (event === "destroy" && said.data?.code === "018") this.L(room, false);
      this.b("say", message);
      if (typeof event !== "string") return;
      if (!own.test(event)) this.b(event, said.data, message);
      this.b(scoped(room, event), said.data, message);
    } else if (context === "alert" || context === "api") {
      this.b(context, message);
      if (context === "api" && welcome !== void 0) {
        this.welcomeMessage = welcome;
        this.b("welcome", message);
      }
    }
  }
};
function unwrap(answer) {
  const { data } = answer;
  return data && typeof data === "object" ? { ...data, ...answer } : answer;
}

// src/codec/msgpack-decode.ts
var utf8 = new TextDecoder("utf-8", { ignoreBOM: true });
var Reader = class {
  constructor(bytes) {
    this.bytes = bytes;
    this.at = 0;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }
  /** Steps over `size` bytes and returns where they began. */
  take(size) {
    const start = this.at;
    if (start + size > this.bytes.length) throw new RangeError("the payload ends too soon");
    this.at = start + size;
    return start;
  }
  u8() {
    return this.view.getUint8(this.take(1));
  }
  u16() {
    return this.view.getUint16(this.take(2));
  }
  u32() {
    return this.view.getUint32(this.take(4));
  }
  raw(size) {
    const start = this.take(size);
    return this.bytes.slice(start, start + size);
  }
  text(size) {
    const start = this.take(size);
    return utf8.decode(this.bytes.subarray(start, start + size));
  }
  list(size, depth) {
    const items = [];
    for (let i = 0; i < size; i++) items.push(this.value(depth + 1));
    return items;
  }
  map(size, depth) {
    const object = {};
    for (let i = 0; i < size; i++) {
      const key = String(this.value(depth + 1));
      const value = this.value(depth + 1);
      if (key === "__proto__") {
        Object.defineProperty(object, key, {
          value,
          configurable: true,
          enumerable: true,
          writable: true
        });
      } else object[key] = value;
    }
    return object;
  }
  big(value) {
    const n = Number(value);
    return Number.isSafeInteger(n) ? n : value;
  }
  /** Timestamps become dates; the bytes of other extensions are handed on as they are. */
  extension(size) {
    const type = this.view.getInt8(this.take(1));
    const data = this.raw(size);
    if (type !== -1) return { type, data };
    const view = new DataView(data.buffer);
    if (size === 4) return new Date(view.getUint32(0) * 1e3);
    if (size === 8) {
      const high = view.getUint32(0);
      const seconds = (high & 3) * 4294967296 + view.getUint32(4);
      return new Date(seconds * 1e3 + Math.floor((high >>> 2) / 1e6));
    }
    return new Date(Number(view.getBigInt64(4)) * 1e3 + Math.floor(view.getUint32(0) / 1e6));
  }
  value(depth) {
    if (depth > 500) throw new RangeError("nested too deeply");
    const tag = this.u8();
    if (tag < 128) return tag;
    if (tag < 144) return this.map(tag & 15, depth);
    if (tag < 160) return this.list(tag & 15, depth);
    if (tag < 192) return this.text(tag & 31);
    if (tag >= 224) return tag - 256;
    switch (tag) {
      case 192:
        return null;
      case 194:
        return false;
      case 195:
        return true;
      case 196:
        return this.raw(this.u8());
      case 197:
        return this.raw(this.u16());
      case 198:
        return this.raw(this.u32());
      case 199:
        return this.extension(this.u8());
      case 200:
        return this.extension(this.u16());
      case 201:
        return this.extension(this.u32());
      case 202:
        return this.view.getFloat32(this.take(4));
      case 203:
        return this.view.getFloat64(this.take(8));
      case 204:
        return this.u8();
      case 205:
        return this.u16();
      case 206:
        return this.u32();
      case 207:
        return this.big(this.view.getBigUint64(this.take(8)));
      case 208:
        return this.view.getInt8(this.take(1));
      case 209:
        return this.view.getInt16(this.take(2));
      case 210:
        return this.view.getInt32(this.take(4));
      case 211:
        return this.big(this.view.getBigInt64(this.take(8)));
      case 217:
        return this.text(this.u8());
      case 218:
        return this.text(this.u16());
      case 219:
        return this.text(this.u32());
      case 220:
        return this.list(this.u16(), depth);
      case 221:
        return this.list(this.u32(), depth);
      case 222:
        return this.map(this.u16(), depth);
      case 223:
        return this.map(this.u32(), depth);
    }
    if (tag >= 212 && tag <= 216) return this.extension(1 << tag - 212);
    throw new RangeError(`unknown MessagePack tag ${tag}`);
  }
  end() {
    if (this.at !== this.bytes.length) throw new RangeError("the payload goes on after its value");
  }
};
function decode(payload) {
  const reader = new Reader(payload);
  const value = reader.value(0);
  reader.end();
  return value;
}

// src/codec/msgpack-encode.ts
var utf82 = new TextEncoder();
var Writer = class {
  constructor() {
    this.bytes = new Uint8Array(256);
    this.view = new DataView(this.bytes.buffer);
    this.at = 0;
  }
  /** Makes room for `size` bytes and returns where they begin. */
  take(size) {
    const start = this.at;
    this.at += size;
    if (this.at > this.bytes.length) {
      const grown = new Uint8Array(Math.max(this.at, this.bytes.length * 2));
      grown.set(this.bytes);
      this.bytes = grown;
      this.view = new DataView(grown.buffer);
    }
    return start;
  }
  u8(value) {
    const at = this.take(1);
    this.view.setUint8(at, value);
  }
  u16(tag, value) {
    this.u8(tag);
    const at = this.take(2);
    this.view.setUint16(at, value);
  }
  u32(tag, value) {
    this.u8(tag);
    const at = this.take(4);
    this.view.setUint32(at, value);
  }
  i64(tag, value) {
    this.u8(tag);
    const at = this.take(8);
    this.view.setBigInt64(at, value);
  }
  f64(value) {
    this.u8(203);
    const at = this.take(8);
    this.view.setFloat64(at, value);
  }
  raw(value) {
    const at = this.take(value.length);
    this.bytes.set(value, at);
  }
  /** A length, in the smallest form of its family (`t8` is 0 where there is none). */
  length(n, fix, fixMax, t8, t16, t32) {
    if (n <= fixMax) this.u8(fix | n);
    else if (t8 && n < 256) {
      this.u8(t8);
      this.u8(n);
    } else if (n < 65536) this.u16(t16, n);
    else this.u32(t32, n);
  }
  done() {
    return this.bytes.subarray(0, this.at);
  }
};
function integer(w, value) {
  const n = Number(value);
  if (value >= 0n) {
    if (n < 128) w.u8(n);
    else if (n < 256) {
      w.u8(204);
      w.u8(n);
    } else if (n < 65536) w.u16(205, n);
    else if (n < 4294967296) w.u32(206, n);
    else if (value < 1n << 64n) w.i64(207, BigInt.asIntN(64, value));
    else throw new RangeError("integer does not fit 64 bits");
  } else if (n >= -32) w.u8(n & 255);
  else if (n >= -128) {
    w.u8(208);
    w.u8(n & 255);
  } else if (n >= -32768) w.u16(209, n & 65535);
  else if (n >= -2147483648) w.u32(210, n >>> 0);
  else if (value >= -(1n << 63n)) w.i64(211, value);
  else throw new RangeError("integer does not fit 64 bits");
}
function write(w, value, depth) {
  if (depth > 500) throw new RangeError("nested too deeply, or in a circle");
  switch (typeof value) {
    case "boolean":
      return w.u8(value ? 195 : 194);
    case "bigint":
      return integer(w, value);
    case "number":
      return Number.isSafeInteger(value) && !Object.is(value, -0) ? integer(w, BigInt(value)) : w.f64(value);
    case "string": {
      const bytes = utf82.encode(value);
      w.length(bytes.length, 160, 31, 217, 218, 219);
      return w.raw(bytes);
    }
    case "object":
      break;
    default:
      return w.u8(192);
  }
  if (value === null) return w.u8(192);
  if (typeof value.toJSON === "function") return write(w, value.toJSON(), depth + 1);
  if (value instanceof ArrayBuffer) value = new Uint8Array(value);
  if (ArrayBuffer.isView(value)) {
    const bytes = new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
    w.length(bytes.length, 0, -1, 196, 197, 198);
    return w.raw(bytes);
  }
  if (Array.isArray(value)) {
    w.length(value.length, 144, 15, 0, 220, 221);
    for (const item of value) write(w, item, depth + 1);
    return;
  }
  const entries = Object.entries(value).filter(
    ([, item]) => item !== void 0 && typeof item !== "function"
  );
  w.length(entries.length, 128, 15, 0, 222, 223);
  for (const [key, item] of entries) {
    write(w, key, depth + 1);
    write(w, item, depth + 1);
  }
}
function encode(value) {
  const writer = new Writer();
  write(writer, value, 0);
  return writer.done();
}

// src/codec/msgpack.ts
var msgpack = {
  name: "msgpack",
  encode,
  decode: (payload) => {
    if (typeof payload === "string") throw new TypeError("MessagePack comes in binary frames");
    return decode(payload);
  }
};

// src/transports/ws.ts
var ws = ({ url, WebSocket }, events) => {
  if (!WebSocket) throw new TypeError("The option WebSocket is needed");
  const address = new URL(url);
  address.protocol = url.protocol.replace("http", "ws");
  const socket = new WebSocket(address.href);
  socket.binaryType = "arraybuffer";
  socket.onopen = () => events.open();
  socket.onmessage = ({ data }) => events.data(typeof data === "string" ? data : new Uint8Array(data));
  socket.onerror = () => {
  };
  socket.onclose = ({ code, reason }) => events.close(code, reason);
  return {
    name: "ws",
    send: (payload) => socket.send(payload),
    close: () => socket.close()
  };
};

// src/msgpack.ts
var StellarClient = class extends Client {
  /** Makes a client; it connects when told to. */
  constructor(options = {}) {
    super(options, { codec: msgpack, transports: { ws } });
  }
};
// Annotate the CommonJS export names for ESM import in node:
0 && (module.exports = {
  Stellar,
  StellarClient,
  StellarError
});
//# sourceMappingURL=stellar-client.msgpack.cjs.map
