// What a caller can pass: sent as JSON has it, or rejected before anything left.
import assert from "node:assert/strict";
import { test } from "node:test";
import { WebSocket } from "ws";
import { StellarError } from "../src/errors";
import { StellarClient } from "../src/index";
import { codecs, Setup, type Heard } from "./support/setup";
import { rejection } from "./support/until";

const circle: any = {};
circle.self = circle;
const secret = new Error("Not for you");
const fail = () => {
  throw secret;
};

/** What cannot be sent. */
const impossible: Record<string, unknown> = {
  "a circle": circle,
  "a toJSON that throws": { toJSON: fail },
  "a getter that throws": { deep: { get value() { return fail(); } } },
  "a proxy that throws": new Proxy({}, { ownKeys: fail, get: fail }),
  "what is nested without end": (() => {
    let value: unknown[] = [];
    for (let level = 0; level < 100_000; level++) value = [value];
    return value;
  })(),
};

/** Names of nothing. */
const nameless: unknown[] = [undefined, null, 5, 5n, true, NaN, {}, [], Symbol("name"), new Date(0)];

/** Rejects with `invalid`, without having sent anything; what comes after it is answered. */
async function refused(client: Heard, make: () => Promise<unknown>, why?: RegExp): Promise<any> {
  const sent: unknown[] = [];
  const note = (message: unknown) => sent.push(message);
  client.on("send", note);
  let promise: Promise<unknown>;
  // Not thrown: whoever only awaits, or gives a callback, would not see that.
  assert.doesNotThrow(() => (promise = make()));
  const error = await rejection(promise!);
  assert.ok(error instanceof StellarError, String(error));
  assert.deepEqual([error.code, error.mayHaveRun], ["invalid", false], error.message);
  if (why) assert.match(error.message, why);
  client.off("send", note);
  assert.deepEqual(sent, []);
  return error;
}

for (const codec of Object.keys(codecs) as (keyof typeof codecs)[]) {
  const started = async (t: any) => {
    const setup = await Setup.start(t, { codec });
    const client = await setup.connected();
    await client.roomAdd("defaultRoom");
    return { setup, client };
  };

  for (const [name, value] of Object.entries(impossible)) {
    test(`${codec}: ${name} is rejected by every method, and nothing else suffers`, async (t) => {
      const { client } = await started(t);
      for (const make of [
        () => client.action("echo", { value }),
        () => client.action("echo", value as any),
        () => client.say("defaultRoom", value),
        () => client.say(value),
        () => client.emit("event", value),
        () => client.to(["defaultRoom", "anotherRoom"]).emit("event", value),
        () => client.send({ event: "say", room: "defaultRoom", message: value }),
        () => client.send(value as any),
      ]) {
        const error = await refused(client, make);
        if (/throws/.test(name)) assert.equal(error.cause, secret);
        assert.equal((await client.detailsView()).id, client.id);
      }
      await new Promise<void>((resolve) =>
        client.say("defaultRoom", value, (error) => {
          assert.equal(error?.code, "invalid");
          resolve();
        }),
      );
      await new Promise<void>((resolve) =>
        client.action("echo", { value }, (answer, error) => {
          assert.deepEqual([answer.error.code, error?.code], ["invalid", "invalid"]);
          resolve();
        }),
      );
    });

    test(`${codec}: ${name} is rejected at once while there is no connection, too`, async (t) => {
      const setup = await Setup.start(t, { codec });
      const client = setup.client();
      await refused(client, () => client.say("defaultRoom", value));
      await refused(client, () => client.send({ value }));
      await refused(client, () => client.action("echo", { value }));
      await refused(client, () => client.action("echo", { value, httpMethod: "GET" }));
      assert.equal(client.queued, 0);
      assert.equal(setup.server.requests, 0);
    });
  }

  test(`${codec}: names that are no strings are rejected`, async (t) => {
    const { setup, client } = await started(t);
    for (const name of nameless as any[]) {
      for (const make of [
        () => client.action(name, {}),
        () => client.roomAdd(name),
        () => client.join(name),
        () => client.roomLeave(name),
        () => client.leave(name),
        () => client.roomView(name),
        () => client.say(name, "text"),
        () => client.file(name),
        () => client.emit(name, 1),
        () => client.to(name).emit("event"),
        () => client.to(["defaultRoom", name].flat(0)).emit("event"),
      ]) {
        // A list of no rooms is one.
        if (Array.isArray(name) && /\.to\(/.test(String(make))) continue;
        await refused(client, make);
      }
    }
    client.setDefaultRoom(5 as any);
    await refused(client, () => client.say("text"), /room must be a string/);
    const apart = setup.client();
    for (const name of nameless as any[]) await refused(apart, () => apart.action(name), /action must be/);
    assert.deepEqual(client.rooms, ["defaultRoom"]);
    assert.equal((await client.detailsView()).id, client.id);
  });

  test(`${codec}: what is no message is not said, and not elsewhere`, async (t) => {
    const { setup, client } = await started(t);
    for (const nothing of [undefined, Symbol("s"), { toJSON: () => undefined }]) {
      await refused(client, () => client.say("defaultRoom", nothing), /There is no message/);
      await refused(client, () => client.say("defaultRoom", nothing, () => {}), /There is no message/);
      await refused(client, () => client.say(nothing), /There is no message/);
    }
    await refused(client, () => (client as any).say(), /There is no message/);
    const said = setup.server.received.filter(({ event }) => event === "say");
    assert.deepEqual(said, []);
    for (const something of [null, false, 0, "", [], {}]) {
      assert.equal((await client.say("defaultRoom", something)).status, "OK");
    }
  });

  test(`${codec}: what is no message of the protocol is not sent`, async (t) => {
    const { client } = await started(t);
    const others: any[] = [
      ...[null, undefined, 5, true, "primus::pong::1", "text", [], [{}], new Date(0), () => 0],
      ...[new String("primus::pong::1"), Symbol("s"), { toJSON: () => "primus::pong::1" }],
      ...[{ toJSON: () => null }, { toJSON: () => [] }],
    ];
    for (const other of others) {
      await refused(client, () => client.send(other));
      assert.equal((await client.detailsView()).id, client.id);
    }
    class Verb {
      constructor(private room: string) {}
      toJSON() {
        return { event: "roomView", room: this.room };
      }
    }
    assert.equal((await client.send(new Verb("defaultRoom") as any)).membersCount, 1);
    assert.equal((await rejection(client.send({}))).code, "014");
  });

  test(`${codec}: parameters are an object`, async (t) => {
    const { setup, client } = await started(t);
    const apart = setup.client();
    for (const other of [5, 0, "text", "", true, false, NaN, Symbol("s"), [], [1], new Date(0)] as any[]) {
      await refused(client, () => client.action("echo", other), /Parameters must be an object/);
      await refused(apart, () => apart.action("echo", other), /Parameters must be an object/);
    }
    class Point {
      constructor(private x: number) {}
      toJSON() {
        return { at: this.x };
      }
    }
    for (const some of [client, apart]) {
      assert.equal((await some.action("echo", new Point(3) as any)).at, 3);
      assert.equal((await some.action("echo", new Map([["a", 1]]) as any)).a, undefined);
      assert.equal((await some.action("echo", null)).error, undefined);
      assert.equal((await some.action("echo", undefined)).error, undefined);
    }
  });

  test(`${codec}: what is asked for is as it was then`, async (t) => {
    const setup = await Setup.start(t, { codec });
    const client = setup.client();
    const message = { text: "before" };
    const said = client.send({ event: "say", room: "defaultRoom", message });
    message.text = "after";
    const view = { event: "roomView", room: "defaultRoom" };
    const viewed = client.send(view);
    view.room = "nowhere";
    await client.connect();
    assert.equal((await rejection(said)).code, "016");
    assert.equal((await viewed).membersCount, 0);
    const [sent] = setup.server.received.filter(({ event }) => event === "say");
    assert.equal(sent.message.text, "before");
  });

  test(`${codec}: what is longer than the server takes is rejected, by its bytes`, async (t) => {
    const setup = await Setup.start(t, { codec });
    const client = await setup.connected({ maxLength: 1000 });
    await client.roomAdd("defaultRoom");
    for (const text of ["x".repeat(1000), "é".repeat(500), "星".repeat(334), "🚀".repeat(250)]) {
      await refused(client, () => client.say("defaultRoom", text), /Too long: \d+ bytes of 1000/);
      assert.equal((await client.detailsView()).id, client.id);
    }
    assert.equal((await client.say("defaultRoom", "星".repeat(300))).status, "OK");
  });

  test(`${codec}: options of a request that cannot be used`, async (t) => {
    const { client } = await started(t);
    await refused(client, () => client.say("defaultRoom", 1, { signal: {} as any }));
    await refused(client, () => client.file("a.txt", { as: "text" as any }), /bytes or blob/);
    const options = Object.defineProperty({}, "timeout", { get: fail, enumerable: true });
    assert.equal((await refused(client, () => client.say("defaultRoom", 1, options))).cause, secret);
    for (const timeout of [Infinity, 2 ** 31, 2 ** 40, NaN]) {
      assert.equal((await client.action("sleep", { ms: 20 }, { timeout })).slept, 20);
    }
  });
}

test("json: what has 64 bits is rejected; msgpack sends it", async (t) => {
  const one = await (await Setup.start(t)).connected();
  await refused(one, () => one.action("echo", { n: 1n }), /BigInt/);
  const other = await (await Setup.start(t, { codec: "msgpack" })).connected();
  assert.equal((await other.action("echo", { n: 1n })).n, 1);
  await refused(other, () => other.action("echo", { n: 2n ** 64n }), /64 bits/);
  const apart = (await Setup.start(t, { codec: "msgpack" })).client();
  await refused(apart, () => apart.action("echo", { n: 1n }), /BigInt/);
});

test("over HTTP: what JSON has, by every method, and no other method", async (t) => {
  const setup = await Setup.start(t);
  const client = setup.client();
  const given = { a: [1, { b: null }], at: new Date(0), none: undefined, sign: Symbol("s"), nan: NaN, "\ud83d": "\udc00" };
  const right = { a: [1, { b: null }], at: "1970-01-01T00:00:00.000Z", "\ufffd": "\ufffd" };
  for (const httpMethod of ["POST", "put", "PATCH", "DELETE"]) {
    const { requesterInformation: _, serverInformation: __, ...answer } = await client.action("echo", { ...given, httpMethod });
    assert.deepEqual(answer, { ...right, nan: null });
  }
  const answer = await client.action("echo", { ...given, httpMethod: "get" });
  assert.deepEqual([JSON.parse(answer.a), answer.at, answer["\ufffd"], answer.nan], [right.a, right.at, "\ufffd", undefined]);
  const { requests } = setup.server;
  for (const httpMethod of ["TRACE", "HEAD", "a b", "", 5, {}, Symbol("s")]) {
    await refused(client, () => client.action("echo", { httpMethod }));
  }
  const { signal } = AbortSignal.abort() && { signal: AbortSignal.abort() };
  const aborted = await rejection(client.action("echo", {}, { signal }));
  assert.deepEqual([aborted.code, aborted.mayHaveRun], ["aborted", false]);
  assert.equal(setup.server.requests, requests);
});

test("a socket of another library that does not take a message: it never left", async (t) => {
  const setup = await Setup.start(t);
  let broken = false;
  class Fragile extends WebSocket {
    override send(...args: any): void {
      if (broken) throw secret;
      super.send(...(args as [any]));
    }
  }
  const client = await setup.connected({ transport: () => new Fragile(`${setup.server.url.replace("http", "ws")}/primus`) });
  broken = true;
  const error = await rejection(client.detailsView());
  assert.ok(error instanceof StellarError);
  assert.deepEqual([error.cause, error.mayHaveRun], [secret, false]);
  broken = false;
  assert.equal((await client.detailsView()).id, client.id);
});

test("a client without options that it can use", () => {
  for (const options of [null, 5, Symbol("s"), {}] as any[]) {
    assert.throws(() => new StellarClient(options), { code: "invalid", name: "StellarError" });
  }
});
