// The names of StellarFW's guides and releases: each method in each of its forms, each event, and
// what there is to look at.
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { WebSocket } from "ws";
import type { Client } from "../src/client";
import { StellarError, StellarClient } from "../src/index";
import type { Interceptor } from "../src/interceptors";
import type { AnyActions, AnyEvents } from "../src/types";
import { Setup } from "./support/setup";
import { event, rejection, until } from "./support/until";

/** The methods are called as from JavaScript: their types have a test of their own. */
type Untyped = any;

/** A method in one form, and how it fails. */
interface Form {
  /** What its callback gets first. */
  first: "error" | "answer";
  call(client: Untyped, ...rest: any[]): Promise<any>;
  /** Whether the answer is the right one. */
  right(answer: any, client: Client): boolean;
  /** The same where it must fail, and the code that tells why. */
  fail(client: Untyped, ...rest: any[]): Promise<any>;
  code: string;
}

const ok = ({ status }: any) => status === "OK";
const nowhere = { room: "nowhere", code: "019" };
const forms: Record<string, Form> = {
  "action(name, params)": {
    first: "answer",
    call: (client, ...rest) => client.action("sum", { a: 1, b: 2 }, ...rest),
    right: ({ sum }) => sum === 3,
    fail: (client, ...rest) => client.action("fail", {}, ...rest),
    code: "teapot",
  },
  "action(name)": {
    first: "answer",
    call: (client, ...rest) => client.action("randomNumber", ...rest),
    right: ({ randomNumber }) => randomNumber < 1,
    fail: (client, ...rest) => client.action("nothing", ...rest),
    code: "004",
  },
  "say(room, message)": {
    first: "error",
    call: (client, ...rest) => client.say("defaultRoom", { a: 1 }, ...rest),
    right: ok,
    fail: (client, ...rest) => client.say(nowhere.room, "x", ...rest),
    code: nowhere.code,
  },
  "say(message)": {
    first: "error",
    call: (client, ...rest) => client.say("to the default room", ...rest),
    right: ok,
    fail(client, ...rest) {
      client.setDefaultRoom(nowhere.room);
      return client.say("x", ...rest);
    },
    code: nowhere.code,
  },
  "detailsView()": {
    first: "error",
    call: (client, ...rest) => client.detailsView(...rest),
    right: (answer, { id }) => answer.id === id && answer.data.id === id,
    fail: (client, ...rest) => client.detailsView(...rest, { timeout: 1 }),
    code: "timeout",
  },
  "configure()": {
    first: "error",
    call: (client, ...rest) => client.configure(...rest),
    right: (answer, { id }) => answer.data.id === id,
    fail: (client, ...rest) => client.configure(...rest, { timeout: 1 }),
    code: "timeout",
  },
  "roomView(room)": {
    first: "answer",
    call: (client, ...rest) => client.roomView("defaultRoom", ...rest),
    right: ({ membersCount, data }) => membersCount === 1 && data.membersCount === 1,
    fail: (client, ...rest) => client.roomView(nowhere.room, ...rest),
    code: nowhere.code,
  },
  "roomAdd(room)": {
    first: "error",
    call: (client, ...rest) => client.roomAdd("anotherRoom", ...rest),
    right: (answer, { rooms }) => ok(answer) && rooms.includes("anotherRoom"),
    fail: (client, ...rest) => client.roomAdd(nowhere.room, ...rest),
    code: nowhere.code,
  },
  "join(room)": {
    first: "error",
    call: (client, ...rest) => client.join("anotherRoom", ...rest),
    right: (answer, { rooms }) => ok(answer) && rooms.includes("anotherRoom"),
    fail: (client, ...rest) => client.join("", ...rest),
    code: "021",
  },
  "roomLeave(room)": {
    first: "error",
    call: (client, ...rest) => client.roomLeave("defaultRoom", ...rest),
    right: (answer, { rooms }) => ok(answer) && !rooms.length,
    fail: (client, ...rest) => client.roomLeave("anotherRoom", ...rest),
    code: "016",
  },
  "leave(room)": {
    first: "error",
    call: (client, ...rest) => client.leave("defaultRoom", ...rest),
    right: (answer, { rooms }) => ok(answer) && !rooms.length,
    fail: (client, ...rest) => client.leave("anotherRoom", ...rest),
    code: "016",
  },
  "file(path)": {
    first: "answer",
    call: (client, ...rest) => client.file("hello.txt", ...rest),
    right: ({ content, mime, length, error }) =>
      content === "Hello" && /^text/.test(mime) && length === 5 && error === null,
    fail: (client, ...rest) => client.file("absent.txt", ...rest),
    code: "010",
  },
  "send(message)": {
    first: "answer",
    call: (client, ...rest) => client.send({ event: "roomView", room: "defaultRoom" }, ...rest),
    right: ({ data, context }) => data.membersCount === 1 && context === "response",
    fail: (client, ...rest) => client.send({ event: "juggle" }, ...rest),
    code: "014",
  },
};

async function start(t: TestContext) {
  const setup = await Setup.start(t);
  const folder = await mkdtemp(join(tmpdir(), "guide-"));
  t.after(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, "hello.txt"), "Hello");
  (setup.server as any).publicFolder = folder;
  const client = await setup.connected();
  await client.roomAdd("defaultRoom");
  return { setup, client };
}

/** Whether it is the one kind of error there is. */
const fault = (error: any, code: string) =>
  error instanceof Error && error instanceof StellarError && error.code === code;

for (const [name, { first, call, right, fail, code }] of Object.entries(forms)) {
  test(`${name} as a promise`, async (t) => {
    const { setup, client } = await start(t);
    assert.ok(right(await call(client), client));
    if (code === "timeout") setup.server.mute.add("detailsView");
    assert.ok(fault(await rejection(fail(client)), code));
  });

  test(`${name} with a callback: the ${first} first`, async (t) => {
    const { setup, client } = await start(t);
    const told = (start: typeof call) =>
      new Promise<any[]>((resolve) => {
        start(client, (...args: any[]) => resolve(args)).catch(() => {});
      });
    const good = await told(call);
    if (first === "answer") assert.deepEqual([good.length, good[1]], [2, null]);
    else assert.equal(good[0], null);
    assert.ok(right(first === "answer" ? good[0] : good[1], client));
    if (code === "timeout") setup.server.mute.add("detailsView");
    const bad = await told(fail);
    assert.ok(fault(bad[first === "answer" ? 1 : 0], code));
    // Looking at the answer is enough where that comes first.
    if (first === "answer") assert.ok(bad[0].error);
  });
}

test("connect() as a promise and with a callback, which is told the error too", async (t) => {
  const setup = await Setup.start(t);
  const client = setup.client({ reconnect: false });
  const told: any[][] = [];
  const details = await client.connect((...args: any[]) => told.push(args));
  assert.deepEqual([details.id, details.data.id], [client.id, client.id]);
  assert.deepEqual(told, [[null, details]]);
  await setup.server.kill();
  await until(() => client.state === "closed");
  const error = await rejection(client.connect((...args: any[]) => told.push(args)));
  assert.ok(fault(error, "offline"));
  assert.deepEqual(told[1], [error]);
});

test("disconnect() as a promise and with a callback", async (t) => {
  const { client } = await start(t);
  const called = new Promise((resolve) => client.disconnect(resolve));
  assert.equal(client.state, "closed");
  assert.equal(await called, null);
  await client.disconnect();
});

test("emit(event, data) and emit(event), to the default room", async (t) => {
  const { client } = await start(t);
  const heard: unknown[] = [];
  client.on("moved", (data, { from, room }) => heard.push([data, from === client.id, room]));
  assert.ok(ok(await client.emit("moved", { x: 1 })));
  await client.emit("moved");
  assert.deepEqual(heard, [[{ x: 1 }, true, "defaultRoom"], [null, true, "defaultRoom"]]);
  client.setDefaultRoom("anotherRoom");
  assert.ok(fault(await rejection(client.emit("moved")), "016"));
});

for (const name of ["to", "for", "from"] as const) {
  test(`${name}(room).${name}(room): emit, on and off`, async (t) => {
    const { client } = await start(t);
    await client.roomAdd("anotherRoom");
    const heard: unknown[] = [];
    const hear = (data: unknown, { room }: any) => heard.push([room, data]);
    const both = client[name]("defaultRoom")[name](["anotherRoom"]);
    const one = client[name]("anotherRoom").on("moved", hear);
    const answers = await both.emit("moved", 1);
    assert.deepEqual(answers.map(ok), [true, true]);
    one.off("moved", hear);
    both.on("moved", hear);
    await both.emit("moved");
    both.off("moved", hear);
    await both.emit("moved", 3);
    await client.detailsView();
    assert.deepEqual(heard, [["anotherRoom", 1], ["defaultRoom", null], ["anotherRoom", null]]);
  });
}

test("what is said is heard as say, and from its room as the event message", async (t) => {
  const { client } = await start(t);
  const heard: unknown[] = [];
  client.on("say", ({ message, room, from, context, sentAt }) =>
    heard.push([message, room, from === client.id, context, sentAt > 0]),
  );
  client.from("defaultRoom").on("message", (data, { room }) => heard.push([data, room]));
  client.from("anotherRoom").on("message", () => heard.push("elsewhere"));
  await client.say("defaultRoom", { text: "x" });
  await client.to("defaultRoom").emit("message", "as later releases say it");
  await client.detailsView();
  assert.deepEqual(heard, [
    [{ text: "x" }, "defaultRoom", true, "user", true],
    [{ text: "x" }, "defaultRoom"],
    [{ event: "message", data: "as later releases say it" }, "defaultRoom", true, "user", true],
    ["as later releases say it", "defaultRoom"],
  ]);
});

test("connected, disconnected, reconnecting, reconnect: on each loss and return", async (t) => {
  const setup = await Setup.start(t);
  const client = setup.client();
  const heard: string[] = [];
  client.on("connected", (details) => heard.push(`connected ${details!.id === client.id}`));
  client.on("disconnected", ({ code }) => heard.push(`disconnected ${code}`));
  client.on("reconnecting", ({ attempt, delay }) => heard.push(`reconnecting ${attempt} ${delay > 0}`));
  client.on("reconnect", (details) => heard.push(`reconnect ${details!.data.id === client.id}`));
  await client.connect();
  setup.server.cut();
  await until(() => heard.length === 5);
  await client.disconnect();
  assert.deepEqual(heard, [
    ...["connected true", "disconnected closed", "reconnecting 1 true", "reconnect true"],
    ...["connected true", "disconnected closed"],
  ]);
});

test("error: a verb that is refused, and a connection that fails", async (t) => {
  const { setup, client } = await start(t);
  const heard: string[] = [];
  client.on("error", ({ code }: any) => heard.push(code));
  await rejection(client.roomAdd("nowhere"));
  assert.deepEqual(heard, ["019"]);
  await setup.server.kill();
  await until(() => heard.includes("offline"));
});

test("message, alert, api, welcome: what the server pushes", async (t) => {
  const setup = await Setup.start(t);
  const client = setup.client();
  const heard: unknown[] = [];
  for (const name of ["message", "alert", "api", "welcome"] as const) {
    client.on(name, (message) => message.context !== "response" && heard.push([name, message]));
  }
  await client.connect();
  const [{ spark }] = setup.server.connections as any;
  const alert = { context: "alert", text: "watch out" };
  const api = { context: "api", text: "for programs" };
  spark.write(alert);
  spark.write(api);
  await client.detailsView();
  const welcome = { welcome: "Hello human! Welcome to Stellar", context: "api" };
  assert.deepEqual(heard, [
    ...[["message", welcome], ["welcome", welcome]],
    ...[["message", alert], ["alert", alert]],
    ...[["message", api], ["api", api]],
  ]);
  assert.equal(client.welcomeMessage, welcome.welcome);
});

for (const [add, remove] of [["on", "off"], ["addListener", "removeListener"]] as const) {
  test(`${add} and ${remove}, once and removeAllListeners`, () => {
    const client = new StellarClient<AnyActions, AnyEvents>({ url: "http://localhost", WebSocket });
    const heard: string[] = [];
    const always = () => heard.push("always");
    assert.equal(client[add]("x", always).once("x", () => heard.push("once")), client);
    client._emit("x");
    client._emit("x");
    assert.equal(client[remove]("x", always), client);
    client._emit("x");
    client[add]("x", always).on("y", always).removeAllListeners("x");
    client._emit("x");
    client._emit("y");
    client.removeAllListeners();
    client._emit("y");
    assert.deepEqual(heard, ["always", "once", "always", "always"]);
  });
}

test("id, fingerprint, rooms, details: kept, and taken anew on each reconnect", async (t) => {
  const setup = await Setup.start(t);
  const client = setup.client({ rooms: ["defaultRoom"], query: { sessionID: "abc" } });
  assert.deepEqual([client.id, client.fingerprint, client.rooms, client.details], [null, null, [], null]);
  assert.deepEqual([client.state, client.welcomeMessage], ["idle", null]);
  await client.connect();
  const { id, details } = client;
  assert.deepEqual([details!.id, details!.data.id, details!.rooms], [id, id, ["defaultRoom"]]);
  assert.deepEqual([client.fingerprint, client.rooms], ["abc", ["defaultRoom"]]);
  const back = event(client, "reconnect");
  setup.server.cut();
  await back;
  assert.notEqual(client.id, id);
  assert.equal(client.details!.id, client.id);
  assert.ok(client.details!.connectedAt >= details!.connectedAt);
  assert.deepEqual(client.rooms, ["defaultRoom"]);
});

test("an application that joins its rooms itself whenever it is connected goes on working", async (t) => {
  const setup = await Setup.start(t);
  const client = setup.client();
  const joined: unknown[] = [];
  const failed: unknown[] = [];
  client.on("error", (error) => failed.push(error));
  client.on("connected", () => client.roomAdd("defaultRoom").then((answer) => joined.push(answer.status)));
  await client.connect();
  for (const count of [1, 2, 3]) {
    await until(() => joined.length === count);
    const back = event(client, "connected");
    setup.server.cut();
    await back;
  }
  await until(() => joined.length === 4);
  assert.deepEqual([failed, client.rooms], [[], ["defaultRoom"]]);
  // Once more is a fault, as it ever was.
  assert.ok(fault(await rejection(client.roomAdd("defaultRoom")), "017"));
});

const interceptors: Record<string, [Interceptor, (answer: any) => unknown, unknown]> = {
  "next() goes on": [
    (params, next) => {
      params.token = "t";
      next();
    },
    ({ token }) => token,
    "t",
  ],
  "next(object) answers": [(_, next) => next({ own: 1 }), (answer) => answer, { own: 1 }],
  "next(null, error) rejects": [(_, next) => next(null, new Error("no")), ({ message }) => message, "no"],
  "next(function) changes the answer": [
    (_, next) => next((answer) => (answer.seen = true)),
    ({ seen }) => seen,
    true,
  ],
  "reject(error) rejects": [(_, __, reject) => reject(new Error("no")), ({ message }) => message, "no"],
  "what it throws rejects": [
    () => {
      throw new Error("thrown");
    },
    ({ message }) => message,
    "thrown",
  ],
  "it may be asynchronous, and fail so": [
    async () => {
      await null;
      throw new Error("later");
    },
    ({ message }) => message,
    "later",
  ],
  "it has the client as this": [
    function (_, next) {
      next({ state: this.state });
    },
    ({ state }) => state,
    "connected",
  ],
};

for (const [name, [interceptor, look, wanted]] of Object.entries(interceptors)) {
  for (const place of ["first", "after one that waits"]) {
    test(`interceptors: ${name}, ${place}`, async (t) => {
      const setup = await Setup.start(t);
      const client = await setup.connected();
      client.interceptors.push(interceptor);
      if (place !== "first") client.interceptors.push((_, next) => void setTimeout(next));
      const outcome = await client.action("echo").catch((error) => error);
      assert.deepEqual(look(outcome), wanted);
    });
  }
}

test("an external client is handed in: as the second argument, or as an option", async (t) => {
  const setup = await Setup.start(t);
  const make = () => new WebSocket(`${setup.server.url.replace("http", "ws")}/primus`);
  for (const client of [
    new StellarClient({ url: setup.server.url }, make),
    new StellarClient({ url: setup.server.url, transport: make }),
  ]) {
    t.after(() => client.disconnect());
    assert.equal((await client.connect()).id, client.id);
    assert.equal(client.transport!.name, "own");
  }
});
