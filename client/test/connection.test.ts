import assert from "node:assert/strict";
import { test } from "node:test";
import { codecs, Setup } from "./support/setup";
import { event, rejection, until } from "./support/until";

for (const codec of Object.keys(codecs) as (keyof typeof codecs)[]) {
  test(`${codec}: a killed server is found again, rooms and queue restored`, async (t) => {
    const setup = await Setup.start(t, { codec });
    const client = await setup.connected();
    const events: string[] = [];
    for (const name of ["connected", "disconnected", "reconnecting", "reconnect"]) {
      client.on(name, () => events.push(name));
    }
    await client.roomAdd("defaultRoom");
    await client.roomAdd("anotherRoom");
    const { id } = client;
    await setup.server.kill();
    await until(() => client.state === "reconnecting");
    const said = client.say("defaultRoom", "from the queue");
    const heard = event(client, "say");
    assert.equal(client.queued, 1);
    await until(() => events.filter((name) => name === "reconnecting").length > 2);
    const back = event(client, "reconnect");
    await setup.restart();
    await back;
    assert.notEqual(client.id, id);
    assert.deepEqual(client.rooms.toSorted(), ["anotherRoom", "defaultRoom"]);
    assert.equal((await said).status, "OK");
    assert.equal((await heard)[0].message, "from the queue");
    assert.equal(client.queued, 0);
    assert.deepEqual(
      [events[0], events[1], ...events.slice(-2), events.indexOf("connected")],
      ["disconnected", "reconnecting", "reconnect", "connected", events.length - 1],
    );
  });

  test(`${codec}: the server ends: with a wish to come back, and for good`, async (t) => {
    const setup = await Setup.start(t, { codec });
    const client = await setup.connected();
    const back = event(client, "reconnect");
    setup.server.end(true);
    await back;
    assert.equal(client.state, "connected");
    const gone = event(client, "disconnected");
    setup.server.end(false);
    const [reason] = await gone;
    assert.equal(reason.code, "closed");
    assert.equal(client.state, "closed");
    assert.equal((await rejection(client.connect().then(() => client.say("nowhere", 1)))).code, "019");
  });

  test(`${codec}: the server says within which time to come back`, async (t) => {
    const setup = await Setup.start(t, { codec });
    const client = await setup.connected({ reconnect: { min: 1, max: 1 } });
    const sparks = () => [...setup.server.connections].map(({ spark }: any) => spark);
    const delays: number[] = [];
    client.on("reconnecting", ({ delay }) => delays.push(delay));
    // What is no number is no time either, and the last one counts.
    for (const reconnectWithin of [5, "soon", null, 2_000_000_000]) {
      for (const spark of sparks()) spark.write({ context: "goodbye", reconnectWithin });
    }
    setup.server.end(true);
    await until(() => delays.length === 1);
    // A part of 23 days that is a millisecond or less would be a rare chance.
    assert.ok(delays[0]! > 1);
    // It counts once.
    await client.connect();
    setup.server.end(true);
    await until(() => delays.length === 2);
    assert.equal(delays[1], 1);
  });

  test(`${codec}: a page of a room is asked for`, async (t) => {
    const setup = await Setup.start(t, { codec });
    const client = await setup.connected();
    await client.roomAdd("defaultRoom");
    const asked: unknown[] = [];
    setup.server.refuse = (message: any) => {
      if (message.event === "roomView") asked.push(message.params);
      return undefined;
    };
    await client.roomView("defaultRoom", { limit: 2, after: "x" });
    await client.roomView("defaultRoom", { limit: 2 });
    await client.roomView("defaultRoom", { timeout: 1000 });
    await client.roomView("defaultRoom");
    assert.deepEqual(asked, [{ limit: 2, after: "x" }, { limit: 2 }, undefined, undefined]);
  });

  test(`${codec}: pings are answered with their value`, async (t) => {
    const setup = await Setup.start(t, { codec, pingInterval: 20 });
    const client = await setup.connected({ pingInterval: 20, pingTimeout: 5000 });
    let pongs = 0;
    const [{ spark }] = setup.server.connections as any;
    spark.on("incoming::pong", () => pongs++);
    await until(() => pongs > 5);
    assert.equal(client.state, "connected");
    assert.equal(setup.server.sparks, 1);
    assert.equal(setup.server.received.length, 1);
  });
}

test("requests in flight reject when the connection is lost, and none gets another's answer", async (t) => {
  const setup = await Setup.start(t);
  const client = await setup.connected();
  setup.server.mute.add("roomView");
  const lost = [
    rejection(client.action("sleep", { ms: 60_000 })),
    rejection(client.roomView("defaultRoom")),
  ];
  await until(() => setup.server.received.length === 3);
  const back = event(client, "reconnect");
  setup.server.cut();
  for (const error of await Promise.all(lost)) {
    assert.equal(error.code, "closed");
    assert.equal(error.mayHaveRun, true);
  }
  await back;
  const [details, echo] = await Promise.all([client.detailsView(), client.action("echo", { n: 1 })]);
  assert.equal(details.data.id, client.id);
  assert.equal(echo.n, 1);
});

test("disconnect ends for good and rejects what was due", async (t) => {
  const setup = await Setup.start(t);
  const client = await setup.connected();
  const sleeping = rejection(client.action("sleep", { ms: 60_000 }));
  let events = 0;
  client.on("disconnected", () => events++);
  await until(() => setup.server.received.length === 2);
  await client.disconnect();
  client.disconnect();
  assert.equal(client.state, "closed");
  assert.equal((await sleeping).mayHaveRun, true);
  assert.equal(events, 1);
  await until(() => setup.server.connections.size === 0);
  await client.connect();
  assert.equal(client.state, "connected");
  assert.equal(setup.server.connections.size, 1);
});

test("disconnect while connecting rejects connect and leaves no socket", async (t) => {
  const setup = await Setup.start(t);
  const client = setup.client();
  const connecting = rejection(client.connect());
  client.disconnect();
  assert.equal((await connecting).code, "closed");
  await setup.connected();
  await until(() => setup.server.connections.size === 1);
  assert.equal(client.state, "closed");
});

test("a second connect leaves no old socket, whenever it is called", async (t) => {
  const setup = await Setup.start(t);
  const client = setup.client();
  const both = await Promise.all([client.connect(), client.connect()]);
  assert.equal(both[0].id, both[1].id);
  const pending = rejection(client.action("sleep", { ms: 60_000 }));
  await client.connect();
  assert.equal((await pending).code, "closed");
  await until(() => setup.server.connections.size === 1);
  assert.equal([...setup.server.connections][0]!.id, client.id);
  await client.action("via");
});

test("connect while waiting for the next attempt takes its place", async (t) => {
  const setup = await Setup.start(t);
  const client = await setup.connected({ reconnect: { min: 300 } });
  const waiting = event(client, "reconnecting");
  setup.server.cut();
  await waiting;
  const due = Date.now() + 300;
  await client.connect();
  // The one wait for a time: what must not happen would happen then.
  await until(() => Date.now() > due + 50);
  assert.equal(setup.server.sparks, 2);
  assert.equal(setup.server.connections.size, 1);
});

test("a server that cannot be reached: connect tells, the client goes on trying", async (t) => {
  const setup = await Setup.start(t);
  await setup.server.kill();
  const client = setup.client();
  const told = event(client, "error");
  const called = new Promise<any>((resolve) => void client.connect(resolve));
  assert.equal((await called).code, "offline");
  assert.equal((await told)[0].code, "offline");
  assert.equal(client.state, "reconnecting");
  const connected = event(client, "connected");
  await setup.restart();
  await connected;
  assert.equal(client.state, "connected");
});

test("retries can be limited, or none", async (t) => {
  const setup = await Setup.start(t);
  await setup.server.kill();
  const client = setup.client({ reconnect: { min: 1, max: 2, retries: 3 } });
  let attempts = 0;
  client.on("reconnecting", ({ attempt }) => (attempts = attempt));
  const queued = rejection(client.roomAdd("defaultRoom"));
  await rejection(client.connect());
  await until(() => client.state === "closed");
  assert.equal(attempts, 3);
  const error = await queued;
  assert.deepEqual([error.code, error.mayHaveRun], ["offline", false]);

  const once = setup.client({ reconnect: false });
  await rejection(once.connect());
  assert.equal(once.state, "closed");
});

test("refused by the authorizer: told with the reason, and not tried again", async (t) => {
  const setup = await Setup.start(t, {
    authorize: ({ query }, done) =>
      query.token === "good" ? done() : done({ message: "Wrong token", statusCode: 403 }),
  });
  const client = setup.client({ query: { token: "bad" } });
  let retries = 0;
  client.on("reconnecting", () => retries++);
  const gone = event(client, "disconnected");
  const queued = rejection(client.roomAdd("defaultRoom"));
  const error = await rejection(client.connect());
  assert.equal(error.code, "refused");
  assert.equal(error.message, "Wrong token");
  assert.equal(error.status, 403);
  assert.equal(client.state, "refused");
  assert.equal((await gone)[0].code, "refused");
  assert.equal((await queued).code, "refused");
  assert.equal(retries, 0);
  client.options.query = { token: "good" };
  await client.connect();
  assert.equal(client.state, "connected");
});

test("a server that goes silent is left", async (t) => {
  const setup = await Setup.start(t);
  const client = await setup.connected({ pingTimeout: 400 });
  const gone = event(client, "disconnected");
  const back = event(client, "reconnect");
  const [reason] = await gone;
  assert.equal(reason.code, "timeout");
  await back;
  client.disconnect();
});

test("a connection that is never configured times out", async (t) => {
  const setup = await Setup.start(t);
  setup.server.mute.add("detailsView");
  const client = setup.client({ timeout: 50 });
  const error = await rejection(client.connect());
  assert.equal(error.code, "timeout");
  const connected = event(client, "connected");
  setup.server.mute.clear();
  await connected;
});

test("what cannot be decoded is an error and nothing worse", async (t) => {
  const setup = await Setup.start(t);
  const client = await setup.connected();
  const told = event(client, "error");
  const [{ spark }] = setup.server.connections as any;
  spark.emit("outgoing::data", "{not json");
  assert.equal((await told)[0].code, "decode");
  assert.equal((await client.action("via")).via, "websocket");
});

test("rooms of the options are joined; one that cannot be joined is told and given up", async (t) => {
  const setup = await Setup.start(t);
  const client = setup.client({ rooms: ["defaultRoom", "nowhere"] });
  const told = event(client, "error");
  await client.connect();
  assert.deepEqual(client.rooms, ["defaultRoom"]);
  assert.equal((await told)[0].code, "019");
  const back = event(client, "reconnect");
  let errors = 0;
  client.on("error", () => errors++);
  setup.server.cut();
  await back;
  assert.deepEqual(client.rooms, ["defaultRoom"]);
  assert.equal(errors, 0);
});

test("a callback that disconnects during a failure ends the retries", async (t) => {
  const setup = await Setup.start(t);
  await setup.server.kill();
  const client = setup.client();
  let retries = 0;
  client.on("error", () => client.disconnect());
  client.on("reconnecting", () => retries++);
  await rejection(client.connect());
  assert.equal(client.state, "closed");
  assert.equal(retries, 0);
});
