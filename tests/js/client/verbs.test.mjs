import assert from "node:assert/strict";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { root } from "../support/server.mjs";
import { hear, kinds, Setup } from "../support/stellar.mjs";
import { event, rejection, until } from "../support/until.mjs";

const publicFolder = join(root, "examples/chat/public");

for (const kind of kinds) {
  const it = (name, run) =>
    test(`${kind.title}: ${name}`, async (t) => run(await Setup.start(t, kind)));

  it("connecting tells the details, the state and the greeting", async (setup) => {
    const page = await fetch(`${setup.server.url}/api/randomNumber`);
    const { requesterInformation } = await page.json();
    const [, sessionID] = /^sessionID=([^;]+)/.exec(page.headers.get("set-cookie"));
    const client = setup.client({ query: { sessionID } });
    assert.equal(client.state, "idle");
    const details = await client.connect();
    assert.equal(details.id, client.id);
    assert.equal(details.data.id, client.id);
    assert.equal(details.remoteIP, "127.0.0.1");
    assert.ok(details.remotePort > 0);
    assert.ok(Math.abs(details.connectedAt - Date.now()) < 60_000);
    assert.deepEqual(details.rooms, []);
    assert.deepEqual(details.params, {});
    assert.equal(client.fingerprint, requesterInformation.fingerprint);
    assert.equal(client.transport.name, "ws");
    const [welcome] = await hear(client, "welcome");
    assert.equal(welcome.welcome, "Hello human! Welcome to Stellar");
    assert.equal(client.welcomeMessage, welcome.welcome);
    const states = client.heard.filter(([name]) => name === "state").map(([, state]) => state);
    assert.deepEqual(states, ["connecting", "connected"]);
    assert.equal(client.heard.filter(([name]) => name === "connected").length, 1);
  });

  it("rooms: join, view, say, leave", async (setup) => {
    const [anna, ben] = [await setup.connected(), await setup.connected()];
    await anna.roomAdd("lobby");
    await ben.join("lobby");
    assert.deepEqual(anna.rooms, ["lobby"]);
    const view = await anna.roomView("lobby");
    assert.equal(view.membersCount, 2);
    assert.deepEqual(Object.keys(view.members).sort(), [anna.id, ben.id].sort());
    assert.ok(view.members[ben.id].joinedAt > 0);

    const said = { text: "hi \u{1f680} \u2028", list: [1, -1.5, null, true], deep: { a: [] } };
    assert.equal((await anna.say("lobby", said)).status, "OK");
    for (const client of [anna, ben]) {
      const [message] = await hear(client, "say");
      assert.deepEqual(message.message, said);
      assert.equal(message.from, anna.id);
      assert.equal(message.room, "lobby");
      assert.equal(message.context, "user");
      assert.ok(message.sentAt > 0);
    }
    // The sender's answer comes before what it said.
    const order = anna.heard
      .filter(([name]) => name === "message")
      .map(([, { messageCount, context }]) => messageCount ?? context);
    assert.ok(order.indexOf(4) < order.indexOf("user"), String(order));

    await ben.say("to the default room");
    await hear(anna, "say", ({ message }) => message === "to the default room");
    anna.setDefaultRoom("orbit");
    assert.equal((await rejection(anna.say("not in there"))).code, "016");
    await anna.leave("lobby");
    assert.deepEqual(anna.rooms, []);
    assert.deepEqual(Object.keys((await ben.roomView("lobby")).members), [ben.id]);
    // Only those in a room see who is there.
    assert.equal((await rejection(anna.roomView("lobby"))).code, "016");
  });

  it("rooms: what is refused has its code, and is told as an error", async (setup) => {
    const client = await setup.connected();
    assert.equal((await rejection(client.roomView("nowhere"))).code, "019");
    assert.equal((await rejection(client.roomAdd("nowhere"))).code, "019");
    assert.equal((await rejection(client.roomAdd(""))).code, "021");
    assert.equal((await rejection(client.roomLeave("lobby"))).code, "016");
    await client.roomAdd("lobby");
    const error = await rejection(client.roomAdd("lobby"));
    assert.equal(error.code, "017");
    assert.equal(error.message, `Connection (${client.id}) already in room (lobby)`);
    assert.equal(error.mayHaveRun, false);
    assert.deepEqual(await hear(client, "error", (told) => told === error), [error]);
  });

  it("many messages arrive once and in order", async (setup) => {
    const [anna, ben] = [await setup.connected(), await setup.connected()];
    await Promise.all([anna.roomAdd("lobby"), ben.roomAdd("lobby")]);
    await Promise.all(Array.from({ length: 2000 }, (_, n) => anna.say("lobby", n)));
    for (const client of [anna, ben]) {
      const got = () => client.heard.filter(([name]) => name === "say");
      await until(() => got().length === 2000, "2,000 messages");
      got().forEach(([, { message }], index) => assert.equal(message, index));
    }
  });

  it("events of rooms reach their listeners", async (setup) => {
    const [anna, ben] = [await setup.connected(), await setup.connected()];
    for (const client of [anna, ben]) {
      await Promise.all([client.roomAdd("lobby"), client.roomAdd("orbit")]);
    }
    const heard = [];
    ben.on("moved", (data, { room, from }) => heard.push(["any", room, from === anna.id, data]));
    ben.from("orbit").on("moved", (data) => heard.push(["orbit", data]));
    ben.from("lobby").on("connected", (data) => heard.push(["lobby", data]));
    await anna.emit("moved", { x: 1 });
    await anna.to("orbit").emit("moved", [2]);
    await anna.to("lobby").emit("connected", null);
    await until(() => heard.length === 4);
    assert.deepEqual(heard, [
      ["any", "lobby", true, { x: 1 }],
      ["any", "orbit", true, [2]],
      ["orbit", [2]],
      ["lobby", null],
    ]);
    await anna.roomLeave("orbit");
    assert.equal((await rejection(anna.to("orbit").emit("moved"))).code, "016");
  });

  it("actions answer with their fields, or reject with their error", async (setup) => {
    const client = await setup.connected();
    const { actions } = await client.action("actions");
    assert.ok(actions.some(({ name }) => name === "sum"));
    assert.deepEqual(await client.action("sum", { a: 1, b: 2.5 }), {
      sum: 3.5,
      context: "response",
      messageCount: 3,
    });
    const { randomNumber } = await client.action("randomNumber");
    assert.ok(randomNumber >= 0 && randomNumber < 1);
    const given = { text: "é", nothing: null, list: [[{}]], yes: true, large: 2 ** 40 };
    const { context, messageCount, ...echo } = await client.action("echo", given);
    assert.deepEqual(echo, given);
    const unknown = await rejection(client.action("nothing"));
    assert.equal(unknown.code, "004");
    assert.equal(unknown.message, "Unknown action (nothing) or invalid apiVersion");
    const missing = await rejection(client.action("sum", { a: 1 }));
    assert.deepEqual(missing.error, { b: "The b field is required." });
    assert.equal((await rejection(client.action("sum", { a: 1, b: [] }))).code, "003");
    const long = await rejection(client.action("sleep", { ms: 10_001 }));
    assert.equal(long.message, "That is longer than 10,000 milliseconds");
    assert.equal((await client.detailsView()).totalActions, 8);
  });

  it("answers find their requests, however they overtake each other", async (setup) => {
    const client = await setup.connected();
    const order = [];
    const slow = client.action("sleep", { ms: 300 }).then(() => order.push("slow"));
    const fast = client.action("sleep", { ms: 1 }).then(() => order.push("fast"));
    const verb = client.detailsView().then(() => order.push("verb"));
    await Promise.all([slow, fast, verb]);
    assert.deepEqual(order.slice(-1), ["slow"]);
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, n) => client.action("echo", { n })),
    );
    answers.forEach(({ n }, index) => assert.equal(n, index));
  });

  it("one action too many is refused at once", async (setup) => {
    const client = await setup.connected({ simultaneousActions: 6 });
    const calls = Array.from({ length: 6 }, () => client.action("sleep", { ms: 200 }));
    assert.equal((await rejection(calls[5])).code, "007");
    await Promise.all(calls.slice(0, 5));
  });

  it("alerts have their event", async (setup) => {
    const [anna, ben] = [await setup.connected(), await setup.connected()];
    await anna.action("alert", { text: "Mind the gap" });
    const [alert] = await hear(anna, "alert");
    assert.deepEqual(alert, { text: "Mind the gap", context: "alert" });
    await ben.detailsView();
    assert.equal(ben.heard.filter(([name]) => name === "alert").length, 0);
  });

  it("files: text, bytes, blobs, and none", async (setup) => {
    const client = await setup.connected();
    const text = await readFile(join(publicFolder, "hello.txt"), "utf8");
    const hello = await client.file("hello.txt");
    assert.equal(hello.content, text);
    assert.equal(hello.encoding, undefined);
    assert.equal(hello.length, Buffer.byteLength(text));
    assert.match(hello.mime, /^text\/plain/);
    assert.ok(Date.parse(hello.lastModified) > 0);

    const bytes = await readFile(join(publicFolder, "favicon.png"));
    const { size } = await stat(join(publicFolder, "favicon.png"));
    const icon = await client.file("favicon.png");
    assert.equal(icon.encoding, "base64");
    assert.equal(icon.mime, "image/png");
    assert.equal(icon.length, size);
    assert.ok(bytes.equals(Buffer.from(icon.content, "base64")));
    assert.ok(bytes.equals((await client.file("favicon.png", { as: "bytes" })).content));
    const blob = (await client.file("favicon.png", { as: "blob" })).content;
    assert.ok(bytes.equals(Buffer.from(await blob.arrayBuffer())));
    for (const path of ["missing.txt", "../src/main.rs", "/etc/passwd", "js"]) {
      const error = await rejection(client.file(path));
      assert.equal(error.code, "010", path);
      assert.equal(error.response.content, null);
      assert.equal(error.response.length, error.message.length);
    }
    assert.equal((await rejection(client.file(""))).code, "012");
  });

  it("what takes too long, or is given up, rejects; later answers are not mixed up", async (setup) => {
    const client = await setup.connected();
    const late = await rejection(client.action("sleep", { ms: 200 }, { timeout: 10 }));
    assert.deepEqual([late.code, late.mayHaveRun], ["timeout", true]);
    const controller = new AbortController();
    const given = rejection(client.action("sleep", { ms: 200 }, { signal: controller.signal }));
    controller.abort();
    assert.equal((await given).code, "aborted");
    assert.equal((await client.action("echo", { n: 1 })).n, 1);
    await until(() => client.pending === 0, "the late answers");
    assert.equal((await client.configure()).pendingActions, 0);
  });

  it("callbacks get their arguments in the order of the guide", async (setup) => {
    const client = setup.client();
    const call = (start) => new Promise((resolve) => start((...args) => resolve(args)));
    assert.equal((await call((cb) => client.connect(cb)))[1].id, client.id);
    assert.equal((await call((cb) => client.roomAdd("lobby", cb)))[0], null);
    assert.equal((await call((cb) => client.say("lobby", "x", cb)))[0], null);
    assert.equal((await call((cb) => client.say("orbit", "x", cb)))[0].code, "016");
    assert.deepEqual((await call((cb) => client.detailsView(cb)))[1].data.rooms, ["lobby"]);
    const [view, fine] = await call((cb) => client.roomView("lobby", cb));
    assert.deepEqual([view.membersCount, fine], [1, null]);
    assert.equal((await call((cb) => client.action("sum", { a: 1, b: 1 }, cb)))[0].sum, 2);
    assert.equal((await call((cb) => client.action("none", cb)))[0].error.code, "004");
    assert.match((await call((cb) => client.file("hello.txt", cb)))[0].mime, /^text/);
    assert.equal((await call((cb) => client.file("none", cb)))[1].code, "010");
    assert.equal((await call((cb) => client.roomLeave("lobby", cb)))[0], null);
    assert.equal((await call((cb) => client.disconnect(cb)))[0], null);
  });

  it("interceptors change, answer or reject an action", async (setup) => {
    const client = await setup.connected();
    client.interceptors.push((params, next) => {
      params.token = "t";
      next((answer) => (answer.seen = true));
    });
    const answer = await client.action("echo");
    assert.deepEqual([answer.token, answer.seen], ["t", true]);
    client.interceptors.push(({ action }, next) => (action === "own" ? next({ own: 1 }) : next()));
    assert.deepEqual(await client.action("own"), { own: 1 });
    client.interceptors.push((params, next) => next(null, new Error("no")));
    assert.equal((await rejection(client.action("echo"))).message, "no");
  });

  it("without a connection actions go over HTTP", async (setup) => {
    const client = setup.client();
    const sum = await client.action("sum", { a: 2, b: 3 });
    assert.equal(sum.sum, 5);
    assert.equal(sum.requesterInformation.remoteIP, "127.0.0.1");
    assert.ok(sum.serverInformation.currentTime > 0);
    const get = await client.action("echo", { httpMethod: "GET", text: "é & ?" });
    assert.equal(get.text, "é & ?");
    for (const httpMethod of ["PUT", "PATCH", "DELETE"]) {
      assert.equal((await client.action("sum", { httpMethod, a: 1, b: 1 })).sum, 2, httpMethod);
    }
    const unknown = await rejection(client.action("nothing"));
    assert.deepEqual([unknown.code, unknown.status], ["004", 404]);
    const missing = await rejection(client.action("sum", { a: 1 }));
    assert.deepEqual([missing.error, missing.status], [{ b: "The b field is required." }, 400]);
    // Only a connection can be sent an alert.
    assert.equal((await rejection(client.action("alert"))).code, "005");
    await client.connect();
    assert.equal((await client.action("sum", { a: 2, b: 3 })).context, "response");
    await client.disconnect();
    assert.ok((await client.action("sum", { a: 2, b: 3 })).serverInformation);
    const back = event(client, "reconnect");
    await client.connect();
    await back;
    await setup.server.kill();
    await until(() => client.state === "reconnecting");
    assert.equal((await rejection(client.action("sum", { a: 1, b: 1 }))).code, "offline");
  });
}
