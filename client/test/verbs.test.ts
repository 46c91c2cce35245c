import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { codecs, Setup } from "./support/setup";
import { event, rejection, until } from "./support/until";

for (const codec of Object.keys(codecs) as (keyof typeof codecs)[]) {
  const it = (name: string, run: (setup: Setup) => Promise<void>) =>
    test(`${codec}: ${name}`, async (t) => run(await Setup.start(t, { codec })));

  it("connecting tells the details and the welcome", async (setup) => {
    const client = setup.client({ query: { sessionID: "abc" } });
    const states: string[] = [];
    client.on("state", (state) => states.push(state));
    const welcome = event(client, "welcome");
    const connected = event(client, "connected");
    const details = await client.connect();
    assert.equal(details.data.id, client.id);
    assert.equal(details.id, client.id);
    assert.equal(client.fingerprint, "abc");
    assert.equal(client.details?.remoteIP, "127.0.0.1");
    assert.deepEqual(client.rooms, []);
    assert.equal(client.transport?.name, "ws");
    assert.deepEqual(states, ["connecting", "connected"]);
    assert.equal((await connected)[0].id, client.id);
    assert.match((await welcome)[0].welcome, /^Hello/);
    assert.match(client.welcomeMessage!, /^Hello/);
  });

  it("rooms: join, view, say, leave", async (setup) => {
    const [anna, ben] = [await setup.connected(), await setup.connected()];
    await anna.roomAdd("defaultRoom");
    await ben.join("defaultRoom");
    assert.deepEqual(anna.rooms, ["defaultRoom"]);
    const view = await anna.roomView("defaultRoom");
    assert.equal(view.membersCount, 2);
    assert.equal(view.data.members[ben.id!]?.id, ben.id);

    const heard = event(ben, "say");
    const echo = event(anna, "say");
    const said = { text: "hi", list: [1, null, true] };
    assert.equal((await anna.say("defaultRoom", said)).status, "OK");
    const [message] = await heard;
    assert.deepEqual(message.message, said);
    assert.equal(message.from, anna.id);
    assert.equal(message.room, "defaultRoom");
    assert.deepEqual((await echo)[0].message, said);

    await anna.leave("defaultRoom");
    assert.deepEqual(anna.rooms, []);
    assert.equal((await ben.roomView("defaultRoom")).membersCount, 1);
  });

  it("say without a room goes to the default room", async (setup) => {
    const client = await setup.connected();
    await client.roomAdd("anotherRoom");
    client.setDefaultRoom("anotherRoom");
    const heard = event(client, "say");
    await client.say("hello");
    assert.equal((await heard)[0].room, "anotherRoom");
    const again = event(client, "say");
    await new Promise((resolve) => client.say("hello again", resolve));
    assert.equal((await again)[0].message, "hello again");
  });

  it("verbs that the server refuses reject with its code, and are told as an error", async (setup) => {
    const client = await setup.connected();
    const told = event(client, "error");
    const error = await rejection(client.say("defaultRoom", "hi"));
    assert.equal(error.code, "016");
    assert.equal(error.mayHaveRun, false);
    assert.equal(error.response.status.code, "016");
    assert.match(error.message, /not in room/);
    assert.equal((await told)[0], error);
    assert.equal((await rejection(client.roomView("nowhere"))).code, "019");
    assert.equal((await rejection(client.roomAdd(""))).code, "021");
    await client.roomAdd("defaultRoom");
    assert.equal((await rejection(client.roomAdd("defaultRoom"))).code, "017");
    assert.equal((await rejection(client.roomLeave("anotherRoom"))).code, "016");
  });

  it("room events reach their listeners, and only the right scope", async (setup) => {
    const client = await setup.connected();
    await client.roomAdd("defaultRoom");
    await client.roomAdd("anotherRoom");
    const heard: unknown[] = [];
    client.on("moved", (data, { room }) => heard.push(["any", room, data]));
    client.from("anotherRoom").on("moved", (data) => heard.push(["scope", data]));
    client.from("anotherRoom").on("connected", (data) => heard.push(["scope", data]));
    client.on("connected", () => heard.push("fooled"));
    await client.emit("moved", 1);
    await client.to("anotherRoom").emit("moved", { x: 2 });
    await client.to(["anotherRoom"]).emit("connected", 3);
    await client.emit("[anotherRoom].moved", 4);
    await client.detailsView();
    assert.deepEqual(heard, [
      ["any", "defaultRoom", 1],
      ["any", "anotherRoom", { x: 2 }],
      ["scope", { x: 2 }],
      ["scope", 3],
    ]);
  });

  it("a room that is destroyed is not joined again", async (setup) => {
    const client = await setup.connected();
    await client.roomAdd("anotherRoom");
    await client.roomAdd("defaultRoom");
    const destroyed = event(client, "destroy");
    setup.server.rooms.destroy("anotherRoom");
    assert.equal((await destroyed)[0].code, "018");
    assert.deepEqual(client.rooms, ["defaultRoom"]);
    const back = event(client, "reconnect");
    setup.server.cut();
    await back;
    assert.deepEqual(client.rooms, ["defaultRoom"]);
  });

  it("actions answer with their fields, or reject with their error", async (setup) => {
    const client = await setup.connected();
    const answer = await client.action("sum", { a: 1, b: 2 });
    assert.equal(answer.sum, 3);
    assert.equal(answer.context, "response");
    assert.equal((await client.action("via")).via, "websocket");
    assert.equal((await client.action("status")).status, "running");
    assert.equal((await rejection(client.action("nothing"))).code, "004");
    const failed = await rejection(client.action("fail"));
    assert.equal(failed.code, "teapot");
    assert.equal(failed.response.partial, true);
    assert.deepEqual(failed.error, { code: "teapot", message: "Short and stout" });
    const text = await rejection(client.action("fail", { error: "plain" }));
    assert.deepEqual([text.code, text.message], ["error", "plain"]);
    const fields = await rejection(client.action("sum", { a: 1 }));
    assert.equal(fields.message, "The b field is required.");
    assert.deepEqual(Object.keys(fields.error), ["b"]);
  });

  it("answers find their requests in whatever order they come", async (setup) => {
    const client = await setup.connected();
    const order: string[] = [];
    const note = (name: string) => () => order.push(name);
    const slow = client.action("sleep", { ms: 60 }).then(note("slow"));
    const fast = client.action("sleep", { ms: 1 }).then(note("fast"));
    const verb = client.detailsView().then(note("verb"));
    await Promise.all([slow, fast, verb]);
    assert.deepEqual(order, ["verb", "fast", "slow"]);
    const echoes = await Promise.all(
      Array.from({ length: 50 }, (_, n) => client.action("echo", { n })),
    );
    assert.deepEqual(
      echoes.map(({ n }) => n),
      Array.from({ length: 50 }, (_, n) => n),
    );
  });

  it("files come as text, bytes or a blob, and reject when absent", async (setup) => {
    const folder = await mkdtemp(join(tmpdir(), "files-"));
    (setup.server as any).publicFolder = folder;
    const bytes = Uint8Array.from({ length: 256 }, (_, n) => n);
    await writeFile(join(folder, "hello.txt"), "Héllo");
    await writeFile(join(folder, "raw.bin"), bytes);
    const client = await setup.connected();
    const text = await client.file("hello.txt");
    assert.equal(text.content, "Héllo");
    assert.equal(text.length, 6);
    assert.equal(text.mime, "text/plain");
    assert.equal(text.error, null);
    assert.ok(Date.parse(text.lastModified));
    assert.deepEqual(
      (await client.file("hello.txt", { as: "bytes" })).content,
      new TextEncoder().encode("Héllo"),
    );
    assert.equal((await client.file("raw.bin")).encoding, "base64");
    assert.deepEqual((await client.file("raw.bin", { as: "bytes" })).content, bytes);
    const blob = (await client.file("raw.bin", { as: "blob" })).content;
    assert.deepEqual(new Uint8Array(await blob.arrayBuffer()), bytes);
    const error = await rejection(client.file("absent.txt"));
    assert.equal(error.code, "010");
    assert.equal(error.response.content, null);
    await rm(folder, { recursive: true });
  });

  it("alerts and api messages have their events; strings are only messages", async (setup) => {
    const client = await setup.connected();
    const told = ["alert", "api"].map((name) => event(client, name));
    const [{ spark }] = setup.server.connections as any;
    spark.write({ context: "alert", text: "watch out" });
    spark.write({ context: "api", text: "for programs" });
    const [[alert], [api]] = (await Promise.all(told)) as any;
    assert.equal(alert.text, "watch out");
    assert.equal(api.text, "for programs");
    for (const text of ["primus::else::1", "primus::pingpong", "plain"]) {
      const message = event(client, "message");
      spark.write(text);
      assert.deepEqual(await message, [text]);
    }
    assert.equal(client.state, "connected");
  });
}

test("callbacks get their arguments in the order of the guide", async (t) => {
  const setup = await Setup.start(t);
  const client = setup.client();
  const call = (start: (callback: (...args: any[]) => void) => unknown) =>
    new Promise<any[]>((resolve) => {
      void start((...args) => resolve(args));
    });
  const [error, details] = await call((cb) => client.connect(cb));
  assert.equal(error, null);
  assert.equal(details.id, client.id);
  assert.equal((await call((cb) => client.roomAdd("defaultRoom", cb)))[0], null);
  assert.equal((await call((cb) => client.roomAdd("nowhere", cb)))[0].code, "019");
  assert.equal((await call((cb) => client.say("defaultRoom", "x", cb)))[0], null);
  assert.equal((await call((cb) => client.say("nowhere", "x", cb)))[0].code, "019");
  const [none, view] = await call((cb) => client.detailsView(cb));
  assert.equal(none, null);
  assert.deepEqual(view.data.rooms, ["defaultRoom"]);
  const [room, ok] = await call((cb) => client.roomView("defaultRoom", cb));
  assert.equal(room.membersCount, 1);
  assert.equal(ok, null);
  const [, bad] = await call((cb) => client.roomView("nowhere", cb));
  assert.equal(bad.code, "019");
  const [sum] = await call((cb) => client.action("sum", { a: 1, b: 1 }, cb));
  assert.equal(sum.sum, 2);
  const [via] = await call((cb) => client.action("via", cb));
  assert.equal(via.via, "websocket");
  const [failed] = await call((cb) => client.action("nothing", {}, cb));
  assert.equal(failed.error.code, "004");
  const [file, fileError] = await call((cb) => client.file("absent", cb));
  assert.equal(file.error.code, "010");
  assert.equal(fileError.code, "010");
  assert.equal((await call((cb) => client.roomLeave("defaultRoom", cb)))[0], null);
  assert.equal((await call((cb) => client.configure(cb)))[1].id, client.id);
  const pending = call((cb) => client.action("sleep", { ms: 60_000 }, cb));
  await until(() => client.pending === 1);
  assert.equal((await call((cb) => client.disconnect(cb)))[0], null);
  assert.equal((await pending)[0].error.code, "closed");
});

test("the client sends what it must and nothing else, numbered from 1 on every connection", async (t) => {
  const setup = await Setup.start(t);
  const client = setup.client();
  const sent: unknown[] = [];
  client.on("send", (message, count) => sent.push([count, message.event]));
  await client.connect();
  await client.roomAdd("defaultRoom");
  await client.say("defaultRoom", "x");
  const back = event(client, "reconnect");
  setup.server.cut();
  await back;
  assert.deepEqual(sent, [
    [1, "detailsView"],
    [2, "roomAdd"],
    [3, "say"],
    [1, "detailsView"],
    [2, "roomAdd"],
  ]);
  assert.deepEqual(
    setup.server.received.map(({ event }) => event),
    ["detailsView", "roomAdd", "say", "detailsView", "roomAdd"],
  );
});

test("a request that cannot be encoded rejects and does not count", async (t) => {
  const setup = await Setup.start(t);
  const client = await setup.connected();
  const error = await rejection(client.action("echo", { big: 1n }));
  assert.deepEqual([error.code, error.mayHaveRun], ["invalid", false]);
  assert.ok(error.cause instanceof TypeError);
  assert.equal((await client.action("echo", { big: 1 })).big, 1);
});

test("actions beyond the limit wait for a place, so the server refuses none", async (t) => {
  const setup = await Setup.start(t, { simultaneousActions: 2 });
  const client = await setup.connected({ simultaneousActions: 2 });
  const calls = Array.from({ length: 9 }, () => client.action("sleep", { ms: 5 }));
  assert.equal(client.pending, 2);
  assert.equal(client.queued, 7);
  await client.detailsView();
  await Promise.all(calls);
  const over = await setup.connected({ simultaneousActions: 3 });
  const codes = await Promise.allSettled(
    Array.from({ length: 3 }, () => over.action("sleep", { ms: 5 })),
  );
  assert.equal((codes[2] as PromiseRejectedResult).reason.code, "007");
});

test("interceptors change, answer or reject an action", async (t) => {
  const setup = await Setup.start(t);
  const client = await setup.connected();
  client.interceptors.push((params, next) => {
    params.token = "t";
    next();
  });
  assert.equal((await client.action("echo")).token, "t");
  client.interceptors.push((_, next) => next((answer) => (answer.added = true)));
  assert.equal((await client.action("echo")).added, true);
  client.interceptors.push(({ action }, next) => (action === "own" ? next({ own: 1 }) : next()));
  // The one added last comes first, so the answer did not get to the one before it.
  assert.deepEqual(await client.action("own"), { own: 1 });
  client.interceptors.push((_, next) => next(null, { message: "no" }));
  assert.equal((await rejection(client.action("echo"))).message, "no");
});
