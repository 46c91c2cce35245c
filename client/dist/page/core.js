(() => {
  // src/callbacks.ts
  function tail(args) {
    return [
      args.find((arg) => typeof arg === "function"),
      args.find((arg) => arg && typeof arg === "object") ?? {}
    ];
  }
  function tell(promise, callback, answerFirst) {
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
    const spread = attempt < 2 ? 1 : 1 + random();
    return Math.min(Math.round(spread * min * factor ** (attempt - 1)), max);
  }

  // src/errors.ts
  var StellarError = class extends Error {
    /** Makes an error; `mayHaveRun` is false unless told, `cause` is what led to it. */
    constructor(code, message, mayHaveRun = false, cause) {
      super(message, cause && { cause });
      this.name = "StellarError";
      this.code = code;
      this.mayHaveRun = mayHaveRun;
    }
  };
  var asError = (error, code, mayHaveRun) => error instanceof StellarError ? error : new StellarError(code, String(error), mayHaveRun, error);
  function serverError(error, response) {
    const told = typeof error === "object" && error.message === void 0 ? Object.values(error)[0] : error;
    const code = String(error.code ?? told?.code ?? "error");
    return Object.assign(new StellarError(code, String(told?.message ?? told)), { error, response });
  }

  // src/network.ts
  var isOffline = () => globalThis.navigator?.onLine === false;
  function watchNetwork(listeners) {
    const each = (verb) => {
      for (const event in listeners) globalThis[verb]?.(event, listeners[event]);
    };
    each("addEventListener");
    return () => each("removeEventListener");
  }

  // src/options.ts
  function set(options, ...others) {
    for (const other of others) {
      for (const name2 in other) if (other[name2] != null) options[name2] = other[name2];
    }
    return options;
  }
  function resolve(options) {
    const o = set(
      {
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
        query: {},
        WebSocket: globalThis.WebSocket,
        fetch: globalThis.fetch
      },
      $settings,
      { api: options.apiPath },
      options
    );
    o.url = new URL(o.url).href.replace(/^ws/, "http");
    o.pingTimeout ??= o.pingInterval * 1.5;
    o.reconnect = o.reconnect !== false && set({ min: 500, max: 3e4, factor: 2, retries: null }, o.reconnect);
    return o;
  }
  function connectionUrl({ url, path, query }) {
    const address = new URL(url);
    address.pathname = path;
    for (const name2 in query) address.searchParams.set(name2, query[name2]);
    return address;
  }

  // src/connection.ts
  function connection(host, options, codec, connect) {
    const { reconnect } = options;
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
      const own = ++round;
      const later = attempt && reconnect["reconnect timeout"];
      const most = later || options.timeout;
      const heard = (listener) => (...args) => own === round && listener(...args);
      let opened = false;
      timer = setTimeout(() => fail(new StellarError("timeout", `No connection in ${most} ms`)), most);
      const events = {
        open: heard(() => {
          opened = true;
          beat();
          host.y().then(heard(ready), heard(fail));
        }),
        data: heard((payload) => {
          let message;
          try {
            message = codec.decode(payload);
          } catch (error) {
            return host.a("error", asError(error, "decode"));
          }
          receive(message);
        }),
        message: heard(receive),
        close: heard((code, reason, refusal, cause) => {
          const error = refusal && new StellarError("refused", refusal.message);
          if (error) end("refused", Object.assign(error, refusal), true);
          else {
            const text = `No connection: ${code} ${reason}`;
            fail(new StellarError(opened ? "closed" : "offline", text, false, cause));
          }
        })
      };
      const unusable = (error) => end("closed", asError(error, "unsupported"), true);
      const go = (WebSocket2) => {
        try {
          transport = connect({ ...options, WebSocket: WebSocket2, url: connectionUrl(options), codec }, events);
        } catch (error) {
          unusable(error);
        }
      };
      const { WebSocket } = options;
      if (WebSocket instanceof Promise) WebSocket.then(heard(go), heard(unusable));
      else go(WebSocket);
    };
    const ready = () => {
      clearTimeout(timer);
      attempt = 0;
      become("connected");
      host.z();
    };
    const receive = (message) => {
      const ours = typeof message === "string" && /^primus::(ping|id)::(.+)/.exec(message);
      if (ours) {
        beat();
        if (ours[1] === "ping") send("primus::pong::" + ours[2]);
      } else if (message === "primus::server::close") {
        end("closed", new StellarError("closed", "Closed by server"));
      } else host.A(message);
    };
    const beat = () => {
      clearTimeout(heartbeat);
      if (options.pingTimeout > 0 && !transport.watched) {
        heartbeat = setTimeout(() => fail(new StellarError("timeout", "No ping")), options.pingTimeout);
      }
    };
    const leave = (error) => {
      const old = transport;
      round++;
      clearTimeout(timer);
      clearTimeout(heartbeat);
      transport = null;
      old?.close();
      host.l(error);
    };
    const fail = (error) => {
      const lost = state === "connected";
      if (!reconnect || attempt >= (reconnect.retries ?? Infinity)) {
        return end("closed", error, !lost);
      }
      leave(error);
      const delay = backoff(++attempt, reconnect);
      const next = { attempt, delay };
      const own = round;
      timer = setTimeout(dial, delay);
      become(isOffline() ? "offline" : "reconnecting");
      if (lost) host.a("disconnected", error);
      else host.s(error);
      if (own === round) host.a("reconnecting", next);
    };
    const begin = (next) => {
      leave(new StellarError("closed", "Connecting anew"));
      become(next);
      dial();
    };
    const again = (redial) => {
      if (attempt && (redial || !transport)) begin("reconnecting");
    };
    const end = (last, error, failed) => {
      leave(error);
      unwatch?.();
      unwatch = void 0;
      become(last);
      if (failed) host.s(error);
      host.m(error);
      host.a("disconnected", error);
    };
    return {
      B: () => state,
      C: () => transport,
      D() {
        attempt = 0;
        unwatch ??= watchNetwork({
          online: () => again(true),
          offline: () => fail(new StellarError("offline", "No network")),
          // The page is looked at again. It bubbles from the document to here.
          visibilitychange: () => document.hidden || again(false)
        });
        begin("connecting");
      },
      E() {
        if (state !== "closed") end("closed", new StellarError("closed", "Closed"));
      },
      n: send
    };
  }

  // src/emitter.ts
  var Emitter = class {
    constructor() {
      this.g = [];
    }
    on(name2, fn) {
      this.g.push([name2, fn]);
      return this;
    }
    once(name2, fn) {
      this.g.push([name2, fn, true]);
      return this;
    }
    /** Removes `fn` from `name`; without `fn`, all of `name`; without both, everything. */
    off(name2, fn) {
      this.g = this.g.filter(
        ([its, own]) => name2 && (its !== name2 || fn && own !== fn)
      );
      return this;
    }
    /** The same as {@link on}. */
    addListener(name2, fn) {
      return this.on(name2, fn);
    }
    /** The same as {@link off}. */
    removeListener(name2, fn) {
      return this.off(name2, fn);
    }
    /** Removes all listeners of `name`, or of everything. */
    removeAllListeners(name2) {
      return this.off(name2);
    }
    /** @internal */
    a(name2, ...args) {
      for (const [its, fn, once] of [...this.g]) {
        if (its !== name2) continue;
        if (once) this.off(name2, fn);
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
    if (signal?.aborted) return abort();
    const timer = timeout && setTimeout(() => fail(new StellarError("timeout", `No answer in ${timeout} ms`)), timeout);
    signal?.addEventListener("abort", abort);
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
      for (const name2 in params) if (params[name2] != null) address.searchParams.set(name2, params[name2]);
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
      failure = error instanceof StellarError ? error : new StellarError(
        status ? "http" : "offline",
        `HTTP ${status}: ${error.cause ?? error}`,
        true,
        error
      );
      failure.mayHaveRun = true;
    } finally {
      release?.();
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
    const isAction = (request) => request.o.event === "action";
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
      clearTimeout(request.e);
      try {
        host.n(request.o);
      } catch (error) {
        return request.c(error);
      }
      const number = ++count;
      request.p = true;
      host.a("send", request.o, number);
      if (request.F) return request.c(null, {});
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
      G: () => queue.length,
      H: () => pending.size,
      j: (body, { volatile, noReply, ...options } = {}, now) => new Promise((resolve2, reject) => {
        let release;
        const request = {
          o: body,
          F: noReply,
          p: false,
          e: 0,
          c(error, answer) {
            release?.();
            if (!request.p) clearTimeout(request.e);
            if (error) reject(error);
            else resolve2(answer);
          }
        };
        const give = (error) => {
          error.mayHaveRun = request.p;
          queue = queue.filter((other) => other !== request);
          request.c(error);
        };
        const drop = (why) => give(new StellarError("dropped", why));
        release = watch({ timeout: requestTimeout, ...options }, give);
        if (!release) return;
        if (now) return transmit(request);
        queue.push(request);
        flush();
        if (!queue.includes(request)) return;
        if (volatile) return drop("Not sent at once");
        if (queueAge) {
          request.e = setTimeout(drop, queueAge, "Waited too long");
          request.e.unref?.();
        }
        if (queue.length > queueSize) {
          queue.shift().c(new StellarError("dropped", "Queue is full"));
        }
      }),
      I: flush,
      J(answer) {
        const request = done(answer.messageCount);
        if (!request) return;
        let { error, status } = answer;
        if (!isAction(request) && status !== "OK") error ??= status;
        request.c(error != null && serverError(error, answer), answer);
        flush();
      },
      l({ code, message, cause }) {
        count = 0;
        for (const number of pending.keys()) {
          done(number).c(new StellarError(code, message, true, cause));
        }
      },
      m({ code, message, cause }) {
        for (const request of queue.splice(0)) {
          request.c(new StellarError(code, message, false, cause));
        }
      }
    };
  }

  // src/scope.ts
  var scoped = (room, event) => `[${room}].${event}`;
  var Scope = class _Scope {
    constructor(_client, rooms) {
      this.k = _client;
      this.h = [rooms].flat();
    }
    /** Adds rooms. */
    to(rooms) {
      return new _Scope(this.k, this.h.concat(rooms));
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
    emit(event, data) {
      return Promise.all(this.h.map((room) => this.k.t(room, event, data)));
    }
    /** Calls `fn(data, message)` when the event happens in one of the rooms. */
    on(event, fn) {
      for (const room of this.h) this.k.on(scoped(room, event), fn);
      return this;
    }
    /** Takes {@link on} back. */
    off(event, fn) {
      for (const room of this.h) this.k.off(scoped(room, event), fn);
      return this;
    }
  };

  // src/transports/own/adapter.ts
  var name = "own";

  // src/transports/own/primus.ts
  var primus = (socket, { open, message, close }) => {
    if (!socket.end) return;
    let cause;
    const listeners = {
      open,
      error: (error) => cause = error,
      data: message,
      // Not at once: its timer starts after this, and would go on when it is ended before.
      "reconnect scheduled": () => setTimeout(() => close(1006, String(cause ?? "lost"), void 0, cause)),
      end: () => message("primus::server::close")
    };
    const each = (verb) => {
      for (const event in listeners) socket[verb](event, listeners[event]);
    };
    each("on");
    if (socket.readyState === 3) setTimeout(open);
    else socket.open();
    return {
      name,
      watched: true,
      send: (_, message2) => socket.write(message2),
      close() {
        each("removeListener");
        socket.end();
      }
    };
  };

  // src/transports/own/own.ts
  var ownSocket = (given, adapters) => (_, events) => {
    const socket = typeof given === "function" ? given() : given;
    for (const adapter of [primus, ...adapters]) {
      const transport = adapter(socket, events);
      if (transport) return transport;
    }
    throw new TypeError("No engine for this socket here");
  };

  // src/client.ts
  var reserved = /^((dis)?connected|error|reconnect(ing)?|message|alert|api|welcome|say|state|send)$|^\[/;
  var Client = class extends Emitter {
    constructor(options, { codec, transports, fallback, own }, transport) {
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
      this.u = [];
      const o = this.options = resolve(typeof options === "string" ? { url: options } : options);
      const given = o.transport ?? transport;
      const connect = given ? ownSocket(given, own) : fallback ? fallback(o, transports) : transports[o.transports.find((name2) => transports[name2])]?.[0];
      const parser = (o.parser ?? codec.name).toLowerCase();
      if (!connect || parser !== codec.name) {
        throw new StellarError("unsupported", `No engine of ${o.transports} with ${parser} here`);
      }
      this.i = new Set(o.rooms);
      this.b = requests(this, o);
      this.f = connection(this, o, codec, connect);
    }
    /** Where the client is. */
    get state() {
      return this.f.B();
    }
    /** The live connection underneath, if there is one; its `name` is the engine's. */
    get transport() {
      return this.f.C();
    }
    /** How many requests wait to be sent. */
    get queued() {
      return this.b.G();
    }
    /** How many requests wait for their answer. */
    get pending() {
      return this.b.H();
    }
    /**
     * Connects. Tells the details of the connection, or the error of the first attempt; after
     * an error it keeps trying unless told not to, and `connected` comes when it succeeds. An
     * open connection is closed and a new one made.
     */
    connect(callback) {
      const promise = new Promise((...waiting) => {
        this.u.push(waiting);
      });
      promise.catch(() => {
      });
      this.f.D();
      return tell(promise, callback);
    }
    /** Ends the connection for good; what waits for an answer or to be sent is rejected. */
    disconnect(callback) {
      this.f.E();
      return tell(Promise.resolve(), callback);
    }
    action(name2, ...rest) {
      const params = typeof rest[0] === "object" && rest.shift();
      const [callback, limits] = tail(rest);
      const all = { ...params, action: name2 };
      const answer = intercept(
        this,
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
      return this.d({ event: "roomAdd", room }, rest, () => this.q(room, "add"));
    }
    /** Leaves a room. */
    roomLeave(room, ...rest) {
      return this.d({ event: "roomLeave", room }, rest, () => this.q(room, "delete"));
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
    /**
     * Sends a message of the protocol as it is, and tells its answer. The callback is
     * `(answer, error)`.
     */
    send(message, ...rest) {
      return this.d(message, rest, void 0, true);
    }
    /** Sends an event to the default room. */
    emit(event, data) {
      return this.t(this.options.defaultRoom, event, data);
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
    t(room, event, data = null) {
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
    async y() {
      const ask = (body) => this.b.j(body, { timeout: 0 }, true).catch((error) => {
        if (!error.response) throw error;
        if (error.code !== "017") {
          this.i.delete(body.room);
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
    z() {
      this.b.I();
      const { details } = this;
      this.r(0, details);
      if (this.v) this.a("reconnect", details);
      this.v = true;
      if (this.state === "connected") this.a("connected", details);
    }
    /** @internal */
    n(message) {
      this.f.n(message);
    }
    /** @internal */
    l(error) {
      this.b.l(error);
    }
    /** Settles what waits for the connection. */
    r(place, outcome) {
      for (const waiting of this.u.splice(0)) waiting[place](outcome);
    }
    /** @internal */
    s(error) {
      this.r(1, error);
      this.a("error", error);
    }
    /** @internal */
    m(error) {
      this.r(1, error);
      this.b.m(error);
    }
    q(room, change) {
      const rooms = new Set(this.rooms);
      for (const set2 of [this.i, rooms]) set2[change](room);
      this.rooms = [...rooms];
    }
    /** @internal */
    A(message) {
      this.a("message", message);
      const { context, message: said, room, welcome } = message ?? {};
      if (context === "response") this.b.J(message);
      else if (context === "user") {
        const { event, data } = said ?? {};
        if (event === "destroy" && data?.code === "018") this.q(room, "delete");
        this.a("say", message);
        if (typeof event !== "string") return this.a(scoped(room, "message"), said, message);
        if (!reserved.test(event)) this.a(event, data, message);
        this.a(scoped(room, event), data, message);
      } else if (context === "api" && welcome != null) {
        this.welcomeMessage = welcome;
        this.a("welcome", message);
      } else if (context === "alert" || context === "api") this.a(context, message);
    }
  };
  function unwrap(answer) {
    const { data } = answer;
    return typeof data === "object" ? { ...data, ...answer } : answer;
  }

  // src/codec/json.ts
  var json = {
    name: "json",
    encode: JSON.stringify,
    decode: JSON.parse
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
