// The rooms that a client wants and those it is in, over every engine: what the server refuses, does
// by itself, or says to somebody who is not there.
import assert from "node:assert/strict";
import { test } from "node:test";
import { WebSocket } from "ws";
import { Line } from "../support/line.mjs";
import { Proxy } from "../support/proxy.mjs";
import { compat } from "../support/server.mjs";
import { builds } from "../support/stellar.mjs";
import { event, rejection, until } from "../support/until.mjs";

const room = "defaultRoom";
const kinds = [
  ["ws", "json"],
  ["ws", "msgpack"],
  ["engine.io", "json"],
  ["engine.io", "msgpack"],
  ["socket.io", "json"],
  ["socket.io", "msgpack"],
  ["sockjs", "json"],
];

for (const [engine, parser] of kinds) {
  const it = (name, run, ...args) =>
    test(`${engine}, ${parser}: ${name}`, async (t) => {
      const server = await compat(t, "--transport", engine, "--parser", parser, ...args);
      const client = (options = {}) => {
        const client = new builds[parser].mjs.StellarClient({
          ...{ url: server.url, transports: [engine], WebSocket, defaultRoom: room },
          reconnect: { min: 10, max: 100 },
          ...options,
        });
        t.after(() => client.disconnect());
        client.told = [];
        client.on("membership", ({ room, joined, error }) =>
          client.told.push([room, joined, error?.code]),
        );
        return client;
      };
      /** An action by HTTP: of nobody's connection. */
      const call = async (params) => {
        const answer = await fetch(`${server.url}/api?${new URLSearchParams(params)}`);
        assert.equal((await answer.json()).error, undefined);
      };
      await run({ t, server, client, call });
    });
  const counted = async (client) => (await client.detailsView()).data.rooms;

  it("a room is read in pages", async ({ client }) => {
    const clients = [client(), client(), client()];
    for (const one of clients) {
      await one.connect();
      await one.roomAdd(room);
    }
    const ids = clients.map(({ id }) => id).sort();
    const seen = [];
    let after;
    do {
      const page = await clients[0].roomView(room, { limit: 2, after });
      assert.equal(page.membersCount, 3);
      seen.push(Object.keys(page.members));
      after = page.next;
    } while (after);
    assert.deepEqual(
      [seen.map(({ length }) => length), seen.flat().sort()],
      [[2, 1], ids],
    );
    const whole = await clients[0].roomView(room);
    assert.deepEqual([Object.keys(whole.members).sort(), whole.next], [ids, undefined]);
    const error = await rejection(clients[0].roomView(room, { limit: 0 }));
    assert.equal(error.code, "003");
  });

  it(
    "a message rate: it connects, and joins its rooms as that allows",
    async ({ t, server, client, call }) => {
      const rooms = ["one", "two", "three"];
      for (const room of rooms) await call({ action: "room", room, places: 9 });
      const line = await Line.start(t, server.port);
      const anna = client({ url: line.url, rooms });
      const errors = [];
      anna.on("error", (error) => errors.push(error));
      for (const again of [false, true]) {
        if (again) {
          const back = event(anna, "reconnect");
          line.release();
          await back;
        } else assert.equal((await anna.connect()).id, anna.id);
        assert.ok(anna.id);
        assert.ok(anna.rooms.length < 3, String(anna.rooms));
        await until(() => anna.rooms.length === 3, "three rooms");
        // The question counts too, and whoever goes on asking is ended.
        const ask = async () => {
          await new Promise((resolve) => setTimeout(resolve, 600));
          return counted(anna).catch(() => null);
        };
        const seen = await until(ask, "the details");
        assert.deepEqual(seen.toSorted(), rooms.toSorted());
      }
      assert.ok(anna.told.some(([, joined, code]) => !joined && code === "025"));
      assert.deepEqual(errors.filter(({ code }) => code !== "025"), []);
    },
    ...["--set", "server.messageRate.perSecond=4", "--set", "server.messageRate.burst=2"],
  );

  it(
    "a full room, by its own last connection, which the server does not know to be lost",
    async ({ t, server, client, call }) => {
      await call({ action: "room", room: "tight", places: 1 });
      const line = await Line.start(t, server.port);
      const anna = client({ url: line.url });
      await anna.connect();
      await anna.roomAdd("tight");
      line.hold();
      anna.options.url = server.url;
      await anna.connect();
      assert.deepEqual([anna.rooms, anna.wanted], [[], ["tight"]]);
      await until(() => anna.rooms[0] === "tight", "the ghost to go");
      assert.deepEqual(await counted(anna), ["tight"]);
      assert.ok(anna.told.some(([, , code]) => code === "024"));
    },
    ...["--set", "server.pingInterval=400"],
  );

  it("the server takes it into a room and out of it", async ({ client }) => {
    const [anna, ben] = [client(), client()];
    await Promise.all([anna.connect(), ben.connect()]);
    const heard = [];
    anna.on("api", (message) => heard.push(message));
    await ben.action("move", { room: "otherRoom", connection: anna.id });
    await until(() => anna.rooms[0] === "otherRoom", "to know");
    await anna.roomAdd(room);
    const back = event(anna, "reconnect");
    await anna.action("end", { reconnect: true }).catch(() => {});
    await back;
    assert.deepEqual([...anna.rooms].sort(), [room, "otherRoom"]);
    assert.deepEqual((await counted(anna)).sort(), [room, "otherRoom"]);
    for (const join of [true, false]) {
      const told = event(anna, "membership");
      await ben.action("move", { room, join: false, connection: anna.id });
      const [{ joined, error }] = await told;
      assert.deepEqual([joined, error.code], [false, "016"]);
      assert.equal((await rejection(anna.roomLeave(room))).code, "016");
      if (join) await anna.roomAdd(room);
    }
    const again = event(anna, "reconnect");
    await anna.action("end", { reconnect: true }).catch(() => {});
    await again;
    assert.deepEqual([anna.rooms, await counted(anna)], [["otherRoom"], ["otherRoom"]]);
    assert.deepEqual(heard, []);
  });

  it("a room that is destroyed: here, and while it is away", async ({ t, server, client, call }) => {
    const proxy = await Proxy.start(t, server.port);
    const anna = client({ url: proxy.url });
    await anna.connect();
    await anna.roomAdd(room);
    await anna.roomAdd("otherRoom");
    const destroyed = event(anna, "destroy");
    await call({ action: "room", room });
    assert.equal((await destroyed)[0].code, "018");
    assert.deepEqual(anna.rooms, ["otherRoom"]);
    await proxy.refuse();
    await until(() => anna.state === "reconnecting", "it to be lost");
    assert.deepEqual(anna.rooms, []);
    await call({ action: "room", room: "otherRoom" });
    const [back, refused] = [event(anna, "reconnect"), event(anna, "membership")];
    await proxy.open();
    await back;
    const [{ error }] = await refused;
    assert.equal(error.code, "019");
    assert.deepEqual([anna.rooms, anna.wanted], [[], []]);
  });

  it("a member cannot make others forget a room", async ({ client }) => {
    const [anna, ben] = [client(), client()];
    await Promise.all([anna.connect(), ben.connect()]);
    await Promise.all([anna.roomAdd(room), ben.roomAdd(room)]);
    let destroyed = 0;
    anna.on("destroy", () => destroyed++);
    anna.from(room).on("destroy", () => destroyed++);
    await ben.to(room).emit("destroy", { code: "018" });
    await ben.say(room, { event: "destroy", data: { code: "018" }, from: 0 });
    const last = event(anna, "last");
    await ben.to(room).emit("last");
    await last;
    assert.deepEqual([destroyed, anna.rooms], [0, [room]]);
    const back = event(anna, "reconnect");
    await anna.action("end", { reconnect: true }).catch(() => {});
    await back;
    assert.deepEqual(anna.rooms, [room]);
  });

  it("a push with a context of its own is `message` and `api`, and nothing else", async ({ client }) => {
    const anna = client();
    await anna.connect();
    const heard = [];
    const own =
      "connected disconnected error reconnect reconnecting message alert api welcome membership say state game user";
    for (const name of own.split(" ")) {
      anna.on(name, (value) => value?.context === "response" || heard.push([name, value]));
    }
    const contexts = ["game", "connected", "reconnect", "say", "state", "send", "destroy", "primus", ""];
    for (const context of contexts) {
      await anna.action("push", { payload: { context, n: [1, { a: null }] } });
    }
    await until(() => heard.length >= 2 * contexts.length, "all of them");
    await anna.detailsView();
    assert.deepEqual(
      heard,
      contexts.flatMap((context) => {
        const push = { context, n: [1, { a: null }] };
        return [["message", push], ["api", push]];
      }),
    );
    assert.equal(anna.state, "connected");
  });
}
