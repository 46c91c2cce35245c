import assert from "node:assert/strict";
import { test } from "node:test";
import { hear, kinds, Setup } from "../support/stellar.mjs";
import { event, rejection, until } from "../support/until.mjs";

for (const kind of kinds) {
  const it = (name, run, ...args) =>
    test(`${kind.title}: ${name}`, async (t) => run(await Setup.start(t, kind, ...args)));
  const names = (client, ...wanted) =>
    client.heard.map(([name]) => name).filter((name) => wanted.includes(name));

  it("a server that is killed is found again, rooms and queue restored", async (setup) => {
    const client = await setup.connected({ rooms: ["orbit"] });
    await client.roomAdd("lobby");
    const { id } = client;
    const lost = rejection(client.action("sleep", { ms: 10_000 }));
    await setup.server.kill();
    const error = await lost;
    assert.deepEqual([error.code, error.mayHaveRun], ["closed", true]);
    await until(() => client.state === "reconnecting");
    await until(() => names(client, "reconnecting").length > 1, "attempts in vain");
    const said = client.say("lobby", "from the queue");
    const file = client.file("hello.txt");
    assert.equal(client.queued, 2);
    const back = event(client, "reconnect");
    await setup.server.restart();
    const [details] = await back;
    assert.equal(details.id, client.id);
    assert.notEqual(client.id, id);
    assert.equal(client.state, "connected");
    assert.deepEqual([...client.rooms].sort(), ["lobby", "orbit"]);
    assert.equal((await said).status, "OK");
    assert.equal((await file).error, null);
    await hear(client, "say", ({ message }) => message === "from the queue");
    assert.equal((await client.roomView("orbit")).membersCount, 1);
    assert.equal(client.queued, 0);
    const told = names(client, "connected", "disconnected", "reconnecting", "reconnect");
    assert.deepEqual(told.slice(0, 3), ["connected", "disconnected", "reconnecting"]);
    assert.deepEqual(told.slice(-2), ["reconnect", "connected"]);
    assert.equal(told.filter((name) => name === "connected").length, 2);
  });

  it("dropped by the server, it comes back with its rooms", async (setup) => {
    const client = await setup.connected();
    await client.roomAdd("lobby");
    const back = event(client, "reconnect");
    const error = await rejection(client.action("dropMe"));
    assert.deepEqual([error.code, error.mayHaveRun], ["closed", true]);
    await back;
    assert.deepEqual(client.rooms, ["lobby"]);
    assert.equal((await client.say("lobby", "here again")).status, "OK");
  });

  it("a server that is stopped sends its clients away to come again", async (setup) => {
    const client = await setup.connected();
    await client.roomAdd("lobby");
    const back = event(client, "reconnect");
    await setup.server.kill("SIGTERM");
    assert.match(setup.server.output, /Stopped/);
    await setup.server.restart();
    await back;
    assert.deepEqual(client.rooms, ["lobby"]);
  });

  it("disconnecting ends for good, and the rooms are left", async (setup) => {
    const [anna, ben] = [await setup.connected(), await setup.connected()];
    await Promise.all([anna.roomAdd("lobby"), ben.roomAdd("lobby")]);
    const due = rejection(anna.action("sleep", { ms: 10_000 }));
    await anna.disconnect();
    assert.equal(anna.state, "closed");
    assert.equal((await due).code, "closed");
    assert.deepEqual(names(anna, "disconnected", "reconnecting"), ["disconnected"]);
    await until(async () => (await ben.roomView("lobby")).membersCount === 1, "the room to be left");
    await anna.connect();
    assert.equal(anna.state, "connected");
    assert.deepEqual(anna.rooms, ["lobby"]);
  });

  it("a server that is not there is waited for", async (setup) => {
    await setup.server.kill();
    const client = setup.client();
    assert.equal((await rejection(client.connect())).code, "offline");
    await hear(client, "error", ({ code }) => code === "offline");
    const connected = event(client, "connected");
    await setup.server.restart();
    await connected;
    assert.equal(client.state, "connected");
  });

  it(
    "its answers to pings keep it connected",
    async (setup) => {
      const client = await setup.connected({ pingInterval: 200, pingTimeout: 20_000 });
      let pongs = 0;
      const { transport } = client;
      const { send } = transport;
      transport.send = (payload) => {
        if (Buffer.from(payload).includes("primus::pong::")) pongs++;
        send(payload);
      };
      await until(() => pongs >= 10, "ten pings");
      assert.equal(client.transport, transport);
      assert.deepEqual(names(client, "disconnected"), []);
      assert.equal((await client.detailsView()).messageCount, 2);
    },
    "--ping-interval",
    "200",
  );

  it(
    "a server whose pings do not come is left, and tried again",
    async (setup) => {
      const client = await setup.connected({ pingTimeout: 300 });
      const back = event(client, "reconnect");
      const [reason] = await hear(client, "disconnected");
      assert.equal(reason.code, "timeout");
      await back;
    },
    "--ping-interval",
    "0",
  );

  it("text that is cut in the middle of a character gets through, and its answer too", async (setup) => {
    const client = await setup.connected();
    await client.roomAdd("lobby");
    const half = "\u{1f680}".slice(0, 1);
    assert.equal((await client.say("lobby", `cut ${half}`)).status, "OK");
    const [{ message }] = await hear(client, "say");
    assert.match(message, /^cut /);
    assert.equal((await client.action("sum", { a: 1, b: 1 })).sum, 2);
  });
}
