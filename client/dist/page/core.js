(() => {
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
  function watchNetwork({ z: _online, A: _offline, B: _wake }) {
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
    const given = { ...set($settings), ...set(options) };
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
      ...set($settings.reconnect),
      ...set(options.reconnect)
    };
    return o;
  }
  function connectionUrl({ url, path, query }) {
    const address = new URL(url);
    address.pathname = path;
    for (const name in query) address.searchParams.set(name, query[name]);
    return address;
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
      const own2 = ++round;
      const most = attempt && reconnect && reconnect["reconnect timeout"] || timeout;
      const current = () => own2 === round;
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
              host.C().then(() => current() && ready(), lost);
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
      host.D();
    };
    const receive = (message) => {
      const ours = typeof message === "string" && /^primus::(ping|id)::(.+)/.exec(message);
      if (ours) {
        if (ours[1] === "id") return;
        beat();
        send("primus::pong::" + ours[2]);
      } else if (message === "primus::server::close") {
        end("closed", new StellarError("closed", "Closed by server"));
      } else host.E(message);
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
      const own2 = round;
      timer = setTimeout(dial, delay);
      become(isOffline() ? "offline" : "reconnecting");
      if (lost) host.a("disconnected", error);
      else host.t(error);
      if (own2 === round) host.a("reconnecting", next);
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
      F: () => state,
      G: () => transport,
      H() {
        if (transport) leave(anew());
        attempt = 0;
        unwatch ??= watchNetwork({
          z: () => again(true),
          A: () => fail(new StellarError("offline", "No network")),
          B: () => again(false)
        });
        become("connecting");
        dial();
      },
      I() {
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
    on(name, fn) {
      this.g.push([name, fn]);
      return this;
    }
    once(name, fn) {
      this.g.push([name, fn, true]);
      return this;
    }
    /** Removes `fn` from `name`; without `fn`, all of `name`; without both, everything. */
    off(name, fn) {
      this.g = this.g.filter(
        ([its, own2]) => name && (its !== name || fn && own2 !== fn)
      );
      return this;
    }
    /** The same as {@link on}. */
    addListener(name, fn) {
      return this.on(name, fn);
    }
    /** The same as {@link off}. */
    removeListener(name, fn) {
      return this.off(name, fn);
    }
    /** Removes all listeners of `name`, or of everything. */
    removeAllListeners(name) {
      return this.off(name);
    }
    /** @internal */
    a(name, ...args) {
      for (const [its, fn, once] of [...this.g]) {
        if (its !== name) continue;
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
    const address = new URL(api, url);
    const method = httpMethod.toUpperCase();
    const get = method === "GET";
    if (get) {
      for (const name in params) if (params[name] != null) address.searchParams.set(name, params[name]);
    }
    const controller = new AbortController();
    const release = watch(limits, (error) => controller.abort(error));
    let status = 0;
    let failure;
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
      if (request.J) return request.c(null, {});
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
      K: () => queue.length,
      L: () => pending.size,
      k: (body, { volatile, noReply, ...options } = {}, now) => new Promise((resolve2, reject) => {
        let release = () => {
        };
        const request = {
          q: body,
          J: noReply,
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
      M: flush,
      N(answer) {
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
    constructor(options, { codec, transports, fallback, own: own2 }, transport) {
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
      const connect = given ? own2?.(given) : fallback ? fallback(o, transports) : transports[o.transports.find((name) => transports[name])]?.[0];
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
      return this.f.F();
    }
    /** The live connection underneath, if there is one; its `name` is the engine's. */
    get transport() {
      return this.f.G();
    }
    /** How many requests wait to be sent. */
    get queued() {
      return this.b.K();
    }
    /** How many requests wait for their answer. */
    get pending() {
      return this.b.L();
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
      this.f.H();
      return tell(promise, callback);
    }
    /** Ends the connection for good; what waits for an answer or to be sent is rejected. */
    disconnect(callback) {
      this.f.I();
      return tell(Promise.resolve(), callback);
    }
    action(name, ...rest) {
      const params = rest[0] && typeof rest[0] === "object" ? rest.shift() : null;
      const [callback, limits] = tail(rest);
      const all = { ...params, action: name };
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
    async C() {
      const ask = (body) => this.b.k(body, { timeout: 0 }, true).catch((error) => {
        if (!error.response) throw error;
        if (error.code !== "017") {
          if (body.room) this.i.delete(body.room);
          this.a("error", error);
        }
      });
      this.w = new Set(this.i);
      const rooms = [...this.i].map((room) => ask({ event: "roomAdd", room }));
      const [details] = await Promise.all([ask({ event: "detailsView" }), ...rooms]);
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
    D() {
      this.b.M();
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
    E(message) {
      this.a("message", message);
      const { context, message: said, room, welcome } = message ?? {};
      if (context === "response") this.b.N(message);
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

  // src/page/core.ts
  var StellarClient = class extends Client {
    constructor(options = {}, transport) {
      super(options, { codec: json, ...$parts }, transport);
    }
  };
  Object.assign($target, {
    StellarClient,
    Stellar: StellarClient,
    StellarError
  });
})();
