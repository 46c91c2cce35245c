// The picture of the client's states, arrow by arrow, with what a network does to each. The same
// for Node and for a browser: `it` is an agent somewhere, with the network between it and a server.
import assert from "node:assert/strict";
import { until } from "./until.mjs";

/** The states that it went through, without what else it told. */
const went = ({ told }) => told.filter((name) => !name.startsWith("("));
const is = (it, state) => until(async () => (await it.look()).state === state, state);
const heard = (it, name, count) =>
  until(async () => (await it.look()).told.filter((told) => told === name).length >= count, name);
/** It never dials by itself. */
const never = { reconnect: { min: 600_000, max: 600_000 } };

async function connected(it, options) {
  await it.make(options);
  const { answer } = await it.call("connect");
  assert.equal(answer.id, (await it.look()).id);
}

async function goes(it, ...states) {
  assert.deepEqual(went(await it.look()), states);
}

/** Requests are answered, each with its own. */
async function works(it) {
  const answers = [];
  for (let n = 0; n < 6; n++) it.begin(`echo ${n}`, "action", "echo", { payload: { n } });
  for (let n = 0; n < 6; n++) answers.push((await it.end(`echo ${n}`)).answer?.payload.n);
  assert.deepEqual(answers, [0, 1, 2, 3, 4, 5]);
}

/** It is lost in the way that is given, with a request under way, and comes back. */
const lostBy = (lose) => async (it) => {
  await connected(it);
  await it.call("roomAdd", "defaultRoom");
  const { id } = await it.look();
  await it.begin("due", "action", "sleep", { sleepDuration: 30_000 });
  await until(async () => (await it.look()).pending === 1);
  await lose(it);
  const due = await it.end("due");
  assert.ok(["closed", "offline"].includes(due.code), due.code);
  assert.equal(due.mayHaveRun, true);
  await heard(it, "(reconnect)", 1);
  await goes(it, "idle", "connecting", "connected", "reconnecting", "connected");
  const { told, id: next, rooms } = await it.look();
  assert.deepEqual(told.slice(4, 6), ["reconnecting", "(disconnected)"]);
  assert.deepEqual(told.slice(-3), ["connected", "(reconnect)", "(connected)"]);
  assert.deepEqual([next !== id, rooms], [true, ["defaultRoom"]]);
  await works(it);
};

/** Everything that a network does to one that connects and asks, and it does not mind. */
const through = (network) => async (it) => {
  Object.assign(it.proxy, network);
  await connected(it);
  await works(it);
  await goes(it, "idle", "connecting", "connected");
};

export const arrows = {
  async "idle, connecting, connected, closed by disconnect(), and connect() again"(it) {
    await connected(it);
    await works(it);
    await it.call("disconnect");
    await it.call("connect");
    await goes(it, "idle", "connecting", "connected", "closed", "connecting", "connected");
  },
  "connecting, connected: slowly": through({ delay: 30 }),
  "connecting, connected: in halves": through({ halves: true }),
  "connecting, connected: connections overtake each other": through({ overtake: true }),

  async "connecting, reconnecting, again and again, connected: nobody is there"(it) {
    await it.proxy.refuse();
    await it.make();
    assert.equal((await it.call("connect")).code, "offline");
    await heard(it, "(reconnecting)", 3);
    await it.proxy.open();
    await heard(it, "(connected)", 1);
    await goes(it, "idle", "connecting", "reconnecting", "connected");
  },
  async "connecting, reconnecting, connected: the network says 403 in the server's place"(it) {
    it.proxy.upgrades = it.proxy.requests = "403";
    await it.make();
    assert.equal((await it.call("connect")).code, "offline");
    await heard(it, "(reconnecting)", 2);
    await it.calm();
    await heard(it, "(connected)", 1);
    await goes(it, "idle", "connecting", "reconnecting", "connected");
  },
  async "connecting, reconnecting, connected: no answer comes"(it) {
    it.proxy.upgrades = it.proxy.requests = "hang";
    await it.make({ timeout: 300 });
    assert.ok(["timeout", "offline"].includes((await it.call("connect")).code));
    await is(it, "reconnecting");
    await it.call("disconnect");
    await it.calm();
    await connected(it);
  },
  async "connecting, closed: it is not to try again"(it) {
    await it.proxy.refuse();
    await it.make({ reconnect: false });
    assert.equal((await it.call("connect")).code, "offline");
    await goes(it, "idle", "connecting", "closed");
  },
  async "connecting, offline, reconnecting, connected"(it) {
    it.proxy.upgrades = it.proxy.requests = "hang";
    await it.make(never);
    await it.begin("connect", "connect");
    await is(it, "connecting");
    await it.believe(false);
    assert.equal((await it.end("connect")).code, "offline");
    await it.calm();
    await it.believe(true);
    await heard(it, "(connected)", 1);
    await goes(it, "idle", "connecting", "offline", "reconnecting", "connected");
  },
  async "connecting, refused, connect() with something better, connected"(it) {
    await it.make({ query: { refuse: "who are you" } });
    const { code, message } = await it.call("connect");
    assert.deepEqual([code, message], ["refused", "who are you"]);
    const { told } = await it.look();
    assert.deepEqual(told, ["idle", "connecting", "refused", "(disconnected)"]);
    await it.ask({});
    await it.call("connect");
    await goes(it, "idle", "connecting", "refused", "connecting", "connected");
  },

  "connected, reconnecting, connected: cut": lostBy((it) => it.lose()),
  async "connected, reconnecting, connected: cut in the middle of a message"(it) {
    const lose = async () => {
      it.proxy.tear();
      await it.begin("torn", "action", "echo", { payload: "long ".repeat(20_000) });
    };
    await lostBy(lose)(it);
    assert.equal((await it.end("torn")).answer, undefined);
  },
  async "connected, reconnecting, connected: refused for a while; what is asked meanwhile"(it) {
    await connected(it);
    await it.call("roomAdd", "defaultRoom");
    await it.proxy.refuse();
    await heard(it, "(reconnecting)", 2);
    for (const n of [1, 2, 3]) await it.begin(n, "say", "defaultRoom", n);
    const volatile = await it.call("say", "defaultRoom", 4, { volatile: true });
    assert.deepEqual([volatile.code, volatile.mayHaveRun], ["dropped", false]);
    assert.equal((await it.look()).queued, 3);
    await it.proxy.open();
    await heard(it, "(reconnect)", 1);
    for (const n of [1, 2, 3]) assert.equal((await it.end(n)).answer?.status, "OK");
    await until(async () => (await it.look()).said.length === 3);
    assert.deepEqual((await it.look()).said, [1, 2, 3]);
  },
  async "connected, reconnecting, connected: ended by the server, to come again"(it) {
    await connected(it);
    await it.begin("end", "action", "end", { reconnect: true });
    await heard(it, "(reconnect)", 1);
    await goes(it, "idle", "connecting", "connected", "reconnecting", "connected");
  },
  async "connected, offline, reconnecting, connected: at once when there is a network again"(it) {
    await connected(it, never);
    await it.network(false);
    await is(it, "offline");
    await it.network(true);
    await heard(it, "(reconnect)", 1);
    await goes(it, "idle", "connecting", "connected", "offline", "reconnecting", "connected");
  },
  async "connected, offline, connected: there was a network"(it) {
    await connected(it);
    await it.believe(false);
    await heard(it, "(reconnect)", 1);
    await goes(it, "idle", "connecting", "connected", "offline", "connected");
  },
  async "connected, closed: the server's farewell"(it) {
    await connected(it);
    await it.begin("end", "action", "end");
    await is(it, "closed");
    await goes(it, "idle", "connecting", "connected", "closed");
  },
  async "connected, connecting: connect() leaves no old connection, whichever comes first"(it) {
    it.proxy.overtake = true;
    await it.make();
    await it.begin("first", "connect");
    await it.begin("second", "connect");
    const [one, two] = [await it.end("first"), await it.end("second")];
    assert.equal(one.answer.id, two.answer.id);
    await it.call("connect");
    await it.call("roomAdd", "otherRoom");
    const members = async () => (await it.call("roomView", "otherRoom")).answer?.membersCount;
    await until(async () => (await members()) === 1, "nobody else to be there");
    await works(it);
    assert.ok((await it.look()).told.every((name) => !/^(reconnecting|closed|refused)$/.test(name)));
  },

  async "reconnecting, connected: at once when the page is looked at again"(it) {
    await connected(it, never);
    await it.lose();
    await is(it, "reconnecting");
    await it.wake();
    await heard(it, "(reconnect)", 1);
  },
  async "reconnecting, connecting, connected: connect() does not wait"(it) {
    await connected(it, never);
    await it.lose();
    await is(it, "reconnecting");
    await it.call("connect");
    await goes(it, "idle", "connecting", "connected", "reconnecting", "connecting", "connected");
  },
  async "reconnecting, offline, closed by disconnect()"(it) {
    await connected(it, never);
    await it.lose();
    await is(it, "reconnecting");
    await it.believe(false);
    await it.call("disconnect");
    await it.believe(true);
    await goes(it, "idle", "connecting", "connected", "reconnecting", "offline", "closed");
  },
  async "reconnecting, refused"(it) {
    await connected(it);
    await it.ask({ refuse: "not any more" });
    await it.lose();
    await is(it, "refused");
    await goes(it, "idle", "connecting", "connected", "reconnecting", "refused");
    assert.equal((await it.look()).told.at(-1), "(disconnected)");
  },
  async "offline, refused, closed by disconnect()"(it) {
    await connected(it);
    await it.ask({ refuse: "not any more" });
    await it.believe(false);
    await is(it, "refused");
    await it.call("disconnect");
    await goes(it, "idle", "connecting", "connected", "offline", "refused", "closed");
  },
  async "reconnecting, closed: out of retries; what waited rejects"(it) {
    await connected(it, { reconnect: { min: 20, retries: 2 } });
    await it.proxy.refuse();
    await is(it, "reconnecting");
    await it.begin("waits", "roomView", "defaultRoom");
    await is(it, "closed");
    const { code, mayHaveRun } = await it.end("waits");
    assert.deepEqual([code, mayHaveRun], ["offline", false]);
    await goes(it, "idle", "connecting", "connected", "reconnecting", "closed");
  },
  async "closed, reconnecting, connected: out of retries, and a network again"(it) {
    await connected(it, { reconnect: { min: 20, max: 20, retries: 2 } });
    await it.call("roomAdd", "defaultRoom");
    await it.proxy.refuse();
    await is(it, "closed");
    assert.deepEqual((await it.look()).rooms, []);
    // The browser says that there is one, and it leads nowhere: it has its retries again.
    await it.believe(true);
    await heard(it, "closed", 2);
    await it.wake();
    await it.proxy.open();
    await is(it, "closed");
    await it.believe(true);
    await heard(it, "(reconnect)", 1);
    const { told, rooms } = await it.look();
    assert.equal(told.filter((name) => name === "(reconnecting)").length, 4);
    assert.deepEqual(rooms, ["defaultRoom"]);
    const down = ["reconnecting", "closed"];
    await goes(it, "idle", "connecting", "connected", ...down, ...down, "reconnecting", "connected");
  },
  async "offline, reconnecting, connected: time without a network costs no retries"(it) {
    await connected(it, { reconnect: { min: 20, max: 20, retries: 2 } });
    it.proxy.upgrades = it.proxy.requests = "403";
    await it.believe(false);
    await heard(it, "(reconnecting)", 6);
    await is(it, "offline");
    await it.calm();
    await it.believe(true);
    await heard(it, "(reconnect)", 1);
    const states = went(await it.look());
    assert.ok(!states.includes("closed"), String(states));
  },
  async "idle, connecting, reconnecting: disconnect() ends each for good"(it) {
    await it.make();
    await it.call("disconnect");
    await goes(it, "idle", "closed");
    it.proxy.upgrades = it.proxy.requests = "hang";
    await it.make();
    await it.begin("connect", "connect");
    await it.call("disconnect");
    assert.equal((await it.end("connect")).code, "closed");
    await goes(it, "idle", "connecting", "closed");
    await it.calm();
    await connected(it);
    await it.proxy.refuse();
    await is(it, "reconnecting");
    await it.call("disconnect");
    await it.calm();
    await it.wake();
    await it.believe(true);
    await goes(it, "idle", "connecting", "connected", "reconnecting", "closed");
  },
};

/** The ways of the engines, as a network leaves them. */
export const ways = [
  ["ws", "pass", "websocket"],
  ["engine.io", "pass", "websocket"],
  ["engine.io", "403", "polling"],
  ["socket.io", "pass", "websocket"],
  ["socket.io", "403", "polling"],
  ["sockjs", "pass", "websocket"],
  ["sockjs", "403", "xhr_streaming"],
];

/** All arrows over one way of an engine. `agent` are the methods of an agent somewhere. */
export async function everyArrow(t, { engine, upgrades, way, proxy, agent, network = agent.believe }) {
  const usual = { transports: [engine], timeout: 20_000, reconnect: { min: 20, max: 100 } };
  const calm = async () => {
    await proxy.calm();
    proxy.upgrades = upgrades;
  };
  const lose = async () => {
    if (way === "websocket") return proxy.cut();
    // Browsers ask again by themselves when a connection that was kept breaks.
    await proxy.refuse();
    await until(async () => (await agent.look()).state !== "connected", "the loss");
    await proxy.open();
  };
  const it = {
    ...{ ...agent, proxy, calm, network, lose },
    make: (options) => agent.make({ ...usual, ...options }),
  };
  for (const [name, run] of Object.entries(arrows)) {
    await t.test(name, async () => {
      await calm();
      await network(true);
      await agent.believe(true);
      await run(it);
    });
  }
  await it.call("disconnect");
}
