// What is written wrong, or at the wrong time, is said at once.
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { WebSocket } from "ws";
import { StellarError } from "../src/errors";
import { StellarClient } from "../src/index";
import { resolve } from "../src/options";
import { codecs, Setup, type Heard } from "./support/setup";
import { event, rejection } from "./support/until";

/** What is written to the console. */
function warnings(t: TestContext): string[] {
  const told: string[] = [];
  t.mock.method(console, "warn", (text: string) => void told.push(text));
  return told;
}

const url = "http://127.0.0.1";

/** Everything that asks the server something. */
const methods: Record<string, (client: Heard) => Promise<unknown>> = {
  say: (client) => client.say("defaultRoom", "hello"),
  "say in the default room": (client) => client.say("hello"),
  emit: (client) => client.emit("moved"),
  "to().emit": (client) => client.to("defaultRoom").emit("moved"),
  roomAdd: (client) => client.roomAdd("defaultRoom"),
  join: (client) => client.join("defaultRoom"),
  roomLeave: (client) => client.roomLeave("defaultRoom"),
  leave: (client) => client.leave("defaultRoom"),
  roomView: (client) => client.roomView("defaultRoom"),
  detailsView: (client) => client.detailsView(),
  configure: (client) => client.configure(),
  file: (client) => client.file("hello.txt"),
  send: (client) => client.send({ event: "detailsView" }),
  volatile: (client) => client.say("defaultRoom", "hello", { volatile: true }),
  noReply: (client) => client.say("defaultRoom", "hello", { noReply: true }),
};

for (const codec of Object.keys(codecs) as (keyof typeof codecs)[]) {
  test(`${codec}: after disconnect nothing waits`, async (t) => {
    const setup = await Setup.start(t, { codec });
    const client = await setup.connected();
    await client.disconnect();
    for (const [name, ask] of Object.entries(methods)) {
      const error = await rejection(ask(client));
      assert.ok(error instanceof StellarError, name);
      assert.deepEqual([error.code, error.mayHaveRun], ["closed", false], name);
    }
    assert.equal(client.queued, 0);
    // Actions need no connection, unless there is no HTTP.
    assert.equal((await client.action("via")).via, "web");
    (client.options as any).fetch = undefined;
    assert.equal((await rejection(client.action("via"))).code, "closed");
    const connecting = client.connect();
    const queued = client.detailsView();
    await connecting;
    assert.equal((await queued).id, client.id);
  });
}

test("after the server has ended it, after a refusal, and out of retries: nothing waits", async (t) => {
  let open = true;
  const setup = await Setup.start(t, { authorize: (_, done) => done(open ? undefined : { message: "No" }) });
  const ended = await setup.connected();
  const closed = event(ended, "disconnected");
  setup.server.end(false);
  await closed;
  open = false;
  const refused = setup.client();
  await rejection(refused.connect());
  const failed = setup.client({ url: "http://127.0.0.1:1", reconnect: { retries: 0 } });
  await rejection(failed.connect());
  for (const [client, code] of [[ended, "closed"], [refused, "refused"], [failed, "closed"]] as const) {
    for (const [name, ask] of Object.entries(methods)) {
      assert.equal((await rejection(ask(client))).code, code, name);
    }
  }
});

test("before the first connect, and while it reconnects, requests wait", async (t) => {
  const setup = await Setup.start(t);
  const client = setup.client();
  const queued = client.detailsView();
  await client.connect();
  assert.equal((await queued).id, client.id);
});

test("a query that is a function is called for each attempt", async (t) => {
  const setup = await Setup.start(t);
  let count = 0;
  for (const query of [
    () => ({ sessionID: `one-${++count}` }),
    async () => ({ sessionID: `two-${++count}`, left: undefined, out: null }),
  ]) {
    count = 0;
    const client = setup.client({ query });
    await client.connect();
    const [, name] = [count, client.fingerprint!.split("-")[0]];
    assert.equal(client.fingerprint, `${name}-1`);
    const back = event(client, "reconnect");
    setup.server.cut();
    await back;
    assert.equal(client.fingerprint, `${name}-2`);
    assert.equal(count, 2);
    await client.disconnect();
  }
});

test("a query that cannot be had fails the attempt, and is asked for again", async (t) => {
  const setup = await Setup.start(t);
  for (const way of ["throws", "rejects"]) {
    const reason = new Error("No token");
    let count = 0;
    const query = () => {
      if (count++) return { sessionID: way };
      if (way === "throws") throw reason;
      return Promise.reject(reason);
    };
    const client = setup.client({ query });
    const connected = event(client, "connected");
    const error = await rejection(client.connect());
    assert.ok(error instanceof StellarError);
    assert.equal(error.cause, reason);
    assert.match(error.message, /No token/);
    await connected;
    assert.equal(client.fingerprint, way);
  }
});

test("a query that never comes ends with the attempt, or with the client", async (t) => {
  const setup = await Setup.start(t);
  const client = setup.client({ query: () => new Promise(() => {}), timeout: 20, reconnect: false });
  assert.equal((await rejection(client.connect())).code, "timeout");
  let give!: (query: object) => void;
  const other = setup.client({ query: () => new Promise((resolve) => (give = resolve as any)) });
  const connecting = rejection(other.connect());
  await other.disconnect();
  give({});
  assert.equal((await connecting).code, "closed");
  assert.equal(setup.server.sparks, 0);
});

test("a query that is none", async (t) => {
  const queries: any[] = [
    ...["a=b", 5, true, [], ["a"], new Map([["a", 1]]), new URLSearchParams("a=b")],
    ...[{ a: {} }, { a: [] }, { a: () => 0 }, { a: Symbol("s") }],
  ];
  for (const query of queries) {
    assert.throws(() => new StellarClient({ url, query }), { code: "invalid", message: /query/ });
    const client = new StellarClient({ url, WebSocket, query: () => query, reconnect: false });
    t.after(() => void client.disconnect());
    const error = await rejection(client.connect());
    assert.deepEqual([error.code, client.state], ["invalid", "closed"], String(query));
  }
});

test("an option that there is not is reported, and no other", (t) => {
  const told = warnings(t);
  new StellarClient({
    ...{ url, path: "/p", api: "/a", apiPath: "/a", transports: ["ws", "sockjs"], paths: { sockjs: "/s" } },
    ...{ transport: () => ({}), parser: "json", pingInterval: 1, pingTimeout: 1, defaultRoom: "r" },
    ...{ rooms: ["r"], simultaneousActions: 1, actionTimeout: 0, timeout: 1, requestTimeout: 0 },
    ...{ queueSize: 1, queueAge: 0, maxLength: 1, query: {}, WebSocket, fetch, version: "1" },
    reconnect: { min: 1, max: Infinity, factor: 1, retries: null, "reconnect timeout": null },
  });
  new StellarClient({ url, reconnect: false, WebSocket: Promise.resolve(WebSocket), query: () => ({}) });
  assert.deepEqual(told, []);
  new StellarClient({ url, reconect: false, reconnect: { retrys: 5 } } as any);
  assert.deepEqual(told, ["StellarClient: no option reconect", "StellarClient: no option retrys"]);
});

test("an option of another kind is refused", () => {
  const wrong: [string, unknown[]][] = [
    ["url", [5, {}, "ftp://host", "javascript:alert(1)", "not an address"]],
    ["path", [5, {}]],
    ["api", [true]],
    ["parser", [5]],
    ["defaultRoom", [5, []]],
    ["rooms", ["lobby", {}, [5], [null]]],
    ["transports", ["ws", {}, [5]]],
    ["paths", ["/x"]],
    ["timeout", ["5 s", "5", -1, NaN, {}, true]],
    ["pingTimeout", ["5", NaN]],
    ["queueSize", [-1, NaN, "many"]],
    ["requestTimeout", [NaN]],
    ["maxLength", ["1 MB"]],
    ["fetch", [{}, "fetch"]],
  ];
  for (const [name, values] of wrong) {
    for (const value of values) {
      const options: any = { url, [name]: value };
      const message = name === "transports" && Array.isArray(value) ? /./ : new RegExp(name, "i");
      assert.throws(() => new StellarClient(options), { name: "StellarError", code: "invalid", message });
    }
  }
  for (const reconnect of [{ min: "1" }, { retries: NaN }, { factor: -1 }] as any[]) {
    assert.throws(() => resolve({ url, reconnect }), { code: "invalid" });
  }
});

test("times without an end are no end, not none", async (t) => {
  const setup = await Setup.start(t);
  const forever = Infinity;
  const client = await setup.connected({
    ...{ timeout: forever, pingTimeout: forever, pingInterval: 1, actionTimeout: forever },
    ...{ queueAge: forever, requestTimeout: forever, reconnect: { min: forever, max: forever } },
  });
  assert.equal((await client.action("sleep", { ms: 20 })).slept, 20);
  const scheduled = event(client, "reconnecting");
  setup.server.cut();
  assert.deepEqual((await scheduled)[0].delay, 2 ** 31 - 1);
  const queued = client.say("defaultRoom", "hello");
  queued.catch(() => {});
  await client.action("sleep", { ms: 20 });
  assert.deepEqual([client.state, client.queued], ["reconnecting", 1]);
});

test("an engine that there is not is refused with those that there are", () => {
  for (const name of ["websocket", "polling", "WS", ""] as any[]) {
    const error = { code: "unsupported", message: /ws,engine\.io,socket\.io,sockjs/ };
    if (name) assert.throws(() => new StellarClient({ url, transports: [name] }), error);
    if (name) assert.throws(() => new StellarClient({ url, transports: ["ws", name] }), error);
  }
});

test("a listener of an event whose name is a slip is reported, and no other", (t) => {
  const told = warnings(t);
  const client: any = new StellarClient({ url });
  const own = ["connected", "disconnected", "error", "reconnect", "reconnecting", "message", "alert"];
  const rooms = ["moved", "games", "started", "stats", "save", "end", "sent", "hello", "manage", "come", "[r].mesage"];
  for (const name of [...own, "api", "welcome", "say", "state", "send", ...rooms]) {
    client.on(name, () => {}).once(name, () => {}).addListener(name, () => {}).off(name);
  }
  client.from("lobby").on("conected", () => {});
  assert.deepEqual(told, []);
  const slips = ["conected", "Connected", "disconected", "reconect", "mesage", "messages", "welcom", "eror"];
  for (const name of slips) {
    client.on(name, () => {});
    assert.match(told.pop()!, new RegExp(`StellarClient: the event is \\w+, not ${name}$`));
    client.once(name, () => {});
    assert.equal(told.splice(0).length, 1);
  }
});
