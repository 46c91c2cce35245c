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
  function watchNetwork({ y: _online, z: _offline, A: _wake }) {
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
              host.B().then(() => current() && ready(), lost);
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
      host.C();
    };
    const receive = (message) => {
      const ours = typeof message === "string" && /^primus::(ping|id)::(.+)/.exec(message);
      if (ours) {
        if (ours[1] === "id") return;
        beat();
        send("primus::pong::" + ours[2]);
      } else if (message === "primus::server::close") {
        end("closed", new StellarError("closed", "Closed by server"));
      } else host.D(message);
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
      E: () => state,
      F: () => transport,
      G() {
        if (transport) leave(anew());
        attempt = 0;
        unwatch ??= watchNetwork({
          y: () => again(true),
          z: () => fail(new StellarError("offline", "No network")),
          A: () => again(false)
        });
        become("connecting");
        dial();
      },
      H() {
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
    if (get) for (const name in params) address.searchParams.set(name, params[name]);
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
      request.i = true;
      host.a("send", request.q, number);
      if (request.I) return request.c(null, {});
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
      J: () => queue.length,
      K: () => pending.size,
      j: (body, { volatile, noReply, ...options } = {}, now) => new Promise((resolve2, reject) => {
        let release = () => {
        };
        const request = {
          q: body,
          I: noReply,
          i: false,
          k: false,
          e: 0,
          c(error, answer) {
            if (request.k) return;
            request.k = true;
            release();
            if (!request.i) clearTimeout(request.e);
            if (error) reject(error);
            else resolve2(answer);
          }
        };
        const give = (error) => {
          error.mayHaveRun = request.i;
          queue = queue.filter((other) => other !== request);
          request.c(error);
        };
        const drop = (why) => give(new StellarError("dropped", why));
        release = watch({ timeout: requestTimeout, ...options }, give);
        if (request.k) return release();
        if (now) return transmit(request);
        queue.push(request);
        flush();
        if (request.i || request.k) return;
        if (volatile) return drop("Not sent at once");
        if (queueAge) {
          request.e = setTimeout(drop, queueAge, "Waited too long");
          request.e.unref?.();
        }
        if (queue.length > queueSize) {
          queue.shift().c(new StellarError("dropped", "Queue is full"));
        }
      }),
      L: flush,
      M(answer) {
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
      this.l = _client;
      this.h = [rooms].flat();
    }
    /** Adds rooms. */
    to(rooms) {
      return new _Scope(this.l, this.h.concat(rooms));
    }
    /** Sends an event to each of the rooms. */
    emit(event, data = null) {
      return Promise.all(this.h.map((room) => this.l.u(room, event, data)));
    }
    /** Calls `fn(data, message)` when the event happens in one of the rooms. */
    on(event, fn) {
      for (const room of this.h) this.l.on(scoped(room, event), fn);
      return this;
    }
    /** Takes {@link on} back. */
    off(event, fn) {
      for (const room of this.h) this.l.off(scoped(room, event), fn);
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
      /** The server's view of this connection, as of when it was configured. */
      this.details = null;
      /** The text the server greeted with. */
      this.welcomeMessage = null;
      /** Called with an action's parameters before it is sent; see {@link Interceptor}. */
      this.interceptors = [];
      this.r = [];
      this.v = false;
      const o = this.options = resolve(typeof options === "string" ? { url: options } : options);
      const given = o.transport ?? transport;
      const connect = given ? own2?.(given) : fallback ? fallback(o, transports) : transports[o.transports.find((name) => transports[name])]?.[0];
      if (!connect) throw new TypeError(`No engine of ${o.transports} here`);
      if ((o.parser ?? codec.name).toLowerCase() !== codec.name) {
        throw new TypeError(`The server speaks ${o.parser}, not ${codec.name}`);
      }
      this.m = new Set(o.rooms);
      this.b = requests(this, o);
      this.f = connection(this, o, codec, connect);
    }
    /** Where the client is. */
    get state() {
      return this.f.E();
    }
    /** The live connection underneath, if there is one; its `name` is the engine's. */
    get transport() {
      return this.f.F();
    }
    /** How many requests wait to be sent. */
    get queued() {
      return this.b.J();
    }
    /** How many requests wait for their answer. */
    get pending() {
      return this.b.K();
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
      this.f.G();
      return tell(promise, callback);
    }
    /** Ends the connection for good; what waits for an answer or to be sent is rejected. */
    disconnect(callback) {
      this.f.H();
      return tell(Promise.resolve(), callback);
    }
    action(name, ...rest) {
      const params = rest[0] && typeof rest[0] === "object" ? rest.shift() : null;
      const [callback, limits] = tail(rest);
      const all = { ...params, action: name };
      const answer = intercept(
        this.interceptors,
        all,
        () => this.state !== "connected" && this.options.fetch ? httpAction(this.options, all, { timeout: this.options.requestTimeout, ...limits }) : this.b.j({ event: "action", params: all }, limits)
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
      return this.d({ event: "detailsView" }, rest, (answer) => this.w(answer));
    }
    /** Asks who is in a room. The callback is `(answer, error)`. */
    roomView(room, ...rest) {
      return this.d({ event: "roomView", room }, rest, void 0, true);
    }
    /** Joins a room; it is joined again after every reconnect. */
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
      const answer = this.b.j({ event: "file", file: path }, limits);
      return tell(
        answer.then((file) => decodeFile(file, as)),
        callback,
        true
      );
    }
    /** Sends an event to the default room. */
    emit(event, data = null) {
      return this.u(this.options.defaultRoom, event, data);
    }
    /** Rooms to send events to, or to hear events from. */
    to(rooms) {
      return new Scope(this, rooms);
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
    u(room, event, data) {
      return this.d({ event: "event", params: { room, event, data } }, []);
    }
    d(body, rest, done, answerFirst) {
      const [callback, limits] = tail(rest);
      const answer = this.b.j(body, limits).then(
        (answer2) => {
          done?.(answer2);
          return unwrap(answer2);
        },
        (error) => {
          if (error.response) this.a("error", error);
          throw error;
        }
      );
      return tell(answer, callback, answerFirst);
    }
    /**
     * Sets a new connection up: the rooms of the old one, then its details, in one round trip.
     * @internal
     */
    async B() {
      const ask = (body) => this.b.j(body, { timeout: 0 }, true).catch((error) => {
        if (!error.response) throw error;
        if (error.code !== "017") {
          if (body.room) this.m.delete(body.room);
          this.a("error", error);
        }
      });
      const rooms = [...this.m].map((room) => ask({ event: "roomAdd", room }));
      const [details] = await Promise.all([ask({ event: "detailsView" }), ...rooms]);
      if (details) this.w(details);
    }
    w({ data }) {
      this.details = data;
      this.id = data.id;
      this.fingerprint = data.fingerprint;
      this.rooms = [...data.rooms];
    }
    /** @internal */
    C() {
      this.b.L();
      const { details } = this;
      for (const [resolve2] of this.r.splice(0)) resolve2(unwrap({ data: details }));
      this.a(this.v ? "reconnect" : "connected", details);
      this.v = true;
    }
    /** @internal */
    p(message) {
      this.f.p(message);
    }
    /** @internal */
    n(error) {
      this.b.n(error);
    }
    x(error) {
      for (const [, reject] of this.r.splice(0)) reject(error);
    }
    /** @internal */
    t(error) {
      this.x(error);
      this.a("error", error);
    }
    /** @internal */
    o(error) {
      this.x(error);
      this.b.o(error);
    }
    s(room, joined) {
      this.m[joined ? "add" : "delete"](room);
      this.rooms = this.rooms.filter((other) => other !== room).concat(joined ? room : []);
    }
    /** @internal */
    D(message) {
      this.a("message", message);
      const { context, message: said, room, welcome } = message ?? {};
      if (context === "response") this.b.M(message);
      else if (context === "user") {
        const event = said?.event;
        if (event === "destroy" && said.data?.code === "018") this.s(room, false);
        this.a("say", message);
        if (typeof event !== "string") return;
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
