// The picture in docs/client.md, arrow by arrow.
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import type { Client } from "../src/client";
import { browser } from "./support/browser";
import { Setup } from "./support/setup";
import { event, rejection, until } from "./support/until";

/** The states a client went through, and the events that people listen for. */
function watch(client: Client): string[] {
  const told: string[] = [client.state];
  client.on("state", (state) => told.push(state));
  for (const name of ["connected", "disconnected", "reconnecting", "reconnect"] as const) {
    client.on(name, () => told.push(`(${name})`));
  }
  return told;
}

const refusing = (t: TestContext) => {
  const door = { open: false };
  const authorize = (_: any, done: (error?: unknown) => void) =>
    door.open ? done() : done({ statusCode: 401, message: "No" });
  return Setup.start(t, { authorize }).then((setup) => ({ setup, door }));
};

test("idle, connecting, connected, closed; and again", async (t) => {
  const setup = await Setup.start(t);
  const client = setup.client();
  const told = watch(client);
  await client.connect();
  await client.disconnect();
  await client.connect();
  assert.deepEqual(told, [
    ...["idle", "connecting", "connected", "(connected)", "closed", "(disconnected)"],
    ...["connecting", "connected", "(reconnect)", "(connected)"],
  ]);
});

test("connected, reconnecting, connected", async (t) => {
  const setup = await Setup.start(t);
  const client = await setup.connected();
  const told = watch(client);
  const back = event(client, "reconnect");
  setup.server.cut();
  await back;
  assert.deepEqual(told, [
    ...["connected", "reconnecting", "(disconnected)", "(reconnecting)"],
    ...["connected", "(reconnect)", "(connected)"],
  ]);
});

test("connecting, reconnecting while the server is away, connected", async (t) => {
  const setup = await Setup.start(t);
  await setup.server.kill();
  const client = setup.client();
  const told = watch(client);
  assert.equal((await rejection(client.connect())).code, "offline");
  const connected = event(client, "connected");
  await setup.restart();
  await connected;
  assert.deepEqual(
    told.filter((name) => name !== "(reconnecting)"),
    ["idle", "connecting", "reconnecting", "connected", "(connected)"],
  );
  assert.ok(told.includes("(reconnecting)"));
});

test("connected, offline, reconnecting, connected; offline, closed", async (t) => {
  const setup = await Setup.start(t);
  const { turn } = browser(t);
  const client = await setup.connected({ reconnect: { min: 600_000, max: 600_000 } });
  const told = watch(client);
  turn(false);
  const back = event(client, "reconnect");
  turn(true);
  await back;
  turn(false);
  await client.disconnect();
  assert.deepEqual(told, [
    ...["connected", "offline", "(disconnected)", "(reconnecting)", "reconnecting"],
    ...["connected", "(reconnect)", "(connected)", "offline", "(disconnected)", "(reconnecting)"],
    ...["closed", "(disconnected)"],
  ]);
});

test("connecting, refused, connecting, connected", async (t) => {
  const { setup, door } = await refusing(t);
  const client = setup.client();
  const told = watch(client);
  const error = await rejection(client.connect());
  assert.deepEqual([error.code, error.status, error.message], ["refused", 401, "No"]);
  const { requests } = setup.server;
  await new Promise((resolve) => setTimeout(resolve, 60));
  assert.equal(setup.server.requests, requests);
  door.open = true;
  await client.connect();
  assert.deepEqual(told, [
    ...["idle", "connecting", "refused", "(disconnected)"],
    ...["connecting", "connected", "(connected)"],
  ]);
});

test("reconnecting, refused", async (t) => {
  const { setup, door } = await refusing(t);
  door.open = true;
  const client = await setup.connected();
  const told = watch(client);
  door.open = false;
  setup.server.cut();
  await until(() => client.state === "refused");
  assert.deepEqual(told, [
    ...["connected", "reconnecting", "(disconnected)", "(reconnecting)"],
    ...["refused", "(disconnected)"],
  ]);
  await client.disconnect();
  assert.equal(client.state, "closed");
});

test("connected, closed by the server", async (t) => {
  const setup = await Setup.start(t);
  const client = await setup.connected();
  const told = watch(client);
  setup.server.end(false);
  await until(() => client.state === "closed");
  assert.deepEqual(told, ["connected", "closed", "(disconnected)"]);
});

test("reconnecting, closed: by disconnect, and out of retries", async (t) => {
  const setup = await Setup.start(t);
  const patient = await setup.connected({ reconnect: { min: 600_000, max: 600_000 } });
  const brief = await setup.connected({ reconnect: { min: 1, retries: 2 } });
  const [one, other] = [watch(patient), watch(brief)];
  await setup.server.kill();
  await until(() => patient.state === "reconnecting");
  await patient.disconnect();
  await until(() => brief.state === "closed");
  assert.deepEqual(one.at(-1), "(disconnected)");
  assert.deepEqual(one.filter((name) => !name.startsWith("(")), ["connected", "reconnecting", "closed"]);
  assert.deepEqual(other, [
    ...["connected", "reconnecting", "(disconnected)", "(reconnecting)", "(reconnecting)"],
    ...["closed", "(disconnected)"],
  ]);
});
