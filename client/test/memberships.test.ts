// What a client wants to be in and what it is in, on a server that refuses, destroys, takes in and out.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Client } from "../src/client";
import type { Membership } from "../src/types";
import { Setup } from "./support/setup";
import { event, rejection, until } from "./support/until";

/** The rooms that the server counts the client in. */
const counted = (setup: Setup, client: Client) =>
  [...setup.server.connections].find(({ id }) => id === client.id)?.rooms ?? [];

/** The connection is lost, and back. */
async function again(setup: Setup, client: Client): Promise<void> {
  const back = event(client, "reconnect");
  setup.server.cut();
  await back;
}

/** The server takes so many messages of a connection, and one more each `interval` ms. */
function limit(setup: Setup, burst: number, interval: number): void {
  const buckets = new WeakMap<object, number>();
  setup.server.refuse = (_, connection) => {
    const now = Date.now();
    const full = Math.max(buckets.get(connection) ?? 0, now) + interval;
    if (full - now > burst * interval) return "025";
    buckets.set(connection, full);
    return undefined;
  };
}

const three = ["one", "two", "three"];

test("three rooms, and a rate of two messages: it connects, and joins them as the rate allows", async (t) => {
  const setup = await Setup.start(t, { rooms: three });
  limit(setup, 2, 300);
  const client = setup.client({ rooms: three });
  const told: Membership[] = [];
  const errors: unknown[] = [];
  client.on("membership", (membership) => told.push(membership));
  client.on("error", (error) => errors.push(error));
  const details = await client.connect();
  assert.ok(client.id);
  assert.equal(details.id, client.id);
  assert.deepEqual(client.rooms, counted(setup, client));
  assert.deepEqual(details.rooms, client.rooms);
  assert.ok(client.rooms.length < 3);
  await until(() => client.rooms.length === 3);
  assert.deepEqual(counted(setup, client), client.rooms);
  assert.ok(told.some(({ joined, error }) => !joined && error?.code === "025"));
  assert.deepEqual(errors, []);
  await again(setup, client);
  assert.ok(client.id);
  assert.deepEqual(client.rooms, counted(setup, client));
  await until(() => client.rooms.length === 3);
  assert.deepEqual(client.wanted.toSorted(), three.toSorted());
});

test("details that are refused for the rate are asked for again", async (t) => {
  const setup = await Setup.start(t);
  let refusals = 0;
  setup.server.refuse = () => (refusals++ < 1 ? "025" : undefined);
  const client = setup.client({ rooms: ["defaultRoom"] });
  assert.equal((await client.connect()).id, client.id);
  await until(() => client.rooms[0] === "defaultRoom");
});

test("without details there is no id of an earlier connection", async (t) => {
  const setup = await Setup.start(t);
  const client = await setup.connected();
  setup.server.refuse = ({ event }) => (event === "detailsView" ? "014" : undefined);
  await again(setup, client);
  assert.deepEqual([client.id, client.details], [null, null]);
});

test("a room whose join is not answered does not hold up the connection", async (t) => {
  const setup = await Setup.start(t);
  setup.server.mute.add("roomAdd");
  const client = setup.client({ rooms: ["defaultRoom"], timeout: 200 });
  assert.ok((await client.connect()).id);
  assert.deepEqual(client.rooms, []);
  setup.server.mute.clear();
  await until(() => client.rooms[0] === "defaultRoom");
});

test("a limited room that its own last connection still fills is joined when that is gone", async (t) => {
  const setup = await Setup.start(t, { rooms: [] });
  setup.server.rooms.create("tight", 1);
  const client = await setup.connected();
  await client.roomAdd("tight");
  let full = true;
  setup.server.refuse = ({ event }) => (event === "roomAdd" && full ? "024" : undefined);
  await again(setup, client);
  assert.deepEqual([client.rooms, client.wanted], [[], ["tight"]]);
  full = false;
  await until(() => client.rooms[0] === "tight");
});

test("a room that was left after the server took this client out stays left", async (t) => {
  const setup = await Setup.start(t);
  const client = await setup.connected();
  await client.roomAdd("defaultRoom");
  const [connection] = setup.server.connections;
  setup.server.rooms.leave(connection!, "defaultRoom");
  assert.equal((await rejection(client.roomLeave("defaultRoom"))).code, "016");
  assert.deepEqual([client.rooms, client.wanted], [[], []]);
  await again(setup, client);
  assert.deepEqual([client.rooms, counted(setup, client)], [[], []]);
});

for (const [verb, ask] of Object.entries({
  say: (client: Client) => client.say("defaultRoom", 1),
  event: (client: Client) => client.to("defaultRoom").emit("x"),
})) {
  test(`${verb} that is refused with 016: the client was taken out, and does not come back`, async (t) => {
    const setup = await Setup.start(t);
    const client = await setup.connected();
    await client.roomAdd("defaultRoom");
    const [connection] = setup.server.connections;
    setup.server.rooms.leave(connection!, "defaultRoom");
    const told = event(client, "membership");
    assert.equal((await rejection(ask(client))).code, "016");
    const [{ room, joined, error }] = await told;
    assert.deepEqual([room, joined, error.code], ["defaultRoom", false, "016"]);
    await again(setup, client);
    assert.deepEqual(client.rooms, []);
  });
}

test("the server joins the client: known by the details, or by what is said there", async (t) => {
  const setup = await Setup.start(t);
  const client = await setup.connected();
  const [connection] = setup.server.connections;
  setup.server.rooms.join(connection!, "anotherRoom");
  setup.server.rooms.say("anotherRoom", 0, "welcome");
  await until(() => client.rooms[0] === "anotherRoom");
  setup.server.rooms.join(connection!, "defaultRoom");
  await client.configure();
  assert.deepEqual(client.rooms, ["anotherRoom", "defaultRoom"]);
  await again(setup, client);
  assert.deepEqual(client.rooms.toSorted(), ["anotherRoom", "defaultRoom"]);
  assert.deepEqual(counted(setup, client).toSorted(), client.rooms.toSorted());
});

test("rooms are those of the connection: none without one", async (t) => {
  const setup = await Setup.start(t);
  const client = await setup.connected();
  await client.roomAdd("defaultRoom");
  const gone = event(client, "disconnected");
  const rooms: string[][] = [];
  client.on("disconnected", () => rooms.push(client.rooms));
  await setup.server.kill();
  await gone;
  assert.deepEqual([rooms, client.wanted], [[[]], ["defaultRoom"]]);
  const back = event(client, "reconnect");
  await setup.restart();
  const [details] = await back;
  assert.deepEqual([client.rooms, details.rooms], [["defaultRoom"], ["defaultRoom"]]);
  await client.disconnect();
  assert.deepEqual([client.rooms, client.wanted], [[], ["defaultRoom"]]);
});

test("joined and left while there is no connection", async (t) => {
  const setup = await Setup.start(t);
  const client = await setup.connected();
  const errors: unknown[] = [];
  client.on("error", (error: any) => error.response && errors.push(error));
  await client.roomAdd("defaultRoom");
  const gone = event(client, "disconnected");
  await setup.server.kill();
  await gone;
  const moves = [client.roomLeave("defaultRoom"), client.roomAdd("anotherRoom")];
  const joined = event(client, "reconnect");
  await setup.restart();
  await joined;
  for (const { data } of await Promise.all(moves)) assert.equal(data, true);
  assert.deepEqual([client.rooms, client.wanted], [["anotherRoom"], ["anotherRoom"]]);
  // It was not even joined for a moment.
  assert.deepEqual(
    setup.server.received.map(({ event, room }) => (room ? `${event} ${room}` : event)),
    ["detailsView", "roomLeave defaultRoom", "roomAdd anotherRoom"],
  );
  // Except where something is still to be said there.
  const lost = event(client, "disconnected");
  await setup.server.kill();
  await lost;
  const said = client.say("anotherRoom", "farewell");
  const left = client.roomLeave("anotherRoom");
  await setup.restart();
  assert.equal((await said).status, "OK");
  assert.equal((await left).data, true);
  assert.deepEqual([client.rooms, client.wanted, errors], [[], [], []]);
});

test("a room that is left while the connection is lost is not joined again", async (t) => {
  const setup = await Setup.start(t);
  const client = await setup.connected();
  await client.roomAdd("defaultRoom");
  setup.server.mute.add("roomLeave");
  const leaving = rejection(client.roomLeave("defaultRoom"));
  await until(() => setup.server.received.at(-1)?.event === "roomLeave");
  await again(setup, client);
  const { code, mayHaveRun } = await leaving;
  assert.deepEqual([code, mayHaveRun], ["closed", true]);
  assert.deepEqual([client.rooms, client.wanted], [[], []]);
});

test("a join that was superseded does not come back", async (t) => {
  const setup = await Setup.start(t);
  const client = await setup.connected();
  setup.server.mute.add("roomLeave");
  const joined = client.roomAdd("defaultRoom");
  const leaving = rejection(client.roomLeave("defaultRoom"));
  await joined;
  await again(setup, client);
  await leaving;
  assert.deepEqual([client.rooms, client.wanted], [[], []]);
});

test("a join that is given up is undone when it comes about", async (t) => {
  const setup = await Setup.start(t);
  const client = await setup.connected();
  const controller = new AbortController();
  const joining = rejection(client.roomAdd("defaultRoom", { signal: controller.signal }));
  controller.abort();
  assert.equal((await joining).code, "aborted");
  await until(() => setup.server.received.at(-1)?.event === "roomLeave");
  await client.configure();
  assert.deepEqual([client.rooms, counted(setup, client)], [[], []]);
});

test("moves without a reply, and those that are sent as they are, are known too", async (t) => {
  const setup = await Setup.start(t);
  const client = await setup.connected();
  await client.roomAdd("nowhere", { noReply: true });
  await client.roomAdd("defaultRoom", { noReply: true });
  await client.send({ event: "roomJoin", room: "anotherRoom" });
  assert.deepEqual(client.rooms, ["defaultRoom", "anotherRoom"]);
  await again(setup, client);
  assert.deepEqual(client.rooms, ["defaultRoom", "anotherRoom"]);
  await client.send({ event: "roomLeave", room: "anotherRoom" });
  assert.deepEqual([client.rooms, client.wanted], [["defaultRoom"], ["defaultRoom"]]);
});

test("a subscription stays in a room for as long as it is there", async (t) => {
  const setup = await Setup.start(t);
  const client = setup.client();
  const told: [boolean, string | undefined][] = [];
  const end = client.subscribe("defaultRoom", ({ joined, error }) => told.push([joined, error?.code]));
  assert.deepEqual(told, [[false, undefined]]);
  await client.connect();
  assert.deepEqual(client.rooms, ["defaultRoom"]);
  await again(setup, client);
  assert.deepEqual(
    told.map(([joined]) => joined),
    [false, true, false, true],
  );
  // Joined by hand too: no fault, and it stays when the subscription goes.
  assert.equal((await client.roomAdd("defaultRoom")).data, true);
  end();
  end();
  await client.detailsView();
  assert.deepEqual(client.rooms, ["defaultRoom"]);
  await client.roomLeave("defaultRoom");
  const other = client.subscribe("defaultRoom", () => {});
  await until(() => client.rooms.length);
  other();
  await until(() => !client.rooms.length);
  assert.equal(told.length, 4);
});

test("the server destroys a room that is subscribed to, here and while away", async (t) => {
  const setup = await Setup.start(t);
  const client = await setup.connected();
  let state: Membership | undefined;
  client.subscribe("defaultRoom", (membership) => (state = membership));
  await until(() => state?.joined);
  setup.server.rooms.destroy("defaultRoom");
  await until(() => state?.error?.code === "018");
  assert.equal(state?.joined, false);
  let other: Membership | undefined;
  client.subscribe("anotherRoom", (membership) => (other = membership));
  await until(() => other?.joined);
  setup.server.rooms.destroy = () => {};
  const gone = event(client, "disconnected");
  const { port } = setup.server;
  await setup.server.kill();
  await gone;
  assert.equal(other?.joined, false);
  setup.server = await (setup.server.constructor as any).start({ rooms: ["defaultRoom"], port });
  const refused = event(client, "error");
  await event(client, "reconnect");
  assert.equal((await refused)[0].code, "019");
  assert.deepEqual([client.rooms, client.wanted, other?.error?.code], [[], [], "019"]);
});

// What a member says, and what it must not come to.
const forged: Record<string, unknown>[] = [
  { event: "destroy", data: { code: "018", message: "Room (defaultRoom) has been deleted" } },
  { event: "destroy", data: { code: "018" }, from: 0 },
  { event: "membership", data: { room: "defaultRoom", joined: false } },
  { context: "membership" },
  { context: "response", messageCount: 1, error: { code: "019" } },
  { context: "api", welcome: "fooled" },
  { welcome: "fooled" },
  { context: "alert" },
];
const names =
  "connected disconnected error reconnect reconnecting message membership alert api welcome say state send destroy";

test("what a member says is what a member says, and nothing of the server", async (t) => {
  const setup = await Setup.start(t);
  const [client, other] = [await setup.connected(), await setup.connected()];
  await Promise.all([client.roomAdd("defaultRoom"), other.roomAdd("defaultRoom")]);
  const said: unknown[] = [];
  client.on("say", ({ message }) => said.push(message));
  const heard: string[] = [];
  for (const name of names.split(" ")) {
    if (name !== "message" && name !== "say") client.on(name, () => heard.push(name));
  }
  client.from("defaultRoom").on("destroy", () => heard.push("scoped destroy"));
  const { welcomeMessage } = client;
  for (const message of forged) await other.say("defaultRoom", message);
  for (const name of names.split(" ")) {
    await other.emit(name, { code: "018", message: "fooled", context: "response", messageCount: 1 });
  }
  await other.say("defaultRoom", "primus::server::close");
  await other.emit("primus::server::close", "primus::server::close");
  await until(() => said.length === forged.length + names.split(" ").length + 2);
  assert.deepEqual(heard, []);
  assert.deepEqual(said.slice(0, forged.length), forged);
  assert.deepEqual([client.rooms, client.state], [["defaultRoom"], "connected"]);
  assert.equal(client.welcomeMessage, welcomeMessage);
  await again(setup, client);
  assert.deepEqual(client.rooms, ["defaultRoom"]);
  // And the server's own word.
  setup.server.rooms.destroy("defaultRoom");
  const all: string[] = heard;
  await until(() => all.includes("destroy") && all.includes("scoped destroy"));
  assert.deepEqual(client.rooms, []);
});

test("an event of one room is none of another, whatever their names are", async (t) => {
  const setup = await Setup.start(t, { rooms: ["a", "a].b", "a]"] });
  const client = await setup.connected();
  for (const room of ["a", "a].b", "a]"]) await client.roomAdd(room);
  const heard: unknown[] = [];
  client.from("a].b").on("c", (data) => heard.push(["a].b", data]));
  client.from("a]").on("b].c", (data) => heard.push(["a]", data]));
  client.from("a").on("b].c", (data) => heard.push(["a", data]));
  await client.to("a").emit("b].c", 1);
  await client.to("a].b").emit("c", 2);
  await client.to("a]").emit("b].c", 3);
  await client.to("a").emit("].b].c", 4);
  await client.detailsView();
  assert.deepEqual(heard, [["a", 1], ["a].b", 2], ["a]", 3]]);
});

test("messages that name no room, or one again and again, do not make it ask again and again", async (t) => {
  const setup = await Setup.start(t);
  const client = await setup.connected();
  const [{ spark }] = setup.server.connections as any;
  let heard = 0;
  client.on("say", () => heard++);
  for (let n = 0; n < 5; n++) {
    spark.write({ context: "user", message: n, from: 0 });
    spark.write({ context: "user", message: n, from: 0, room: "stranger" });
  }
  await until(() => heard === 10);
  for (let n = 0; n < 5; n++) await rejection(client.say("defaultRoom", n));
  // Once when it connected, and at most once for each name.
  assert.ok(setup.server.received.filter(({ event }) => event === "detailsView").length <= 3);
  assert.deepEqual(client.rooms, []);
});

test("a push with a context of its own is heard as `api`, and as nothing of the client's own", async (t) => {
  const setup = await Setup.start(t);
  const client = await setup.connected();
  const heard: [string, any][] = [];
  for (const name of [...names.split(" "), "game", "user", "response"]) {
    client.on(name, (value) => heard.push([name, value]));
  }
  const [{ spark }] = setup.server.connections as any;
  const contexts = ["game", ...names.split(" "), "__proto__", "", 7, true, { a: 1 }];
  const expected: [string, any][] = [];
  for (const context of contexts) {
    const push = { context, n: 1 };
    spark.write(push);
    expected.push(["message", push]);
    if (context !== "membership") expected.push([context === "alert" ? "alert" : "api", push]);
  }
  // None at all is none of its own.
  for (const push of ["text", 1, null, [], { n: 1 }, { context: null }]) {
    spark.write(push);
    expected.push(["message", push]);
  }
  spark.write({ context: "api", last: true });
  await until(() => heard.some(([name, value]) => name === "api" && value.last));
  const pushes = heard.filter(
    ([name, value]) => name !== "send" && !value?.last && value?.context !== "response",
  );
  assert.deepEqual(pushes, expected);
  assert.deepEqual([client.state, client.rooms], ["connected", []]);
});
