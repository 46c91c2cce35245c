/*! stellar-client 0.1.0 | MIT */

// <define:$settings>
var define_settings_default = {};

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
  const grown = Math.round((1 + random()) * min * factor ** (attempt - 1));
  return Math.min(attempt < 2 ? min : grown, max);
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

// src/network.ts
var isOffline = () => globalThis.navigator?.onLine === false;
function watchNetwork({ B: _online, C: _offline, D: _wake }) {
  const visible = () => document.hidden || _wake();
  const each = (verb) => {
    globalThis[verb]?.("online", _online);
    globalThis[verb]?.("offline", _offline);
    globalThis.document?.[verb]("visibilitychange", visible);
  };
  each("addEventListener");
  return () => each("removeEventListener");
}

// src/options.ts
var set = (options) => Object.fromEntries(Object.entries(options || {}).filter(([, value]) => value != null));
function resolve(options) {
  const given = { ...set(define_settings_default), ...set(options) };
  const o = {
    url: globalThis.location?.origin,
    path: "/primus",
    api: given.apiPath ?? "/api",
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
    ...set(define_settings_default.reconnect),
    ...set(options.reconnect)
  };
  return o;
}
function connectionUrl({ url, path, query }) {
  const address2 = new URL(url);
  address2.pathname = path;
  for (const name4 in query) address2.searchParams.set(name4, query[name4]);
  return address2;
}

// src/connection.ts
var anew = () => new StellarError("closed", "Connecting anew");
function connection(host, options, codec, connect) {
  const { timeout, reconnect, pingTimeout, WebSocket, fetch } = options;
  let state = "idle";
  let transport = null;
  let round = 0;
  let attempt = 0;
  let timer;
  let heartbeat;
  let unwatch;
  const become = (next) => {
    const previous = state;
    state = next;
    if (next !== previous) host.a("state", next, previous);
  };
  const send = (message) => transport.send(codec.encode(message), message);
  const dial = () => {
    const own3 = ++round;
    const most = attempt && reconnect && reconnect["reconnect timeout"] || timeout;
    const current = () => own3 === round;
    const lost = (error) => current() && fail(error);
    let opened = false;
    clearTimeout(timer);
    timer = setTimeout(() => fail(new StellarError("timeout", `No connection in ${most} ms`)), most);
    try {
      transport = connect(
        { url: connectionUrl(options), WebSocket, fetch, codec },
        {
          open() {
            if (!current()) return;
            opened = true;
            beat();
            host.E().then(() => current() && ready(), lost);
          },
          data(payload) {
            if (!current()) return;
            let message;
            try {
              message = codec.decode(payload);
            } catch (error) {
              return host.a("error", new StellarError("decode", String(error)));
            }
            receive(message);
          },
          message: (message) => current() && receive(message),
          close(code, reason, refusal) {
            if (!current()) return;
            if (refusal) {
              const error = new StellarError("refused", refusal.message);
              return end("refused", Object.assign(error, refusal), true);
            }
            fail(new StellarError(opened ? "closed" : "offline", `No connection: ${code} ${reason}`));
          }
        }
      );
    } catch (error) {
      end("closed", new StellarError("error", String(error)), true);
    }
  };
  const ready = () => {
    clearTimeout(timer);
    attempt = 0;
    become("connected");
    host.F();
  };
  const receive = (message) => {
    const ours = typeof message === "string" && /^primus::(ping|id)::(.+)/.exec(message);
    if (ours) {
      if (ours[1] === "id") return;
      beat();
      send("primus::pong::" + ours[2]);
    } else if (message === "primus::server::close") {
      end("closed", new StellarError("closed", "Closed by server"));
    } else host.G(message);
  };
  const beat = () => {
    clearTimeout(heartbeat);
    if (pingTimeout > 0 && !transport.watched) {
      heartbeat = setTimeout(() => fail(new StellarError("timeout", "No ping")), pingTimeout);
    }
  };
  const leave = (error) => {
    const old = transport;
    round++;
    clearTimeout(timer);
    clearTimeout(heartbeat);
    transport = null;
    old?.close();
    host.n(error);
  };
  const fail = (error) => {
    const lost = state === "connected";
    if (!reconnect || attempt >= (reconnect.retries ?? Infinity)) {
      return end("closed", error, !lost);
    }
    leave(error);
    const delay = backoff(++attempt, reconnect);
    const next = { attempt, delay };
    const own3 = round;
    timer = setTimeout(dial, delay);
    become(isOffline() ? "offline" : "reconnecting");
    if (lost) host.a("disconnected", error);
    else host.t(error);
    if (own3 === round) host.a("reconnecting", next);
  };
  const again = (redial) => {
    if (!/^(reconnecting|offline)$/.test(state) || transport && !redial) return;
    leave(anew());
    become("reconnecting");
    dial();
  };
  const end = (last, error, failed = false) => {
    leave(error);
    unwatch?.();
    unwatch = void 0;
    become(last);
    if (failed) host.t(error);
    host.o(error);
    host.a("disconnected", error);
  };
  return {
    H: () => state,
    I: () => transport,
    J() {
      if (transport) leave(anew());
      attempt = 0;
      unwatch ??= watchNetwork({
        B: () => again(true),
        C: () => fail(new StellarError("offline", "No network")),
        D: () => again(false)
      });
      become("connecting");
      dial();
    },
    K() {
      if (state !== "closed") end("closed", new StellarError("closed", "Closed"));
    },
    p: send
  };
}

// src/emitter.ts
var Emitter = class {
  constructor() {
    this.g = [];
  }
  on(name4, fn) {
    this.g.push([name4, fn]);
    return this;
  }
  once(name4, fn) {
    this.g.push([name4, fn, true]);
    return this;
  }
  /** Removes `fn` from `name`; without `fn`, all of `name`; without both, everything. */
  off(name4, fn) {
    this.g = this.g.filter(
      ([its, own3]) => name4 && (its !== name4 || fn && own3 !== fn)
    );
    return this;
  }
  /** The same as {@link on}. */
  addListener(name4, fn) {
    return this.on(name4, fn);
  }
  /** The same as {@link off}. */
  removeListener(name4, fn) {
    return this.off(name4, fn);
  }
  /** Removes all listeners of `name`, or of everything. */
  removeAllListeners(name4) {
    return this.off(name4);
  }
  /** @internal */
  a(name4, ...args) {
    for (const [its, fn, once] of [...this.g]) {
      if (its !== name4) continue;
      if (once) this.off(name4, fn);
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

// src/deadline.ts
function watch({ timeout, signal }, fail) {
  const abort = () => fail(new StellarError("aborted", "Aborted"));
  const timer = timeout && setTimeout(() => fail(new StellarError("timeout", `No answer in ${timeout} ms`)), timeout);
  if (signal?.aborted) abort();
  else signal?.addEventListener("abort", abort);
  return () => {
    clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
  };
}

// src/http.ts
async function httpAction({ url, api, fetch }, { httpMethod = "POST", ...params }, limits) {
  const address2 = new URL(api, url);
  const method = httpMethod.toUpperCase();
  const get = method === "GET";
  if (get) {
    for (const name4 in params) if (params[name4] != null) address2.searchParams.set(name4, params[name4]);
  }
  const controller = new AbortController();
  const release = watch(limits, (error) => controller.abort(error));
  let status = 0;
  let failure;
  try {
    const response = await fetch(address2.href, {
      method,
      signal: controller.signal,
      ...!get && {
        body: JSON.stringify(params),
        headers: { "content-type": "application/json" }
      }
    });
    status = response.status;
    const body = await response.json();
    if (body?.error == null && status < 400) return body;
    failure = serverError(body?.error ?? `HTTP ${status}`, body);
  } catch (error) {
    failure = error instanceof StellarError ? error : new StellarError(status ? "http" : "offline", `HTTP ${status}: ${error}`);
    failure.mayHaveRun = true;
  } finally {
    release();
  }
  failure.status = status;
  throw failure;
}

// src/interceptors.ts
function intercept(client, params, request) {
  const waiting = [...client.interceptors];
  const changes = [];
  const pass = (result) => {
    for (const change of changes) change(result);
    return result;
  };
  return new Promise((resolve2, reject) => {
    const next = (result, error) => {
      if (error != null) return reject(error);
      if (typeof result === "function") changes.unshift(result);
      else if (result) return resolve2(result);
      void step();
    };
    const step = async () => {
      try {
        const interceptor = waiting.pop();
        if (interceptor) await interceptor.call(client, params, next, reject);
        else resolve2(await request());
      } catch (error) {
        reject(error);
      }
    };
    void step();
  }).then(pass, (error) => {
    throw pass(error);
  });
}

// src/requests.ts
var grace = 5e3;
function requests(host, limits) {
  const { simultaneousActions, actionTimeout, queueSize, queueAge, requestTimeout } = limits;
  let count = 0;
  let running = 0;
  let queue = [];
  const pending = /* @__PURE__ */ new Map();
  const isAction = (request) => request.q.event === "action";
  const flush = () => {
    if (host.state !== "connected") return;
    for (let place = 0; place < queue.length; ) {
      const request = queue[place];
      if (isAction(request) && running >= simultaneousActions) place++;
      else {
        queue.splice(place, 1);
        transmit(request);
      }
    }
  };
  const transmit = (request) => {
    const number = count + 1;
    clearTimeout(request.e);
    try {
      host.p(request.q);
    } catch (error) {
      return request.c(error);
    }
    count = number;
    request.j = true;
    host.a("send", request.q, number);
    if (request.L) return request.c(null, {});
    pending.set(number, request);
    if (!isAction(request)) return;
    running++;
    if (actionTimeout) {
      request.e = setTimeout(() => {
        request.c(new StellarError("timeout", `No answer in ${actionTimeout} ms`, true));
        done(number);
        flush();
      }, actionTimeout + grace);
    }
  };
  const done = (number) => {
    const request = pending.get(number);
    if (pending.delete(number)) {
      clearTimeout(request.e);
      if (isAction(request)) running--;
    }
    return request;
  };
  return {
    M: () => queue.length,
    N: () => pending.size,
    k: (body, { volatile, noReply, ...options } = {}, now) => new Promise((resolve2, reject) => {
      let release = () => {
      };
      const request = {
        q: body,
        L: noReply,
        j: false,
        l: false,
        e: 0,
        c(error, answer) {
          if (request.l) return;
          request.l = true;
          release();
          if (!request.j) clearTimeout(request.e);
          if (error) reject(error);
          else resolve2(answer);
        }
      };
      const give = (error) => {
        error.mayHaveRun = request.j;
        queue = queue.filter((other) => other !== request);
        request.c(error);
      };
      const drop = (why) => give(new StellarError("dropped", why));
      release = watch({ timeout: requestTimeout, ...options }, give);
      if (request.l) return release();
      if (now) return transmit(request);
      queue.push(request);
      flush();
      if (request.j || request.l) return;
      if (volatile) return drop("Not sent at once");
      if (queueAge) {
        request.e = setTimeout(drop, queueAge, "Waited too long");
        request.e.unref?.();
      }
      if (queue.length > queueSize) {
        queue.shift().c(new StellarError("dropped", "Queue is full"));
      }
    }),
    O: flush,
    P(answer) {
      const request = done(answer.messageCount);
      if (!request) return;
      const { status } = answer;
      const told = !isAction(request) && status && status !== "OK" ? status : null;
      const error = answer.error ?? told;
      request.c(error == null ? null : serverError(error, answer), answer);
      flush();
    },
    n({ code, message }) {
      count = 0;
      for (const number of pending.keys()) {
        done(number).c(new StellarError(code, message, true));
      }
    },
    o({ code, message }) {
      for (const request of queue.splice(0)) request.c(new StellarError(code, message));
    }
  };
}

// src/scope.ts
var scoped = (room, event) => `[${room}].${event}`;
var Scope = class _Scope {
  constructor(_client, rooms) {
    this.m = _client;
    this.h = [rooms].flat();
  }
  /** Adds rooms. */
  to(rooms) {
    return new _Scope(this.m, this.h.concat(rooms));
  }
  /** The same as {@link to}, for reading. */
  from(rooms) {
    return this.to(rooms);
  }
  /** The same as {@link to}, as a guide spells it. */
  for(rooms) {
    return this.to(rooms);
  }
  /** Sends an event to each of the rooms. */
  emit(event, data = null) {
    return Promise.all(this.h.map((room) => this.m.u(room, event, data)));
  }
  /** Calls `fn(data, message)` when the event happens in one of the rooms. */
  on(event, fn) {
    for (const room of this.h) this.m.on(scoped(room, event), fn);
    return this;
  }
  /** Takes {@link on} back. */
  off(event, fn) {
    for (const room of this.h) this.m.off(scoped(room, event), fn);
    return this;
  }
};

// src/client.ts
var own = /^((dis)?connected|error|reconnect(ing)?|message|alert|api|welcome|say|state|send)$|^\[/;
var Client = class extends Emitter {
  constructor(options, { codec, transports, fallback: fallback2, own: own3 }, transport) {
    super();
    /** This connection's id, once connected; another one after a reconnect. */
    this.id = null;
    /** The session this connection belongs to. */
    this.fingerprint = null;
    /** The rooms this connection is in. */
    this.rooms = [];
    /** The server's view of this connection, as of when it was configured; anew on each connection. */
    this.details = null;
    /** The text the server greeted with. */
    this.welcomeMessage = null;
    /** Called with an action's parameters before it is sent; see {@link Interceptor}. */
    this.interceptors = [];
    this.r = [];
    this.v = false;
    /** The rooms that this connection was put into by itself, and that nobody asked for since. */
    this.w = /* @__PURE__ */ new Set();
    const o = this.options = resolve(typeof options === "string" ? { url: options } : options);
    const given = o.transport ?? transport;
    const connect = given ? own3?.(given) : fallback2 ? fallback2(o, transports) : transports[o.transports.find((name4) => transports[name4])]?.[0];
    if (!connect) throw new TypeError(`No engine of ${o.transports} here`);
    if ((o.parser ?? codec.name).toLowerCase() !== codec.name) {
      throw new TypeError(`The server speaks ${o.parser}, not ${codec.name}`);
    }
    this.i = new Set(o.rooms);
    this.b = requests(this, o);
    this.f = connection(this, o, codec, connect);
  }
  /** Where the client is. */
  get state() {
    return this.f.H();
  }
  /** The live connection underneath, if there is one; its `name` is the engine's. */
  get transport() {
    return this.f.I();
  }
  /** How many requests wait to be sent. */
  get queued() {
    return this.b.M();
  }
  /** How many requests wait for their answer. */
  get pending() {
    return this.b.N();
  }
  /**
   * Connects. Tells the details of the connection, or the error of the first attempt; after
   * an error it keeps trying unless told not to, and `connected` comes when it succeeds. An
   * open connection is closed and a new one made.
   */
  connect(callback) {
    const promise = new Promise((...waiting) => {
      this.r.push(waiting);
    });
    promise.catch(() => {
    });
    this.f.J();
    return tell(promise, callback);
  }
  /** Ends the connection for good; what waits for an answer or to be sent is rejected. */
  disconnect(callback) {
    this.f.K();
    return tell(Promise.resolve(), callback);
  }
  action(name4, ...rest) {
    const params = rest[0] && typeof rest[0] === "object" ? rest.shift() : null;
    const [callback, limits] = tail(rest);
    const all = { ...params, action: name4 };
    const answer = intercept(
      this,
      all,
      () => this.state !== "connected" && this.options.fetch ? httpAction(this.options, all, { timeout: this.options.requestTimeout, ...limits }) : this.b.k({ event: "action", params: all }, limits)
    );
    return tell(answer, callback, true);
  }
  say(room, message, ...rest) {
    if (message === void 0 || typeof message === "function") {
      rest = [message];
      message = room;
      room = this.options.defaultRoom;
    }
    return this.d({ event: "say", room, message }, rest);
  }
  /** Asks for the server's view of this connection. */
  detailsView(...rest) {
    return this.d({ event: "detailsView" }, rest);
  }
  /** Asks for the details again and stores them in `details`, `id`, `fingerprint`, `rooms`. */
  configure(...rest) {
    return this.d({ event: "detailsView" }, rest, (answer) => this.x(answer));
  }
  /** Asks who is in a room. The callback is `(answer, error)`. */
  roomView(room, ...rest) {
    return this.d({ event: "roomView", room }, rest, void 0, true);
  }
  /**
   * Joins a room; it is joined again after every reconnect. Where that was done already, asking for
   * it once more is no fault.
   */
  roomAdd(room, ...rest) {
    return this.d({ event: "roomAdd", room }, rest, () => this.s(room, true));
  }
  /** Leaves a room. */
  roomLeave(room, ...rest) {
    return this.d({ event: "roomLeave", room }, rest, () => this.s(room, false));
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
    const answer = this.b.k({ event: "file", file: path }, limits);
    return tell(
      answer.then((file) => decodeFile(file, as)),
      callback,
      true
    );
  }
  /**
   * Sends a message of the protocol as it is, and tells its answer. The callback is
   * `(answer, error)`.
   */
  send(message, ...rest) {
    return this.d(message, rest, void 0, true);
  }
  /** Sends an event to the default room. */
  emit(event, data = null) {
    return this.u(this.options.defaultRoom, event, data);
  }
  /** Rooms to send events to, or to hear events from. */
  to(rooms) {
    return new Scope(this, rooms);
  }
  /** The same as {@link to}, for reading. */
  from(rooms) {
    return this.to(rooms);
  }
  /** The same as {@link to}, as a guide spells it. */
  for(rooms) {
    return this.to(rooms);
  }
  /** Sets the room that `say` and `emit` use when none is named. */
  setDefaultRoom(room) {
    this.options.defaultRoom = room;
  }
  /** @internal */
  u(room, event, data) {
    return this.d({ event: "event", params: { room, event, data } }, []);
  }
  d(body, rest, done, answerFirst) {
    const [callback, limits] = tail(rest);
    const answer = this.b.k(body, limits).then(
      (answer2) => {
        done?.(answer2);
        return unwrap(answer2);
      },
      (error) => {
        const { code, response } = error;
        if (code === "017" && this.w.delete(body.room)) {
          return { ...response, status: "OK", data: true, error: null };
        }
        if (response) this.a("error", error);
        throw error;
      }
    );
    return tell(answer, callback, answerFirst);
  }
  /**
   * Sets a new connection up: the rooms of the old one, then its details, in one round trip.
   * @internal
   */
  async E() {
    const ask2 = (body) => this.b.k(body, { timeout: 0 }, true).catch((error) => {
      if (!error.response) throw error;
      if (error.code !== "017") {
        if (body.room) this.i.delete(body.room);
        this.a("error", error);
      }
    });
    this.w = new Set(this.i);
    const rooms = [...this.i].map((room) => ask2({ event: "roomAdd", room }));
    const [details] = await Promise.all([ask2({ event: "detailsView" }), ...rooms]);
    if (details) this.x(details);
  }
  x(answer) {
    const { data } = answer;
    this.details = unwrap(answer);
    this.id = data.id;
    this.fingerprint = data.fingerprint;
    this.rooms = [...data.rooms];
  }
  /** @internal */
  F() {
    this.b.O();
    const { details } = this;
    for (const [resolve2] of this.r.splice(0)) resolve2(details);
    if (this.v) this.a("reconnect", details);
    this.v = true;
    if (this.state === "connected") this.a("connected", details);
  }
  /** @internal */
  p(message) {
    this.f.p(message);
  }
  /** @internal */
  n(error) {
    this.b.n(error);
  }
  y(error) {
    for (const [, reject] of this.r.splice(0)) reject(error);
  }
  /** @internal */
  t(error) {
    this.y(error);
    this.a("error", error);
  }
  /** @internal */
  o(error) {
    this.y(error);
    this.b.o(error);
  }
  s(room, joined) {
    this.i[joined ? "add" : "delete"](room);
    this.rooms = this.rooms.filter((other) => other !== room).concat(joined ? room : []);
  }
  /** @internal */
  G(message) {
    this.a("message", message);
    const { context, message: said, room, welcome } = message ?? {};
    if (context === "response") this.b.P(message);
    else if (context === "user") {
      const event = said?.event;
      if (event === "destroy" && said.data?.code === "018") this.s(room, false);
      this.a("say", message);
      if (typeof event !== "string") return this.a(scoped(room, "message"), said, message);
      if (!own.test(event)) this.a(event, said.data, message);
      this.a(scoped(room, event), said.data, message);
    } else if (context === "api" && welcome != null) {
      this.welcomeMessage = welcome;
      this.a("welcome", message);
    } else if (context === "alert" || context === "api") this.a(context, message);
  }
};
function unwrap(answer) {
  const { data } = answer;
  return data && typeof data === "object" ? { ...data, ...answer } : answer;
}

// src/codec/json.ts
var json = {
  name: "json",
  encode: (message) => JSON.stringify(message),
  decode: (payload) => JSON.parse(payload)
};

// src/transports/refusal.ts
async function refusalOf(response) {
  const { status } = response;
  if (status !== 401 && status !== 403) return;
  const body = await response.json().catch(() => null);
  return body?.error ? { status, message: String(body.error) } : void 0;
}

// src/transports/requests.ts
function httpLine({ fetch }, { close }) {
  if (!fetch) throw new TypeError("The option fetch is needed");
  const controller = new AbortController();
  const { signal } = controller;
  return {
    async ask(url, body, use) {
      try {
        const response = await fetch(url.href, {
          ...body != null && { method: "POST", body, headers: { "content-type": "text/plain" } },
          credentials: "include",
          cache: "no-store",
          signal
        });
        if (response.ok) {
          if (use) await use(response);
          else await response.text();
        } else close(1006, `HTTP ${response.status}`, await refusalOf(response));
      } catch (error) {
        controller.abort();
        close(1006, String(error));
      }
    },
    ended: () => signal.aborted,
    end: () => controller.abort()
  };
}
function batches(post, limit) {
  const waiting = [];
  let busy = false;
  const run = async () => {
    busy = true;
    await null;
    while (waiting.length) {
      const most = limit();
      let size = 0;
      let count = 0;
      do
        size += waiting[count++].length + 1;
      while (count < waiting.length && size + waiting[count].length < most);
      await post(waiting.splice(0, count));
    }
    busy = false;
  };
  return (packet) => {
    waiting.push(packet);
    if (!busy) void run();
  };
}

// src/transports/socket.ts
function hear(socket, { open, data, close }) {
  socket.binaryType = "arraybuffer";
  socket.onopen = () => open?.();
  socket.onmessage = (message) => {
    try {
      data(typeof message.data === "string" ? message.data : new Uint8Array(message.data));
    } catch (error) {
      close(1002, String(error));
    }
  };
  socket.onerror = () => {
  };
  socket.onclose = (event) => close(event.code, event.reason);
}
function openSocket({ WebSocket }, url, events) {
  if (!WebSocket) throw new TypeError("The option WebSocket is needed");
  const socket = new WebSocket(url.href.replace("http", "ws"));
  hear(socket, events);
  return socket;
}

// src/transports/engineio.ts
var name = "engine.io";
var separator = "";
function address({ url }, transport) {
  const address2 = new URL(url);
  address2.pathname = url.pathname.replace(/\/?$/, "/");
  address2.searchParams.set("EIO", "4");
  address2.searchParams.set("transport", transport);
  return address2;
}
var reader = (events, write, opened) => (packet) => {
  if (typeof packet !== "string") return events.data(packet);
  const rest = packet.slice(1);
  switch (packet[0]) {
    case "0":
      opened?.(JSON.parse(rest));
      return events.open();
    case "1":
      return events.close(1e3, "");
    case "2":
      return write("3" + rest);
    case "4":
      return events.data(rest);
    case "b":
      return events.data(Uint8Array.from(atob(rest), (char) => char.charCodeAt(0)));
  }
};
var websocket = (context, events) => {
  const socket = openSocket(context, address(context, "websocket"), {
    data: reader(events, (packet) => socket.send(packet)),
    close: events.close
  });
  return {
    name,
    way: "websocket",
    send: (payload) => socket.send(typeof payload === "string" ? "4" + payload : payload),
    close: () => socket.close()
  };
};
var polling = (context, events) => {
  const url = address(context, "polling");
  const line = httpLine(context, events);
  let most = 0;
  const write = batches(
    (batch) => line.ask(url, batch.join(separator)),
    () => most
  );
  const read = reader(events, write, ({ sid, maxPayload }) => {
    url.searchParams.set("sid", sid);
    most = Math.min(maxPayload / 3, 65536);
  });
  const poll = () => line.ask(url, null, async (response) => {
    (await response.text()).split(separator).forEach(read);
    if (!line.ended()) void poll();
  });
  void poll();
  return {
    name,
    way: "polling",
    send: (payload) => write(
      typeof payload === "string" ? "4" + payload : (
        // Not all at once: arguments are limited.
        "b" + btoa(payload.reduce((text, byte) => text + String.fromCharCode(byte), ""))
      )
    ),
    close() {
      line.end();
      const body = "1";
      if (most) context.fetch(url.href, { method: "POST", body, keepalive: true }).catch(() => {
      });
    }
  };
};
var engineio = [websocket, polling];

// src/transports/fallback.ts
var patience = 3;
var storage = (use) => {
  try {
    return use(sessionStorage);
  } catch {
  }
};
function fallback(options, built) {
  const { url, path, paths, timeout } = options;
  const [primary] = define_settings_default.transports ?? options.transports;
  const ways = options.transports.flatMap(
    (name4) => (built[name4] ?? []).map((connect, index) => ({
      z: name4 + index,
      Q: name4 === primary ? path : paths?.[name4] ?? "/" + name4,
      A: !index,
      R: connect
    }))
  );
  if (!ways.length) throw new TypeError(`No engine of ${options.transports} here`);
  const place = `stellar ${url}${path}`;
  const key = storage((kept) => kept.getItem(place));
  let best = ways.find((way) => way.z === key);
  let proven = false;
  let failures = 0;
  return (context, events) => {
    const others = ways.filter((way) => way !== best);
    let left = !best ? others : proven && failures < patience ? [best] : [best, ...others];
    failures++;
    let round = 0;
    let tried = false;
    let timer;
    let inner;
    const leave = () => {
      round++;
      clearTimeout(timer);
      inner?.close();
      inner = void 0;
    };
    const next = () => {
      const way = left.shift();
      const own3 = ++round;
      let there = false;
      const current = () => own3 === round;
      const fail = (again) => {
        if (there || !left.length) return again();
        leave();
        if (way.A) left = left.filter((way2) => !way2.A);
        if (left.length) next();
        else again();
      };
      const arrived = () => {
        if (there) return;
        there = proven = true;
        failures = 0;
        best = way;
        clearTimeout(timer);
        storage((kept) => kept.setItem(place, way.z));
        events.open();
      };
      const url2 = new URL(context.url);
      url2.pathname = way.Q;
      if (left.length) {
        timer = setTimeout(() => {
          if (current()) fail(() => events.close(1006, "No answer"));
        }, timeout / 3);
      }
      try {
        inner = way.R(
          { ...context, url: url2 },
          {
            // Opening alone proves nothing: some let a connection through, and then nothing over
            // it. Everybody is answered this, and it does not count as a message.
            open() {
              if (!current()) return;
              if (ways.length < 2) arrived();
              else inner.send(context.codec.encode(ask), ask);
            },
            data(payload) {
              if (!current()) return;
              arrived();
              events.data(payload);
            },
            message(message) {
              if (!current()) return;
              arrived();
              events.message(message);
            },
            close(code, reason, refusal) {
              if (!current()) return;
              if (refusal) events.close(code, reason, refusal);
              else fail(() => events.close(code, reason));
            }
          }
        );
        tried = true;
      } catch (error) {
        clearTimeout(timer);
        if (left.length) next();
        else if (tried) events.close(1006, String(error));
        else throw error;
      }
    };
    next();
    return {
      get name() {
        return inner?.name ?? "";
      },
      get way() {
        return inner?.way ?? "websocket";
      },
      send: (payload, message) => inner.send(payload, message),
      close: leave
    };
  };
}
var ask = "primus::id::";

// src/transports/socketio.ts
var whole = /^(message|user|alert|api|welcome|primus)$/;
var encode = (codec, packet) => codec.name === "json" ? packet.type + (packet.data ? JSON.stringify(packet.data) : "") : codec.encode({ ...packet, nsp: "/" });
var decode = (codec, payload) => codec.name === "json" ? { type: +payload[0], data: payload[1] && JSON.parse(payload.slice(1)) } : codec.decode(payload);
var socketio = (ways) => ways.map((connect) => (context, events) => {
  const { codec } = context;
  const send = (packet) => under.send(encode(codec, packet), packet);
  const under = connect(context, {
    ...events,
    open: () => send({ type: 0 }),
    data(payload) {
      const { type, data } = decode(codec, payload);
      if (type === 0) events.open();
      else if (type === 1) events.message("primus::server::close");
      else if (type === 2) whole.test(data[0]) && events.message(data[1]);
      else if (type === 4) {
        const { message } = data;
        const passes = /shutting down|Too many/.test(message);
        events.close(1008, message, passes ? void 0 : { message });
      }
    }
  });
  return {
    ...under,
    name: "socket.io",
    send: (_, message) => send({ type: 2, data: ["message", message] })
  };
});

// src/transports/own.ts
var name2 = "own";
var farewell = "primus::server::close";
function listen(socket, listeners) {
  for (const event in listeners) socket.on(event, listeners[event]);
  return () => {
    for (const event in listeners) socket.removeListener(event, listeners[event]);
  };
}
function socketIo(socket, events) {
  const any = (event, message) => whole.test(event) && events.message(message);
  const ignore = listen(socket, {
    connect: () => events.open(),
    connect_error(error) {
      const { message } = error;
      events.close(1006, message, socket.active ? void 0 : { message });
    },
    disconnect(reason) {
      if (reason === "io server disconnect") events.message(farewell);
      events.close(1006, reason);
    }
  });
  socket.onAny(any);
  if (socket.connected) setTimeout(events.open);
  else socket.connect();
  return {
    name: name2,
    send: (_, message) => socket.emit("message", message),
    close() {
      ignore();
      socket.offAny(any);
      socket.disconnect();
    }
  };
}
function primus(socket, events) {
  const ignore = listen(socket, {
    open: () => events.open(),
    data: (message) => events.message(message),
    // Not at once: its timer starts after this, and would go on when it is ended before.
    "reconnect scheduled": () => setTimeout(() => events.close(1006, "Connection lost")),
    end() {
      events.message(farewell);
    },
    error: () => {
    }
  });
  if (socket.readyState === 3) setTimeout(events.open);
  else socket.open();
  return {
    name: name2,
    watched: true,
    send: (_, message) => socket.write(message),
    close() {
      ignore();
      socket.end();
    }
  };
}
function engineIo(socket, events) {
  socket.binaryType = "arraybuffer";
  listen(socket, {
    open: () => events.open(),
    message: (data) => events.data(typeof data === "string" ? data : new Uint8Array(data)),
    close: (reason) => events.close(1006, reason),
    error: () => {
    }
  });
  return { name: name2, send: (payload) => socket.send(payload), close: () => socket.close() };
}
function webSocket(socket, events) {
  hear(socket, events);
  return { name: name2, send: (payload) => socket.send(payload), close: () => socket.close() };
}
var own2 = (given) => (_, events) => {
  const socket = typeof given === "function" ? given() : given;
  if (socket.onAny) return socketIo(socket, events);
  if (socket.write && socket.end) return primus(socket, events);
  return (typeof socket.readyState === "string" ? engineIo : webSocket)(socket, events);
};

// src/transports/sockjs.ts
var name3 = "sockjs";
function session({ url }) {
  const id = crypto.getRandomValues(new Uint32Array(4)).join("");
  return (end) => {
    const address2 = new URL(url);
    address2.pathname = `${url.pathname.replace(/\/$/, "")}/000/${id}/${end}`;
    return address2;
  };
}
var reader2 = (events) => (frame) => {
  const rest = frame[1] && frame[0] !== "h" && JSON.parse(frame.slice(1));
  if (frame[0] === "o") events.open();
  else if (frame[0] === "a") rest.forEach(events.data);
  else if (frame[0] === "c") events.close(rest[0], rest[1]);
};
var websocket2 = (context, events) => {
  const socket = openSocket(context, session(context)("websocket"), {
    data: reader2(events),
    close: events.close
  });
  return {
    name: name3,
    way: "websocket",
    send: (payload) => socket.send(JSON.stringify([payload])),
    close: () => socket.close()
  };
};
var http = (way) => (context, events) => {
  const address2 = session(context);
  const line = httpLine(context, events);
  const read = reader2(events);
  const receive = () => line.ask(address2(way), "", async (response) => {
    const body = response.body.getReader();
    const text = new TextDecoder();
    for (let rest = "", part; !(part = await body.read()).done; ) {
      const lines = (rest += text.decode(part.value, { stream: true })).split("\n");
      rest = lines.pop();
      lines.forEach(read);
    }
    if (!line.ended()) void receive();
  });
  void receive();
  const write = batches(
    (batch) => line.ask(address2("xhr_send"), JSON.stringify(batch)),
    () => 16384
  );
  return { name: name3, way, send: (payload) => write(payload), close: line.end };
};
var sockjs = [websocket2, http("xhr_streaming"), http("xhr")];

// src/transports/ws.ts
var ws = (context, { open, data, close }) => {
  let opened = false;
  const socket = openSocket(context, context.url, {
    open() {
      opened = true;
      open();
    },
    data,
    close(code, reason) {
      const end = (refusal) => close(code, reason, refusal);
      if (opened || !context.fetch) return end();
      context.fetch(context.url.href, { credentials: "include", cache: "no-store" }).then(refusalOf).then(end, () => end());
    }
  });
  return { name: "ws", send: (payload) => socket.send(payload), close: () => socket.close() };
};

// src/engines.ts
var engines = {
  transports: { ws: [ws], "engine.io": engineio, "socket.io": socketio(engineio), sockjs },
  fallback,
  own: own2
};

// src/platform.ts
var NoWebSocket = class {
  constructor() {
    throw new TypeError(
      "There is no WebSocket here, which Node has since 22. Install the package ws, give the option WebSocket, or name an engine in transports that has other ways too"
    );
  }
};
function installed() {
  try {
    const { createRequire } = globalThis.process.getBuiltinModule("module");
    return createRequire(import.meta.url)("ws").WebSocket;
  } catch {
    return void 0;
  }
}
function onThisPlatform(options) {
  const given = typeof options === "string" ? { url: options } : options;
  if (given.WebSocket || globalThis.WebSocket) return given;
  return { ...given, WebSocket: installed() ?? NoWebSocket };
}

// src/index.ts
var StellarClient = class extends Client {
  /**
   * Makes a client; it connects when told to. `transport` is the option of this name, where
   * earlier releases took it.
   */
  constructor(options = {}, transport) {
    super(onThisPlatform(options), { codec: json, ...engines }, transport);
  }
};
var createClient = (options) => new StellarClient(options);
export {
  StellarClient as Stellar,
  StellarClient,
  StellarError,
  createClient,
  StellarClient as default
};
//# sourceMappingURL=stellar-client.mjs.map
