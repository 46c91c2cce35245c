import assert from "node:assert/strict";
import { test } from "node:test";
import type { Client } from "../src/client";
import { browser } from "./support/browser";
import { Setup } from "./support/setup";
import { event, rejection, until } from "./support/until";

test("without a connection requests wait, in order, and the oldest are dropped", async (t) => {
  const setup = await Setup.start(t);
  const client = setup.client({ queueSize: 3 });
  const dropped = rejection(client.roomAdd("anotherRoom"));
  const joined = client.roomAdd("defaultRoom");
  const said = client.say("defaultRoom", "queued");
  assert.equal(client.queued, 2 + 1);
  const view = client.roomView("defaultRoom");
  const error = await dropped;
  assert.deepEqual([error.code, error.mayHaveRun], ["dropped", false]);
  await client.connect();
  await Promise.all([joined, said]);
  assert.equal((await view).membersCount, 1);
  assert.deepEqual(
    setup.server.received.map(({ event }) => event),
    ["detailsView", "roomAdd", "say", "roomView"],
  );
});

test("without a connection actions go over HTTP", async (t) => {
  const setup = await Setup.start(t);
  const client = setup.client({ timeout: 10_000 });
  const answer = await client.action("echo", { n: [1, { a: null }] });
  assert.deepEqual(answer.n, [1, { a: null }]);
  assert.equal(answer.serverInformation.serverName, "Test");
  assert.equal(answer.context, undefined);
  assert.equal(answer.requesterInformation.method, "POST");
  const get = await client.action("echo", { httpMethod: "get", n: "1", none: undefined, text: "é & ?" });
  assert.equal(get.requesterInformation.method, "GET");
  assert.deepEqual([get.text, "none" in get], ["é & ?", false]);
  assert.equal(get.n, "1");

  setup.server.mute.add("detailsView");
  void client.connect();
  await until(() => setup.server.received.length === 1);
  assert.equal(client.state, "connecting");
  assert.equal((await client.action("via")).via, "web");
  client.disconnect();
  assert.equal((await client.action("via")).via, "web");
});

test("errors of actions over HTTP reject as they do on the connection", async (t) => {
  const setup = await Setup.start(t);
  const client = setup.client();
  const unknown = await rejection(client.action("nothing"));
  assert.deepEqual([unknown.code, unknown.status, unknown.mayHaveRun], ["004", 404, false]);
  const failed = await rejection(client.action("fail"));
  assert.equal(failed.response.partial, true);
  assert.equal(failed.error.code, "teapot");
  const [answer] = await new Promise<any[]>((resolve) => {
    void client.action("nothing", {}, (...args) => resolve(args));
  });
  assert.equal(answer.error.code, "004");
  const notJson = await rejection(setup.client({ api: "/elsewhere" }).action("via"));
  assert.deepEqual([notJson.code, notJson.status], ["http", 404]);
  await setup.server.kill();
  const gone = await rejection(client.action("via"));
  assert.deepEqual([gone.code, gone.mayHaveRun], ["offline", true]);
});

test("a request times out, wherever it is", async (t) => {
  const setup = await Setup.start(t);
  setup.server.mute.add("roomView");
  const client = setup.client();
  const waiting = await rejection(client.roomAdd("defaultRoom", { timeout: 10 }));
  assert.deepEqual([waiting.code, waiting.mayHaveRun], ["timeout", false]);
  assert.equal(client.queued, 0);
  const http = await rejection(client.action("sleep", { ms: 60_000 }, { timeout: 30 }));
  assert.deepEqual([http.code, http.mayHaveRun], ["timeout", true]);
  await client.connect();
  const sent = await rejection(client.roomView("defaultRoom", { timeout: 10 }));
  assert.deepEqual([sent.code, sent.mayHaveRun], ["timeout", true]);
  const late = await rejection(client.action("sleep", { ms: 40 }, { timeout: 5 }));
  assert.equal(late.code, "timeout");
  // The late answer is nobody's.
  await event(client, "message");
  assert.equal((await client.action("echo", { n: 1 })).n, 1);
  const byDefault = setup.client({ requestTimeout: 10 });
  await byDefault.connect();
  assert.equal((await rejection(byDefault.roomView("defaultRoom"))).code, "timeout");
  assert.equal(setup.server.received.filter(({ event }) => event === "roomAdd").length, 0);
});

test("a request is aborted, wherever it is", async (t) => {
  const setup = await Setup.start(t);
  setup.server.mute.add("roomView");
  const client = setup.client();
  const signal = AbortSignal.abort();
  assert.equal((await rejection(client.roomAdd("defaultRoom", { signal }))).code, "aborted");
  const aborted = async (start: (signal: AbortSignal) => Promise<unknown>, when: () => unknown) => {
    const controller = new AbortController();
    const error = rejection(start(controller.signal));
    await until(when);
    controller.abort();
    return error;
  };
  const queued = await aborted(
    (signal) => client.roomAdd("defaultRoom", { signal }),
    () => client.queued === 1,
  );
  assert.deepEqual([queued.code, queued.mayHaveRun], ["aborted", false]);
  assert.equal(client.queued, 0);
  const http = await aborted(
    (signal) => client.action("sleep", { ms: 60_000 }, { signal }),
    () => setup.server.requests === 1,
  );
  assert.deepEqual([http.code, http.mayHaveRun], ["aborted", true]);
  await client.connect();
  const sent = await aborted(
    (signal) => client.roomView("defaultRoom", { signal }),
    () => client.pending === 1,
  );
  assert.deepEqual([sent.code, sent.mayHaveRun], ["aborted", true]);
  await client.detailsView();
  assert.equal(setup.server.received.filter(({ event }) => event === "roomAdd").length, 0);
});

test("an action given up keeps its place until the server is done with it", async (t) => {
  const setup = await Setup.start(t, { simultaneousActions: 1 });
  const client = await setup.connected({ simultaneousActions: 1 });
  const late = await rejection(client.action("sleep", { ms: 60 }, { timeout: 5 }));
  assert.equal(late.code, "timeout");
  assert.equal((await client.action("via")).via, "websocket");
});

test("with a callback a rejection counts as handled", async (t) => {
  const setup = await Setup.start(t);
  const client = await setup.connected();
  const unhandled: unknown[] = [];
  const note = (error: unknown) => unhandled.push(error);
  process.on("unhandledRejection", note);
  t.after(() => process.off("unhandledRejection", note) as any);
  const called: unknown[] = [];
  client.say("nowhere", 1, (error) => called.push(error));
  client.roomView("nowhere", (_, error) => called.push(error));
  client.action("nothing", (answer) => called.push(answer));
  client.file("absent", (answer) => called.push(answer));
  await until(() => called.length === 4);
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.deepEqual(unhandled, []);
});

test("the browser says offline and online: left at once, back at once", async (t) => {
  const setup = await Setup.start(t);
  const { turn } = browser(t);
  const client = await setup.connected({ reconnect: { min: 600_000 } });
  turn(false);
  assert.equal(client.state, "offline");
  const back = event(client, "reconnect");
  turn(true);
  assert.equal(client.state, "reconnecting");
  await back;
  client.disconnect();
  turn(false);
  turn(true);
  assert.equal(client.state, "closed");
});

test("a page that is looked at again does not wait for the next attempt", async (t) => {
  const setup = await Setup.start(t);
  const { wake } = browser(t);
  const client = await setup.connected({ reconnect: { min: 600_000 } });
  setup.server.cut();
  await until(() => client.state === "reconnecting");
  const back = event(client, "reconnect");
  wake();
  await back;
  wake();
  assert.equal(client.state, "connected");
  assert.equal(setup.server.sparks, 2);
});

/** The states that a client goes through, and how often it tries. */
function follow(client: Client) {
  const seen = { states: [] as string[], attempts: 0 };
  client.on("state", (state) => seen.states.push(state));
  client.on("reconnecting", () => seen.attempts++);
  return seen;
}

test("time without a network costs no retries", async (t) => {
  const setup = await Setup.start(t);
  const { turn } = browser(t);
  const client = await setup.connected({ reconnect: { min: 1, max: 2, retries: 2 } });
  const seen = follow(client);
  await setup.server.kill();
  turn(false);
  // Far more than it has.
  await until(() => seen.attempts > 10);
  assert.equal(client.state, "offline");
  const back = event(client, "reconnect");
  await setup.restart();
  await back;
  assert.deepEqual(seen.states.at(-1), "connected");
  assert.ok(!seen.states.includes("closed"));
});

test("out of retries, it starts again when there is a network again", async (t) => {
  const setup = await Setup.start(t);
  const { turn, wake } = browser(t);
  const client = await setup.connected({ reconnect: { min: 1, max: 2, retries: 2 } });
  await client.roomAdd("defaultRoom");
  const seen = follow(client);
  await setup.server.kill();
  await until(() => client.state === "closed");
  assert.deepEqual(seen.states, ["reconnecting", "closed"]);
  assert.equal((await rejection(client.roomView("defaultRoom"))).code, "closed");
  // The browser sees only now that there is none; and the page is looked at.
  turn(false);
  wake();
  assert.equal(client.state, "closed");
  // It says that there is one, and there is none: it has its retries again, and no more than those.
  const before = seen.attempts;
  turn(true);
  assert.equal(client.state, "reconnecting");
  await until(() => client.state === "closed");
  assert.equal(seen.attempts - before, 2);
  await setup.restart();
  const back = event(client, "reconnect");
  turn(false);
  turn(true);
  await back;
  assert.deepEqual(client.rooms, ["defaultRoom"]);
  // And all of them again when it is lost again.
  await setup.server.kill();
  await until(() => client.state === "closed");
  assert.deepEqual(seen.states.slice(-3), ["connected", "reconnecting", "closed"]);
});

test("what ended for good stays ended, with a network again or not", async (t) => {
  const setup = await Setup.start(t, {
    authorize: ({ query }, done) => (query.token ? done({ statusCode: 401, message: "No" }) : done()),
  });
  const { turn } = browser(t);
  const ended = await setup.connected({ reconnect: { min: 1, retries: 2 } });
  const sent = await setup.connected({ reconnect: { min: 1, retries: 2 } });
  const given = await setup.connected({ reconnect: { min: 1, max: 1, retries: 1 } });
  const never = await setup.connected({ reconnect: false });
  const refused = setup.client({ query: { token: "bad" }, reconnect: { min: 1, retries: 2 } });
  await rejection(refused.connect());
  await ended.disconnect();
  [...setup.server.connections].find(({ id }) => id === sent.id)!.spark.end();
  await until(() => sent.state === "closed");
  await setup.server.kill();
  await until(() => given.state === "closed" && never.state === "closed");
  // Its owner ends it, although it is closed already.
  await given.disconnect();
  const clients = [ended, sent, given, never, refused];
  const states = clients.map(({ state }) => state);
  turn(false);
  turn(true);
  assert.deepEqual(clients.map(({ state }) => state), states);
  assert.deepEqual(states, ["closed", "closed", "closed", "closed", "refused"]);
});

test("without a browser, out of retries is the end until connect() is called", async (t) => {
  assert.equal(typeof (globalThis as any).addEventListener, "undefined");
  const setup = await Setup.start(t);
  const client = await setup.connected({ reconnect: { min: 1, max: 1, retries: 2 } });
  await client.roomAdd("defaultRoom");
  const seen = follow(client);
  await setup.server.kill();
  await until(() => client.state === "closed");
  assert.equal(seen.attempts, 2);
  await setup.restart();
  await client.connect();
  assert.deepEqual(client.rooms, ["defaultRoom"]);
});
