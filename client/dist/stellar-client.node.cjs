/*! stellar-client 0.1.0 | MIT */
var __defProp = Object.defineProperty;
var __getOwnPropDesc = Object.getOwnPropertyDescriptor;
var __getOwnPropNames = Object.getOwnPropertyNames;
var __hasOwnProp = Object.prototype.hasOwnProperty;
var __export = (target, all) => {
  for (var name4 in all)
    __defProp(target, name4, { get: all[name4], enumerable: true });
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

// src/index.ts
var index_exports = {};
__export(index_exports, {
  Stellar: () => StellarClient,
  StellarClient: () => StellarClient,
  StellarError: () => StellarError,
  createClient: () => createClient,
  default: () => StellarClient
});
module.exports = __toCommonJS(index_exports);

// <define:$settings>
var define_settings_default = {};

// src/callbacks.ts
function callbackAndOptions(args) {
  return [
    args.find((arg) => typeof arg === "function"),
    args.find((arg) => arg && typeof arg === "object") ?? {}
  ];
}
function withCallback(promise, callback, answerFirst) {
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
  const spread = attempt < 2 ? random() : (1 + random()) * factor ** (attempt - 1);
  return Math.min(Math.round(spread * min) || 1, max, 2 ** 31 - 1);
}

// src/errors.ts
var StellarError = class extends Error {
  /** Creates an error. `cause` is the underlying error. */
  constructor(code, message, mayHaveRun = false, cause) {
    super(message, cause && { cause });
    this.name = "StellarError";
    this.code = code;
    this.mayHaveRun = mayHaveRun;
  }
};
var asError = (error, code, mayHaveRun) => error instanceof StellarError ? error : new StellarError(code, String(error), mayHaveRun, error);
function serverError(error, response) {
  const first = typeof error === "object" && error.message === void 0 ? Object.values(error)[0] : error;
  const code = String(error.code ?? first?.code ?? "error");
  return Object.assign(new StellarError(code, String(first?.message ?? first)), { error, response });
}

// src/codec/json.ts
var json = {
  name: "json",
  encode: (message) => (
    // `stringify` escapes them. The first alternative skips escaped backslashes.
    JSON.stringify(message)?.replace(
      /\\(?:\\|ud[89a-f]..)/g,
      (found) => found[1] === "u" ? "�" : found
    )
  ),
  decode: JSON.parse
};

// src/values.ts
var invalid = (text) => new StellarError("invalid", text);
function valid(make) {
  try {
    return make();
  } catch (error) {
    throw asError(error, "invalid");
  }
}
var isObject = (value) => !!value && typeof value === "object" && !Array.isArray(value);
var fields = (params) => valid(() => {
  if (typeof params?.toJSON === "function") params = params.toJSON("params");
  if (params != null && !isObject(params)) throw invalid("Parameters must be an object");
  return { ...params };
});
var asJson = (params) => valid(() => {
  const text = json.encode(params);
  return [JSON.parse(text), text];
});
var pack = (body, codec, most) => valid(() => {
  const payload = codec.encode(body);
  const message = payload && codec.decode(payload);
  if (!isObject(message)) throw invalid("A message must be an object");
  if (payload.length * 3 > most) {
    const { length } = typeof payload === "string" ? new TextEncoder().encode(payload) : payload;
    if (length > most) throw invalid(`Too long: ${length} bytes of ${most}`);
  }
  const { event, params } = body;
  const named = Object(event === "action" || event === "event" ? params : body);
  for (const name4 of event === "action" ? [event] : ["event", "file", "room"]) {
    if (name4 in named && typeof named[name4] !== "string") throw invalid(`${name4} must be a string`);
  }
  if (event === "say" && "message" in body && !("message" in message)) {
    throw invalid("There is no message");
  }
  return [message, payload];
});

// src/deadline.ts
var after = (ms, fn) => ms < 2 ** 31 ? setTimeout(fn, ms) : void 0;
function watch({ timeout, signal }, fail) {
  const abort = () => fail(new StellarError("aborted", "Aborted"));
  if (signal?.aborted) return abort();
  valid(() => signal?.addEventListener("abort", abort));
  const timer = timeout && after(timeout, () => fail(new StellarError("timeout", `No answer in ${timeout} ms`)));
  return () => {
    clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
  };
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
    for (const name4 in other) if (other[name4] != null) options[name4] = other[name4];
  }
  return options;
}
function check(given, usual) {
  for (const name4 in given) {
    const [value, sample] = [given[name4], usual[name4]];
    if (!(name4 in usual)) console.warn(`StellarClient: no option ${name4}`);
    else if (value != null && sample != null && (typeof value !== typeof sample && !/^(query|WebSocket|reconnect)$/.test(name4) || !(typeof value !== "number" || value >= 0) || sample.map && !value.every?.((item) => typeof item === "string"))) {
      throw invalid(`The option ${name4} is no ${sample.map ? "list of names" : typeof sample}`);
    }
  }
}
var resolve = (options) => valid(() => {
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
    WebSocket: globalThis.WebSocket,
    fetch: globalThis.fetch
  };
  const retries2 = { min: 500, max: 3e4, factor: 2, retries: null };
  check(options, {
    ...usual,
    ...{ url: "", apiPath: "", parser: "", version: "", paths: {}, pingTimeout: 0 },
    ...{ transport: null, reconnect: retries2 }
  });
  check(options.reconnect, { ...retries2, retries: 0, "reconnect timeout": 0 });
  const known = ["ws", "engine.io", "socket.io", "sockjs"].concat(define_settings_default.transports ?? []);
  const strange = options.transports?.find((name4) => !known.includes(name4));
  if (strange) throw new StellarError("unsupported", `No engine ${strange} of ${known}`);
  const o = set(usual, define_settings_default, { api: options.apiPath }, options);
  o.url = new URL(o.url).href.replace(/^ws/, "http");
  if (!/^http/.test(o.url)) throw invalid("The option url is no address of the web");
  if (typeof o.query !== "function") connectionUrl(o, o.query);
  o.pingTimeout ??= o.pingInterval * 1.5;
  o.reconnect = o.reconnect !== false && set(retries2, o.reconnect);
  return o;
});
function connectionUrl({ url, path }, query) {
  const address2 = new URL(url);
  address2.pathname = path;
  if (query && (typeof query !== "object" || Symbol.iterator in query)) {
    throw invalid("The query must be an object");
  }
  for (const name4 in query) {
    const value = query[name4];
    if (value == null) continue;
    if (/object|function|symbol/.test(typeof value)) throw invalid(`query.${name4} must be a text`);
    address2.searchParams.set(name4, value);
  }
  return address2;
}

// src/connection.ts
function connection(host, options, codec, connect) {
  const { reconnect } = options;
  let state = "idle";
  let transport = null;
  let round = 0;
  let attempt = 0;
  let spent = 0;
  let spread = 0;
  let timer;
  let heartbeat;
  let unwatch;
  const become = (next) => {
    const previous = state;
    state = next;
    host.O(next, previous);
  };
  const send = (payload, message) => transport.send(payload, message);
  const dial = () => {
    const own = ++round;
    const later = attempt && reconnect["reconnect timeout"];
    const limit = later || options.timeout;
    const current = (listener) => (...args) => own === round && listener(...args);
    let opened = false;
    timer = after(limit, () => fail(new StellarError("timeout", `No connection in ${limit} ms`)));
    const events = {
      open: current(() => {
        opened = true;
        beat();
        host.P().then(current(ready), current(fail));
      }),
      data: current((payload) => {
        let message;
        try {
          message = codec.decode(payload);
        } catch (error) {
          return host.a("error", asError(error, "decode"));
        }
        receive(message);
      }),
      message: current(receive),
      close: current((code, reason, refusal, cause) => {
        const error = refusal && new StellarError("refused", refusal.message);
        if (error) end("refused", Object.assign(error, refusal), true);
        else {
          const text = `No connection: ${code} ${reason}`;
          fail(new StellarError(opened ? "closed" : "offline", text, false, cause));
        }
      })
    };
    const unusable = (error) => end("closed", asError(error, "unsupported"), true);
    const go = (query2, WebSocket2) => {
      try {
        const url = connectionUrl(options, query2);
        transport = connect({ ...options, WebSocket: WebSocket2, url, codec }, events);
      } catch (error) {
        unusable(error);
      }
    };
    const { query, WebSocket } = options;
    if (typeof query !== "function" && !(WebSocket instanceof Promise)) return go(query, WebSocket);
    const resolveQuery = async () => typeof query === "function" ? query() : query;
    resolveQuery().then(
      async (query2) => {
        const found = await Promise.resolve(WebSocket).catch(current(unusable));
        current(go)(query2, found);
      },
      // The next attempt calls the function again.
      current((error) => fail(asError(error, "invalid")))
    );
  };
  const ready = () => {
    clearTimeout(timer);
    attempt = spent = 0;
    become("connected");
    host.Q();
  };
  const receive = (message) => {
    const control = typeof message === "string" && /^primus::(ping|id)::(.+)/.exec(message);
    if (control) {
      beat();
      if (control[1] === "ping") {
        const pong = "primus::pong::" + control[2];
        send(codec.encode(pong), pong);
      }
    } else if (message === "primus::server::close") {
      end("closed", new StellarError("closed", "Closed by server"));
    } else host.R(message);
  };
  const beat = () => {
    clearTimeout(heartbeat);
    if (options.pingTimeout > 0 && !transport.watched) {
      heartbeat = after(options.pingTimeout, () => fail(new StellarError("timeout", "No ping")));
    }
  };
  const leave = (error) => {
    const old = transport;
    round++;
    clearTimeout(timer);
    clearTimeout(heartbeat);
    transport = null;
    old?.close();
    host.m(error);
  };
  const fail = (error) => {
    const lost = state === "connected";
    if (!reconnect || !isOffline() && spent++ >= (reconnect.retries ?? Infinity)) {
      return end("closed", error, !lost, !!reconnect);
    }
    leave(error);
    const delays = ++attempt < 2 && spread ? { ...reconnect, min: spread, max: spread } : reconnect;
    const delay = backoff(attempt, delays);
    spread = 0;
    const next = { attempt, delay };
    const own = round;
    timer = setTimeout(dial, delay);
    become(isOffline() ? "offline" : "reconnecting");
    if (lost) host.a("disconnected", error);
    else host.E(error);
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
  const ignore = () => {
    unwatch?.();
    unwatch = void 0;
  };
  const end = (last, error, failed, resumable) => {
    leave(error);
    if (resumable) attempt ||= 1;
    else ignore();
    become(last);
    if (failed) host.E(error);
    host.w(error);
    host.a("disconnected", error);
  };
  return {
    x: () => state,
    S: () => transport,
    T() {
      attempt = spent = 0;
      unwatch ??= watchNetwork({
        online() {
          spent = 0;
          attempt &&= 1;
          again(true);
        },
        offline: () => state === "closed" || fail(new StellarError("offline", "No network")),
        // The page is visible again. The event bubbles from the document to the window.
        visibilitychange: () => document.hidden || state === "closed" || again(false)
      });
      begin("connecting");
    },
    U() {
      ignore();
      if (state !== "closed") end("closed", new StellarError("closed", "Closed"));
    },
    V(ms) {
      spread = Number(ms) || 0;
    },
    y: send
  };
}

// src/emitter.ts
var Emitter = class {
  constructor() {
    this.q = [];
  }
  /** Calls `fn` on every event `name`. */
  on(name4, fn) {
    return this.n(name4, fn);
  }
  /** Calls `fn` on the next event `name` only. */
  once(name4, fn) {
    return this.n(name4, fn, true);
  }
  /** Removes `fn` from `name`. Without `fn`: all listeners of `name`. Without both: all listeners. */
  off(name4, fn) {
    this.q = this.q.filter(
      ([its, own]) => name4 && (its !== name4 || fn && own !== fn)
    );
    return this;
  }
  /** Alias of {@link on}. */
  addListener(name4, fn) {
    return this.on(name4, fn);
  }
  /** Alias of {@link off}. */
  removeListener(name4, fn) {
    return this.off(name4, fn);
  }
  /** Removes all listeners of `name`, or of all events. */
  removeAllListeners(name4) {
    return this.off(name4);
  }
  /** @internal */
  n(name4, fn, once) {
    this.q.push([name4, fn, once]);
    return this;
  }
  /** @internal */
  a(name4, ...args) {
    for (const [its, fn, once] of [...this.q]) {
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

// src/http.ts
async function httpAction({ url, api, fetch }, { httpMethod = "POST", ...params }, limits) {
  if (typeof params.action !== "string") throw invalid("action must be a string");
  const [fields2, body] = asJson(params);
  const method = String(httpMethod).toUpperCase();
  if (!/^(GET|POST|PUT|PATCH|DELETE)$/.test(method)) throw invalid(`No method ${method}`);
  const get = method === "GET";
  const address2 = new URL(api, url);
  if (get) {
    for (const [name4, value] of Object.entries(fields2)) {
      if (value === null) continue;
      const text = typeof value === "object" ? JSON.stringify(value) : String(value);
      address2.searchParams.set(name4, text);
    }
  }
  const controller = new AbortController();
  let failure;
  const release = watch(limits, (error) => controller.abort(failure = error));
  if (!release) throw failure;
  let status = 0;
  try {
    const response = await fetch(address2.href, {
      method,
      signal: controller.signal,
      ...!get && { body, headers: { "content-type": "application/json" } }
    });
    status = response.status;
    const answer = await response.json();
    if (answer?.error == null && status < 400) return answer;
    failure = serverError(answer?.error ?? `HTTP ${status}`, answer);
  } catch (error) {
    failure = error instanceof StellarError ? error : new StellarError(
      status ? "http" : "offline",
      `HTTP ${status}: ${error.cause ?? error}`,
      true,
      error
    );
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
  const isAction = (request) => request.r.event === "action";
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
    clearTimeout(request.b);
    try {
      host.y(request.W, request.r);
    } catch (error) {
      return request.f(asError(error, "closed"));
    }
    const number = ++count;
    request.z = true;
    request.F = request.A?.();
    host.a("send", request.r, number);
    if (request.X) {
      request.f(null, {});
      if (!request.F) return;
    }
    pending.set(number, request);
    if (!isAction(request)) return;
    running++;
    if (actionTimeout) {
      request.b = after(actionTimeout + grace, () => {
        request.f(new StellarError("timeout", `No answer in ${actionTimeout} ms`, true));
        done(number);
        flush();
      });
    }
  };
  const done = (number) => {
    const request = pending.get(number);
    if (pending.delete(number)) {
      clearTimeout(request.b);
      if (isAction(request)) running--;
    }
    return request;
  };
  return {
    Y: () => queue.length,
    Z: () => pending.size,
    s: (body, limits2, now, follow) => new Promise((resolve2, reject) => {
      const { volatile, noReply, ...options } = valid(
        () => ({ timeout: requestTimeout, ...limits2 })
      );
      const [_body, _payload] = host._(body);
      const { state } = host;
      if (/^(clos|refus)ed$/.test(state)) throw new StellarError(state, "Not connected");
      let release;
      const request = {
        r: _body,
        W: _payload,
        X: noReply,
        z: false,
        A: follow,
        b: 0,
        f(error, answer) {
          release?.();
          if (!request.z) clearTimeout(request.b);
          if (error) reject(error);
          else resolve2(answer);
        }
      };
      const give = (error) => {
        error.mayHaveRun = request.$ = request.z;
        queue = queue.filter((other) => other !== request);
        request.f(error);
      };
      const drop = (why) => give(new StellarError("dropped", why));
      release = watch(options, give);
      if (!release) return;
      if (now) return transmit(request);
      queue.push(request);
      flush();
      if (!queue.includes(request)) return;
      if (volatile) return drop("Not sent at once");
      if (queueAge) {
        request.b = after(queueAge, () => drop("Waited too long"));
        request.b?.unref?.();
      }
      if (queue.length > queueSize) {
        queue.shift().f(new StellarError("dropped", "Queue is full"));
      }
    }),
    aa: (room) => queue.some(({ r: _body }) => (_body.room ?? _body.params?.room) === room),
    B: flush,
    ba(answer) {
      const request = done(answer.messageCount);
      if (!request) return;
      let { error, status } = answer;
      if (!isAction(request) && status !== "OK") error ??= status;
      let failure = error != null ? serverError(error, answer) : void 0;
      if (request.F?.(answer, failure, request.$)) {
        failure = void 0;
        answer = { ...answer, status: "OK", data: true, error: null };
      }
      request.f(failure, answer);
      flush();
    },
    m({ code, message, cause }) {
      count = 0;
      for (const number of pending.keys()) {
        done(number).f(new StellarError(code, message, true, cause));
      }
    },
    w({ code, message, cause }) {
      for (const request of queue.splice(0)) {
        request.f(new StellarError(code, message, false, cause));
      }
    }
  };
}

// src/rooms.ts
var isTemporary = ({ code }) => /^(00[167]|02[456]|timeout)$/.test(code);
var retries = { min: 500, max: 3e4, factor: 2, retries: null };
function memberships(host, names2, patience2) {
  const rooms = /* @__PURE__ */ new Map();
  const dirty = /* @__PURE__ */ new Set();
  let seen = /* @__PURE__ */ new Set();
  let round = 1;
  let live = false;
  let stale = false;
  let requesting = false;
  let inFlight = 0;
  let limit = 1;
  let growth = 1;
  const rate = { o: 0 };
  let settled = () => {
  };
  let deadline;
  const get = (_name) => {
    let room = rooms.get(_name);
    if (!room) {
      room = { h: _name, t: 0, u: 0, i: 0, o: 0, p: null };
      rooms.set(_name, room);
    }
    return room;
  };
  const list = (which) => [...rooms.values()].filter(which).map(({ h: _name }) => _name);
  const want = (room, wanted) => {
    room.j = room.ca = wanted;
  };
  const state = ({ h: _name, d: _in, p: _error }) => ({ room: _name, joined: !!_in, error: _error });
  const set2 = (room, joined, itself = 0, error = null) => {
    if (!room.d === joined || room.p !== error) dirty.add(room);
    if (!room.d) rooms.delete(room.h);
    rooms.set(room.h, room);
    clearTimeout(room.b);
    room.b = room.o = 0;
    room.d = joined;
    room.u = itself;
    room.p = error;
  };
  const flush = () => {
    for (const room of dirty) {
      dirty.delete(room);
      host.a("membership", state(room));
    }
  };
  const wait = (pause) => {
    clearTimeout(pause.b);
    pause.b = setTimeout(
      () => {
        pause.b = 0;
        next();
      },
      // Starts with the delay of a second attempt, which has a minimum.
      backoff(++pause.o + 1, retries)
    );
  };
  const follow = (room, join, own) => {
    const at = round;
    const last = own ? 0 : room.da = {};
    let due = 1;
    room.i++;
    if (own) inFlight++;
    else if (!join) want(room, false);
    return (_, error, abandoned) => {
      if (at !== round) return;
      room = get(room.h);
      room.i -= due;
      if (own) inFlight -= due;
      due = 0;
      const code = error?.code;
      const already = join ? code === "017" : code === "016" || code === "019";
      const forgiven = already && room.u === at && !room.d === !join;
      if (!error || already) {
        set2(room, join, own || abandoned ? at : 0);
        if (own) {
          limit += growth;
          if (rate.o) rate.o--;
        } else if (join && !abandoned && room.da === last) want(room, true);
      } else {
        const again = isTemporary(error);
        if (own && join) {
          room.p = error;
          dirty.add(room);
          if (!again) {
            want(room, false);
            host.a("error", error);
          }
        }
        if (code === "025") {
          limit = 1;
          growth = 0;
          if (!rate.b) wait(rate);
        } else if (again || !join) wait(room);
      }
      next();
      return forgiven;
    };
  };
  const next = () => {
    if (live && !rate.b) {
      if (stale && !requesting) requestDetails();
      for (const room of [...rooms.values()]) {
        const { h: name4, j: join = false } = room;
        if (room.i || room.b) continue;
        if (join !== !!room.d) {
          if (inFlight >= limit) continue;
          const settle = follow(room, join, true);
          host.ea(join, name4, settle).catch((error) => error.response || settle({}, error));
        } else if (!join && !room.t && room.u !== round) rooms.delete(name4);
      }
    }
    if (!inFlight && !requesting && !stale) settled();
    flush();
  };
  const requestDetails = () => {
    const at = round;
    stale = false;
    requesting = true;
    const settle = (_, error) => {
      if (at !== round) return;
      requesting = false;
      if (!error) {
        deadline ??= after(patience2, settled);
      } else if (isTemporary(error)) {
        stale = true;
        wait(rate);
      } else host.a("error", error);
      next();
    };
    host.fa(settle).catch((error) => error.response || settle({}, error));
  };
  for (const name4 of names2) want(get(name4), true);
  return {
    d: () => list(({ d: _in }) => _in),
    j: () => list(({ j: _wanted }) => _wanted),
    x: (name4) => state(get(name4)),
    ga(name4) {
      const room = get(name4);
      let holding = 1;
      room.t++;
      if (!room.j) {
        room.j = true;
        room.p = null;
      }
      next();
      return () => {
        room.t -= holding;
        holding = 0;
        setTimeout(() => {
          if (room.t || room.ca) return;
          room.j = false;
          next();
        }, 0);
      };
    },
    A: (join, name4) => follow(get(name4), join),
    ha(name4) {
      if (live || !rooms.has(name4)) return;
      want(get(name4), false);
      get(name4).u = round;
    },
    ia() {
      live = stale = true;
      seen = /* @__PURE__ */ new Set();
      return new Promise((resolve2) => {
        settled = resolve2;
        next();
      });
    },
    m() {
      round++;
      live = stale = requesting = false;
      clearTimeout(rate.b);
      clearTimeout(deadline);
      inFlight = rate.b = 0;
      limit = 1;
      deadline = void 0;
      for (const room of rooms.values()) {
        clearTimeout(room.b);
        if (room.d) dirty.add(room);
        room.d = false;
        room.i = room.b = 0;
      }
    },
    B: flush,
    ja(list2) {
      for (const name4 of list2) {
        const room = get(name4);
        if (room.d) continue;
        if (!room.i) want(room, true);
        set2(room, true, round);
      }
      for (const room of [...rooms.values()]) {
        const { h: name4 } = room;
        if (!room.d || list2.includes(name4)) continue;
        if (!room.i) want(room, false);
        set2(room, false, 0, new StellarError("016", `Taken out of the room (${name4})`));
      }
    },
    ka(name4, error) {
      const room = get(name4);
      want(room, false);
      set2(room, false, 0, error);
      next();
    },
    C(name4, member) {
      if (member !== void 0) {
        const room = rooms.get(name4);
        if (requesting || room?.i || !room?.d !== member || seen.has(name4)) return;
        seen.add(name4);
      }
      stale = live;
      next();
    }
  };
}

// src/scope.ts
var scoped = (room, event) => `[${String(room).replace(/]/g, "]]")}].${event}`;
var Scope = class _Scope {
  constructor(_client, rooms) {
    this.v = _client;
    this.l = [rooms].flat();
  }
  /** Returns a scope with additional rooms. */
  to(rooms) {
    return new _Scope(this.v, this.l.concat(rooms));
  }
  /** Alias of {@link to}, which reads better for listeners. */
  from(rooms) {
    return this.to(rooms);
  }
  /** Alias of {@link to}. */
  for(rooms) {
    return this.to(rooms);
  }
  /** Sends an event to each of the rooms. */
  async emit(event, data) {
    for (const room of this.l) if (typeof room !== "string") throw invalid("A room must be a string");
    return Promise.all(this.l.map((room) => this.v.G(room, event, data)));
  }
  /** Calls `fn(data, message)` on every such event in one of the rooms. */
  on(event, fn) {
    for (const room of this.l) this.v.on(scoped(room, event), fn);
    return this;
  }
  /** Removes listeners added with {@link on}. */
  off(event, fn) {
    for (const room of this.l) this.v.off(scoped(room, event), fn);
    return this;
  }
};

// src/transports/own/adapter.ts
var name = "own";
var serverClose = "primus::server::close";
function listen(socket, listeners) {
  for (const event in listeners) socket.on(event, listeners[event]);
  return () => {
    for (const event in listeners) socket.removeListener(event, listeners[event]);
  };
}

// src/transports/own/primus.ts
var primus = (socket, { open, message, close }) => {
  if (!socket.end) return;
  let cause;
  const listeners = {
    open,
    error: (error) => cause = error,
    data: message,
    // Deferred: the client starts its timer after this event, and ending it before would not stop
    // the timer.
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
var reserved = /^((dis)?connected|error|reconnect(ing)?|me(ssage|mbership)|alert|api|welcome|say|state|send)$|^\[/;
var names = "connected disconnected reconnect reconnecting message membership welcome error".split(" ");
var letters = (name4) => [...new Set(name4.toLowerCase())].sort().join();
var Client = class extends Emitter {
  constructor(options, { codec, transports, fallback: fallback2, own }, transport) {
    super();
    /** The id of the connection; `null` until connected. Changes with every reconnect. */
    this.id = null;
    /** The session that the connection belongs to. */
    this.fingerprint = null;
    /** The server's view of the connection, updated on every connect and by {@link configure}. */
    this.details = null;
    /** The text of the server's greeting. */
    this.welcomeMessage = null;
    /** Functions that see an action's parameters before it is sent; see {@link Interceptor}. */
    this.interceptors = [];
    this.I = [];
    const o = this.options = resolve(typeof options === "string" ? { url: options } : options);
    const given = o.transport ?? transport;
    const connect = given ? ownSocket(given, own) : fallback2 ? fallback2(o, transports) : transports[o.transports.find((name4) => transports[name4])]?.[0];
    const parser = (o.parser ?? codec.name).toLowerCase();
    if (!connect || parser !== codec.name) {
      throw new StellarError("unsupported", `No engine of ${o.transports} with ${parser} here`);
    }
    this.e = requests(this, o);
    this.c = memberships(this, o.rooms, o.timeout / 2);
    this.H = codec;
    this.k = connection(this, o, codec, connect);
  }
  /** The state of the connection. */
  get state() {
    return this.k.x();
  }
  /** The transport in use, or `null`. Its `name` is the engine's. */
  get transport() {
    return this.k.S();
  }
  /** The rooms that the connection is a member of. Empty while disconnected. */
  get rooms() {
    return this.c.d();
  }
  /**
   * The rooms that the client joins on every connection.
   *
   * Contains the rooms of the option `rooms`, joined rooms, and rooms to which the server added the
   * connection. Excludes rooms that were left, refused permanently or destroyed, and rooms from which
   * the server removed the connection.
   */
  get wanted() {
    return this.c.j();
  }
  /** The number of requests that are not sent yet. */
  get queued() {
    return this.e.Y();
  }
  /** The number of requests that are sent and not answered yet. */
  get pending() {
    return this.e.Z();
  }
  /**
   * Connects to the server. Closes an open connection first.
   *
   * Resolves with the details of the connection and rejects with the error of the first attempt.
   * After an error the client keeps trying, unless the option `reconnect` is `false`, and emits
   * `connected` on success.
   */
  connect(callback) {
    const promise = new Promise((...settle) => {
      this.I.push(settle);
    });
    promise.catch(() => {
    });
    this.k.T();
    return withCallback(promise, callback);
  }
  /** Closes the connection permanently. Rejects every queued and pending request. */
  disconnect(callback) {
    this.k.U();
    return withCallback(Promise.resolve(), callback);
  }
  action(name4, ...rest) {
    const params = typeof rest[0] === "function" ? null : rest.shift();
    const [callback, limits] = callbackAndOptions(rest);
    const answer = new Promise((resolve2) => {
      const all = { ...fields(params), action: name4 };
      const request = () => {
        if (this.state === "connected" || !this.options.fetch) {
          return this.e.s({ event: "action", params: all }, limits);
        }
        const { requestTimeout } = this.options;
        return valid(() => httpAction(this.options, all, { timeout: requestTimeout, ...limits }));
      };
      resolve2(intercept(this, all, request));
    });
    return withCallback(answer, callback, true);
  }
  say(...args) {
    if (args.length < 2 || typeof args[1] === "function") args.unshift(this.options.defaultRoom);
    const [room, message, ...rest] = args;
    return this.g({ event: "say", room, message }, rest);
  }
  /** Returns the server's view of the connection. */
  detailsView(...rest) {
    return this.g({ event: "detailsView" }, rest);
  }
  /** Requests the details and stores them in `details`, `id`, `fingerprint` and `rooms`. */
  configure(...rest) {
    return this.g({ event: "detailsView" }, rest, (answer) => this.K(answer));
  }
  /**
   * Returns the members of a room. The callback is `(answer, error)`.
   *
   * Large rooms are paginated: pass `next` of a response as the option `after` for the next page.
   */
  roomView(room, ...rest) {
    const { limit, after: after2 } = callbackAndOptions([...rest])[1];
    const page = limit == null && after2 == null ? {} : { params: { limit, after: after2 } };
    return this.g({ event: "roomView", room, ...page }, rest, void 0, true);
  }
  /**
   * Joins a room, also after every reconnect.
   *
   * Succeeds if the client has already rejoined the room by itself. Rejects with any refusal
   * without a retry; {@link subscribe} retries.
   */
  roomAdd(room, ...rest) {
    return this.g({ event: "roomAdd", room }, rest);
  }
  /** Leaves a room. The client does not rejoin it, even if the server refuses the request. */
  roomLeave(room, ...rest) {
    return this.g({ event: "roomLeave", room }, rest);
  }
  /**
   * Stays in a room until the returned function is called.
   *
   * Joins the room on every connection, and retries after temporary refusals, such as a full room.
   * `changed` is called immediately and on every change. The end of the last subscription leaves
   * the room, unless it was also joined with {@link roomAdd}.
   */
  subscribe(room, changed) {
    const listener = (membership) => {
      if (membership.room === room) changed(membership);
    };
    const release = this.c.ga(room);
    this.n("membership", listener);
    changed(this.c.x(room));
    return () => {
      this.off("membership", listener);
      release();
    };
  }
  /** Joins a room. Alias of {@link roomAdd}. */
  join(room, ...rest) {
    return this.roomAdd(room, ...rest);
  }
  /** Leaves a room. Alias of {@link roomLeave}. */
  leave(room, ...rest) {
    return this.roomLeave(room, ...rest);
  }
  file(path, ...rest) {
    const [callback, limits] = callbackAndOptions(rest);
    const request = async () => {
      const { as } = limits;
      if (as && !/^(bytes|blob)$/.test(String(as))) throw invalid("The option as is bytes or blob");
      return decodeFile(await this.e.s({ event: "file", file: path }, limits), as);
    };
    return withCallback(request(), callback, true);
  }
  /** Sends a raw protocol message. Resolves with the response. The callback is `(answer, error)`. */
  send(message, ...rest) {
    return this.g(message, rest, void 0, true);
  }
  /** Sends an event to the default room. */
  emit(event, data) {
    return this.G(this.options.defaultRoom, event, data);
  }
  /** Returns a scope that sends events to rooms and listens to events of rooms. */
  to(rooms) {
    return new Scope(this, rooms);
  }
  /** Alias of {@link to}, which reads better for listeners. */
  from(rooms) {
    return this.to(rooms);
  }
  /** Alias of {@link to}. */
  for(rooms) {
    return this.to(rooms);
  }
  /** Sets the room that `say` and `emit` use by default. */
  setDefaultRoom(room) {
    this.options.defaultRoom = room;
  }
  /** @internal */
  n(name4, fn, once) {
    const own = names.find(
      (own2) => Math.abs(own2.length - name4.length) < 2 && letters(own2) === letters(name4)
    );
    if (own && own !== name4) console.warn(`StellarClient: the event is ${own}, not ${name4}`);
    return super.n(name4, fn, once);
  }
  /** @internal */
  G(room, event, data = null) {
    return this.g({ event: "event", params: { room, event, data } }, []);
  }
  g(body, rest, done, answerFirst) {
    const [callback, limits] = callbackAndOptions(rest);
    let room;
    let move;
    try {
      room = body.room;
      move = /^room(Add|Join|(Leave))$/.exec(body.event);
    } catch {
    }
    const follow = () => move ? this.c.A(!move[2], room) : (answer2, error) => {
      const target = room ?? body.params?.room;
      if (!error) done?.(answer2);
      else if (/^01[69]$/.test(error.code)) this.c.C(target, false);
    };
    if (move?.[2] && !this.e.aa(room)) this.c.ha(room);
    const answer = this.e.s(body, limits, false, follow).then(unwrap, (error) => {
      if (error.response) this.a("error", error);
      throw error;
    });
    return withCallback(answer, callback, answerFirst);
  }
  /**
   * Sets up a new connection: requests its details and joins the wanted rooms.
   * @internal
   */
  P() {
    this.id = this.details = null;
    return this.c.ia();
  }
  /** @internal */
  ea(join, room, settle) {
    return this.L({ event: join ? "roomAdd" : "roomLeave", room }, settle);
  }
  /** @internal */
  fa(settle) {
    const params = { memberships: true, goodbye: true };
    return this.L({ event: "detailsView", params }, (answer, error) => {
      if (!error) this.K(answer);
      settle(answer, error);
    });
  }
  L(body, settle) {
    const { timeout } = this.options;
    return this.e.s(body, { timeout }, true, () => settle);
  }
  K(answer) {
    const { data } = answer;
    this.details = unwrap(answer);
    this.id = data.id;
    this.fingerprint = data.fingerprint;
    if (data.rooms) this.c.ja(data.rooms);
  }
  /** @internal */
  Q() {
    this.e.B();
    const { details, rooms } = this;
    if (details) details.rooms = details.data.rooms = rooms;
    this.D(0, details);
    if (this.J) this.a("reconnect", details);
    this.J = true;
    if (this.state === "connected") this.a("connected", details);
  }
  /** @internal */
  _(body) {
    return pack(body, this.H, this.options.maxLength);
  }
  /** @internal */
  y(payload, message) {
    this.k.y(payload, message);
  }
  /** @internal */
  m(error) {
    this.c.m();
    this.e.m(error);
  }
  /** @internal */
  O(next, previous) {
    if (next !== previous) this.a("state", next, previous);
    this.c.B();
  }
  /** Settles the promises of {@link connect}: 0 resolves, 1 rejects. */
  D(index, outcome) {
    for (const settle of this.I.splice(0)) settle[index](outcome);
  }
  /** @internal */
  E(error) {
    this.D(1, error);
    this.a("error", error);
  }
  /** @internal */
  w(error) {
    this.D(1, error);
    this.e.w(error);
  }
  /** @internal */
  R(message) {
    this.a("message", message);
    const { context, message: content, room, from, welcome } = message ?? {};
    if (context === "response") this.e.ba(message);
    else if (context === "user") {
      const { event, data } = content ?? {};
      const destroyed = event === "destroy";
      if (destroyed && from === 0 && data?.code === "018") {
        this.c.ka(room, serverError(data));
      } else this.c.C(room, true);
      this.a("say", message);
      if (typeof event !== "string") return this.a(scoped(room, "message"), content, message);
      if (destroyed && from !== 0) return;
      if (!reserved.test(event)) this.a(event, data, message);
      this.a(scoped(room, event), data, message);
    } else if (context === "membership") this.c.C();
    else if (context === "goodbye") this.k.V(message.reconnectWithin);
    else if (context === "api" && welcome != null) {
      this.welcomeMessage = welcome;
      this.a("welcome", message);
    } else if (context === "alert") this.a(context, message);
    else if (context != null) this.a("api", message);
  }
};
function unwrap(answer) {
  const { data } = answer;
  return typeof data === "object" ? { ...data, ...answer } : answer;
}

// src/transports/refusal.ts
async function refusalOf(response) {
  const { status } = response;
  if (status !== 401 && status !== 403) return;
  const body = await response.json().catch(() => null);
  return body?.error && { status, message: String(body.error) };
}

// src/transports/requests.ts
function httpRequests({ fetch }, { close }) {
  if (!fetch) throw new TypeError("The option fetch is needed");
  const controller = new AbortController();
  const { signal } = controller;
  return {
    async request(url, body, use) {
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
        close(1006, String(error.cause ?? error), void 0, error);
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
function attach(socket, { open, data, close }) {
  socket.binaryType = "arraybuffer";
  socket.onopen = open;
  socket.onmessage = ({ data: payload }) => data(typeof payload === "string" ? payload : new Uint8Array(payload));
  let cause;
  socket.onerror = ({ error }) => cause = error;
  socket.onclose = ({ code, reason }) => close(code, reason || String(cause ?? ""), void 0, cause);
}
var makeSocket = (context) => new context.WebSocket(context.url.href.replace("http", "ws"));
function plain(name4, socket, events) {
  attach(socket, events);
  return { name: name4, send: (payload) => socket.send(payload), close: () => socket.close() };
}
function openSocket(context, url, { data, close }) {
  const socket = makeSocket({ ...context, url });
  attach(socket, {
    data(payload) {
      try {
        data(payload);
      } catch (error) {
        close(1002, String(error), void 0, error);
      }
    },
    close
  });
  return socket;
}

// src/transports/engineio.ts
var name2 = "engine.io";
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
    name: name2,
    way: "websocket",
    send: (payload) => socket.send(typeof payload === "string" ? "4" + payload : payload),
    close: () => socket.close()
  };
};
var polling = (context, events) => {
  const { fetch } = context;
  const url = address(context, "polling");
  const http2 = httpRequests(context, events);
  let limit = 0;
  const write = batches(
    (batch) => http2.request(url, batch.join(separator)),
    () => limit
  );
  const read = reader(events, write, ({ sid, maxPayload }) => {
    url.searchParams.set("sid", sid);
    limit = Math.min(maxPayload / 3, 65536);
  });
  const poll = () => http2.request(url, null, async (response) => {
    (await response.text()).split(separator).forEach(read);
    if (!http2.ended()) void poll();
  });
  void poll();
  return {
    name: name2,
    way: "polling",
    send: (payload) => write(
      typeof payload === "string" ? "4" + payload : (
        // One byte at a time, because the number of arguments is limited.
        "b" + btoa(payload.reduce((text, byte) => text + String.fromCharCode(byte), ""))
      )
    ),
    close() {
      http2.end();
      const body = "1";
      if (limit) fetch(url.href, { method: "POST", body, keepalive: true }).catch(() => {
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
  const candidates = options.transports.flatMap(
    (name4) => (built[name4] ?? []).map((connect, index) => ({
      M: name4 + index,
      la: name4 === primary ? path : paths?.[name4] ?? "/" + name4,
      N: !index,
      ma: connect
    }))
  );
  if (!candidates.length) return;
  const item = `stellar ${url}${path}`;
  const key = storage((kept) => kept.getItem(item));
  let best = candidates.find((candidate) => candidate.M === key);
  let proven = false;
  let failures = 0;
  return (context, events) => {
    const others = candidates.filter((candidate) => candidate !== best);
    let left = !best ? others : proven && failures < patience ? [best] : [best, ...others];
    failures++;
    const causes = [];
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
    const combined = (cause) => causes.length > 1 ? new AggregateError(causes, causes.join("; ")) : cause;
    const next = () => {
      const candidate = left.shift();
      const own = ++round;
      let arrived = false;
      const current = () => own === round;
      const fail = (giveUp) => {
        if (arrived || !left.length) return giveUp();
        leave();
        if (candidate.N) left = left.filter(({ N: _socket }) => !_socket);
        if (left.length) next();
        else giveUp();
      };
      const arrive = () => {
        if (arrived) return;
        arrived = proven = true;
        failures = 0;
        best = candidate;
        clearTimeout(timer);
        storage((kept) => kept.setItem(item, candidate.M));
        events.open();
      };
      const url2 = new URL(context.url);
      url2.pathname = candidate.la;
      if (left.length) {
        timer = after(timeout / 3, () => {
          if (current()) fail(() => events.close(1006, "No answer"));
        });
      }
      try {
        inner = candidate.ma(
          { ...context, url: url2 },
          {
            // An open connection proves nothing: some proxies accept it and then block its data.
            // Every server answers the probe, which does not count as a message.
            open() {
              if (!current()) return;
              if (candidates.length < 2) arrive();
              else inner.send(context.codec.encode(probe), probe);
            },
            data(payload) {
              if (!current()) return;
              arrive();
              events.data(payload);
            },
            message(message) {
              if (!current()) return;
              arrive();
              events.message(message);
            },
            close(code, reason, refusal, cause) {
              if (!current()) return;
              if (!arrived && cause) causes.push(cause);
              if (refusal) events.close(code, reason, refusal);
              else {
                fail(() => events.close(code, reason, refusal, arrived ? cause : combined(cause)));
              }
            }
          }
        );
        tried = true;
      } catch (error) {
        clearTimeout(timer);
        causes.push(error);
        if (left.length) next();
        else if (tried) events.close(1006, String(error), void 0, combined(error));
        else throw combined(error);
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
var probe = "primus::id::";

// src/transports/own/engineio.ts
var engineIoSocket = (socket, events) => {
  if (typeof socket.readyState !== "string") return;
  socket.binaryType = "arraybuffer";
  let cause;
  listen(socket, {
    open: () => events.open(),
    message: (data) => events.data(typeof data === "string" ? data : new Uint8Array(data)),
    close: (reason) => events.close(1006, reason, void 0, cause),
    error: (error) => cause = error
  });
  return { name, send: (payload) => socket.send(payload), close: () => socket.close() };
};

// src/transports/socketio.ts
var isMessage = (event, message) => /^(message|user|alert|api|welcome|primus)$/.test(event) && (event !== "api" || message?.context === event);
var encode = (codec, packet) => codec.name === "json" ? packet.type + (packet.data ? JSON.stringify(packet.data) : "") : codec.encode({ ...packet, nsp: "/" });
var decode = (codec, payload) => codec.name === "json" ? { type: +payload[0], data: payload[1] && JSON.parse(payload.slice(1)) } : codec.decode(payload);
var socketio = (connects) => connects.map((connect) => (context, events) => {
  const { codec } = context;
  const send = (packet) => inner.send(encode(codec, packet), packet);
  const inner = connect(context, {
    ...events,
    open: () => send({ type: 0 }),
    data(payload) {
      const { type, data } = decode(codec, payload);
      if (type === 0) events.open();
      else if (type === 1) events.message("primus::server::close");
      else if (type === 2) isMessage(data[0], data[1]) && events.message(data[1]);
      else if (type === 4) {
        const { message } = data;
        const isTemporary2 = /shutting down|Too many/.test(message);
        events.close(1008, message, isTemporary2 ? void 0 : { message });
      }
    }
  });
  return {
    ...inner,
    name: "socket.io",
    send: (_, message) => send({ type: 2, data: ["message", message] })
  };
});

// src/transports/own/socketio.ts
var socketIoSocket = (socket, events) => {
  if (!socket.onAny) return;
  const any = (event, message) => isMessage(event, message) && events.message(message);
  const ignore = listen(socket, {
    connect: () => events.open(),
    connect_error(error) {
      const { message } = error;
      events.close(1006, message, socket.active ? void 0 : { message }, error);
    },
    disconnect(reason, details) {
      if (reason === "io server disconnect") events.message(serverClose);
      events.close(1006, reason, void 0, details);
    }
  });
  socket.onAny(any);
  if (socket.connected) setTimeout(events.open);
  else socket.connect();
  return {
    name,
    send: (_, message) => socket.emit("message", message),
    close() {
      ignore();
      socket.offAny(any);
      socket.disconnect();
    }
  };
};

// src/transports/own/websocket.ts
var ownWebSocket = (socket, events) => (
  // `readyState` is a string in engine.io-client.
  typeof socket.readyState === "number" && plain(name, socket, events)
);

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
  const requests2 = httpRequests(context, events);
  const read = reader2(events);
  const receive = () => requests2.request(address2(way), "", async (response) => {
    const body = response.body.getReader();
    const text = new TextDecoder();
    for (let rest = "", part; !(part = await body.read()).done; ) {
      const lines = (rest += text.decode(part.value, { stream: true })).split("\n");
      rest = lines.pop();
      lines.forEach(read);
    }
    if (!requests2.ended()) void receive();
  });
  void receive();
  const write = batches(
    (batch) => requests2.request(address2("xhr_send"), JSON.stringify(batch)),
    () => 16384
  );
  return { name: name3, way, send: (payload) => write(payload), close: requests2.end };
};
var sockjs = [websocket2, http("xhr_streaming"), http("xhr")];

// src/transports/ws.ts
var ws = (context, { open, data, close }) => {
  const { url, fetch } = context;
  let opened = false;
  return plain("ws", makeSocket(context), {
    open() {
      opened = true;
      open();
    },
    data,
    close(code, reason, _, cause) {
      const end = (refusal, error) => close(code, reason, refusal, cause ?? error);
      if (opened || !fetch) return end();
      fetch(url.href, { credentials: "include", cache: "no-store" }).then(refusalOf).then(end, (error) => end(void 0, error));
    }
  });
};

// src/engines.ts
var engines = {
  transports: { ws: [ws], "engine.io": engineio, "socket.io": socketio(engineio), sockjs },
  fallback,
  own: [engineIoSocket, socketIoSocket, ownWebSocket]
};

// src/load.require.ts
var load = (failed) => {
  try {
    return require("ws").WebSocket;
  } catch (error) {
    return failed(error);
  }
};

// src/platform.ts
function missing(cause) {
  const [reason] = String(cause?.message ?? cause).split("\n");
  return class {
    constructor() {
      throw new StellarError(
        "unsupported",
        `There is no WebSocket here, which Node has since 22, and the package ws gave none: ${reason}. Install the package ws, give the option WebSocket, or name an engine in transports that has other ways too`,
        false,
        cause
      );
    }
  };
}
function find(cause) {
  try {
    const { createRequire } = globalThis.process.getBuiltinModule("module");
    return createRequire(__filename)("ws").WebSocket;
  } catch (error) {
    return missing(cause ?? error);
  }
}
function onThisPlatform(options) {
  const given = typeof options === "string" ? { url: options } : options;
  if (!given?.url && !globalThis.location) throw invalid("The option url is needed");
  if (given?.WebSocket || globalThis.WebSocket) return given;
  return { ...given, WebSocket: load ? load(find) : find() };
}

// src/index.ts
var StellarClient = class extends Client {
  /**
   * Creates a client. Call {@link connect} to connect it.
   *
   * `transport` is the option of that name, for compatibility with earlier releases.
   */
  constructor(options = {}, transport) {
    super(onThisPlatform(options), { codec: json, ...engines }, transport);
  }
};
var createClient = (options) => new StellarClient(options);
// Annotate the CommonJS export names for ESM import in node:
0 && (module.exports = {
  Stellar,
  StellarClient,
  StellarError,
  createClient
});
