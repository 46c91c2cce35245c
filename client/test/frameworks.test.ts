// The hooks of React and the composables of Vue, on a server.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createElement, useEffect } from "react";
import { create } from "react-test-renderer";
import { effectScope, nextTick, ref } from "vue";
import type { Client } from "../src/client";
import * as react from "../src/react";
import * as vue from "../src/vue";
import { Setup } from "./support/setup";
import { until } from "./support/until";

/** Renders a component that only uses hooks; gives what they gave last. */
async function render<Given, Props extends object>(use: (props: Props) => Given, props: Props) {
  const seen: { last?: Given; shown?: Props; ended?: boolean } = {};
  const Component = (props: Props) => {
    seen.last = use(props);
    // After the effects of what is tested, so that these are done when this is.
    useEffect(() => {
      seen.shown = props;
    });
    useEffect(() => () => void (seen.ended = true), []);
    return null;
  };
  const root = create(createElement(Component, props));
  await until(() => seen.shown);
  return {
    last: () => seen.last!,
    async again(props: Props) {
      const { shown } = seen;
      root.update(createElement(Component, props));
      await until(() => seen.shown !== shown);
    },
    async end() {
      root.unmount();
      await until(() => seen.ended);
    },
  };
}

test("react: the state of the connection", async (t) => {
  const setup = await Setup.start(t);
  const client = setup.client();
  const { last, end } = await render(() => react.useConnection(client), {});
  assert.equal(last(), "idle");
  void client.connect();
  await until(() => last() === "connected");
  await end();
  await client.disconnect();
  assert.equal(last(), "connected");
});

test("react: a room is joined, heard, changed and left", async (t) => {
  const setup = await Setup.start(t);
  const [client, other] = [await setup.connected(), await setup.connected()];
  await Promise.all([other.join("defaultRoom"), other.join("anotherRoom")]);
  const { last, again, end } = await render(
    ({ room }: { room: string }) => react.useRoom(client, room, 2),
    { room: "defaultRoom" },
  );
  await until(() => last().joined);
  await other.say("anotherRoom", "elsewhere");
  for (const message of [1, 2, 3]) await other.say("defaultRoom", message);
  await until(() => last().messages.at(-1)?.message === 3);
  assert.deepEqual(last().messages.map(({ message }) => message), [2, 3]);
  assert.equal((await last().say("from here")).status, "OK");
  await again({ room: "anotherRoom" });
  await until(() => last().joined && !last().messages.length);
  await until(() => client.rooms.join() === "anotherRoom");
  await again({ room: "nowhere" });
  await until(() => last().error);
  assert.equal(last().error?.code, "019");
  await end();
  await until(() => client.rooms.length === 0);
});

test("react: two components in a room, and the last one to go leaves it", async (t) => {
  const setup = await Setup.start(t);
  const client = await setup.connected();
  const use = () => react.useRoom(client, "defaultRoom");
  const [one, two] = [await render(use, {}), await render(use, {})];
  await until(() => one.last().joined && two.last().joined);
  await one.end();
  await client.detailsView();
  assert.deepEqual(client.rooms, ["defaultRoom"]);
  await two.end();
  await until(() => client.rooms.length === 0);
});

/** What `useRoom` gave last, whichever framework it is of. */
const useRoom: Record<
  string,
  (client: Client, room: string) => Promise<{
    look(): { joined: boolean; code: string | undefined };
    end(): Promise<void> | void;
  }>
> = {
  async react(client, room) {
    const { last, end } = await render(() => react.useRoom(client, room), {});
    return { look: () => ({ joined: last().joined, code: last().error?.code }), end };
  },
  async vue(client, room) {
    const scope = effectScope();
    const { joined, error } = scope.run(() => vue.useRoom(client, room))!;
    return {
      look: () => ({ joined: joined.value, code: error.value?.code }),
      end: () => scope.stop(),
    };
  },
};
for (const [framework, use] of Object.entries(useRoom)) {
  test(`${framework}: not in a room while the server is gone, and in it again`, async (t) => {
    const setup = await Setup.start(t);
    const client = setup.client();
    // Before there is a connection, too.
    const { look, end } = await use(client, "defaultRoom");
    assert.equal(look().joined, false);
    await client.connect();
    await until(() => look().joined);
    await setup.server.kill();
    await until(() => client.state === "reconnecting");
    await until(() => !look().joined);
    await setup.restart();
    await until(() => look().joined);
    assert.deepEqual(client.rooms, ["defaultRoom"]);
    await client.disconnect();
    await until(() => !look().joined);
    await end();
    await client.connect();
    assert.deepEqual(client.rooms, []);
  });

  test(`${framework}: a join that is lost with the connection is tried again`, async (t) => {
    const setup = await Setup.start(t);
    const client = await setup.connected();
    setup.server.mute.add("roomAdd");
    const { look, end } = await use(client, "defaultRoom");
    await until(() => setup.server.received.at(-1)?.event === "roomAdd");
    assert.equal(look().joined, false);
    setup.server.mute.clear();
    setup.server.cut();
    await until(() => look().joined);
    assert.equal(look().code, undefined);
    await end();
  });

  test(`${framework}: a refusal that passes is shown, and tried again; one that is final is not`, async (t) => {
    const setup = await Setup.start(t);
    const client = await setup.connected();
    setup.server.refuse = ({ event }) => (event === "roomAdd" ? "024" : undefined);
    const full = await use(client, "defaultRoom");
    await until(() => full.look().code === "024");
    setup.server.refuse = ({ room }) => (room === "anotherRoom" ? "900" : undefined);
    await until(() => full.look().joined);
    assert.equal(full.look().code, undefined);
    const guarded = await use(client, "anotherRoom");
    await until(() => guarded.look().code === "900");
    const asked = setup.server.received.length;
    const back = new Promise((resolve) => client.once("reconnect", resolve));
    setup.server.cut();
    await back;
    assert.deepEqual(
      setup.server.received.slice(asked).map(({ event, room }) => room ?? event),
      ["detailsView", "defaultRoom"],
    );
    await Promise.all([full.end(), guarded.end()]);
  });
}

test("react: actions, and events with the latest listener", async (t) => {
  const setup = await Setup.start(t);
  const client = await setup.connected();
  await client.join("defaultRoom");
  const heard: unknown[] = [];
  const { last, again, end } = await render(
    ({ name }: { name: string }) => {
      react.useStellarEvent(client, "moved", (data) => heard.push([name, data]), "defaultRoom");
      return react.useAction(client, "sum");
    },
    { name: "first" },
  );
  assert.equal((await last().call({ a: 1, b: 2 })).sum, 3);
  await until(() => last().answer?.sum === 3);
  assert.deepEqual([last().pending, last().error], [false, null]);
  await assert.rejects(last().call({ a: 1 }));
  await until(() => last().error);
  assert.equal(last().answer, null);
  await client.emit("moved", 1);
  await until(() => heard.length === 1);
  await again({ name: "second" });
  await client.emit("moved", 2);
  await until(() => heard.length === 2);
  await end();
  await client.emit("moved", 3);
  await client.detailsView();
  assert.deepEqual(heard, [["first", 1], ["second", 2]]);
});

test("vue: state, room, action and events, until the scope ends", async (t) => {
  const setup = await Setup.start(t);
  const client = await setup.connected();
  const other = await setup.connected();
  await Promise.all([other.join("defaultRoom"), other.join("anotherRoom")]);
  const heard: unknown[] = [];
  const name = ref("defaultRoom");
  const scope = effectScope();
  const { state, room, sum } = scope.run(() => {
    vue.useStellarEvent(client, "moved", (data) => heard.push(data));
    return {
      state: vue.useConnection(client),
      room: vue.useRoom(client, name, 2),
      sum: vue.useAction(client, "sum"),
    };
  })!;
  assert.equal(state.value, "connected");
  await until(() => room.joined.value);
  for (const message of [1, 2, 3]) await other.say("defaultRoom", message);
  await until(() => room.messages.value.at(-1)?.message === 3);
  assert.equal(room.messages.value.length, 2);
  assert.equal((await room.say("from here")).status, "OK");
  await other.emit("moved", 1);
  assert.equal((await sum.call({ a: 1, b: 2 })).sum, 3);
  assert.deepEqual([sum.answer.value?.sum, sum.pending.value], [3, false]);
  await assert.rejects(sum.call({}));
  assert.ok(sum.error.value);
  name.value = "anotherRoom";
  await nextTick();
  await until(() => room.joined.value && client.rooms.join() === "anotherRoom");
  assert.deepEqual(room.messages.value, []);
  name.value = "nowhere";
  await until(() => room.error.value?.code === "019");
  scope.stop();
  await until(() => client.rooms.length === 0);
  await client.disconnect();
  assert.deepEqual([state.value, heard], ["connected", [1]]);
});
