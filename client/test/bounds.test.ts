// What bounds requests: places of actions, deadlines, the queue.
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { requests, type Limits } from "../src/requests";
import { Setup } from "./support/setup";
import { rejection } from "./support/until";

/** Requests over a connection that takes everything and answers nothing. */
function lonely(t: TestContext, limits: Partial<Limits> = {}) {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const sent: any[] = [];
  const _pack = (body: any): [any, string] => [body, ""];
  const _send = (_: unknown, body: any) => sent.push(body);
  const host = { state: "connected", _pack, _send, _emit() {} };
  const all = requests(host, {
    ...{ simultaneousActions: 5, actionTimeout: 30_000 },
    ...{ queueSize: 3, queueAge: 1000, requestTimeout: 0 },
    ...limits,
  });
  const action = (name: string, options = {}) =>
    all._request({ event: "action", params: { action: name } }, options);
  return { ...all, host, sent, action, pass: (ms: number) => t.mock.timers.tick(ms) };
}

test("actions that never answer give their places back, and reject", async (t) => {
  const { action, sent, pass, _pending } = lonely(t, { queueAge: 0 });
  const silent = Array.from({ length: 5 }, () => rejection(action("silent")));
  const next = action("next");
  assert.equal(sent.length, 5);
  pass(34_999);
  assert.equal(sent.length, 5);
  pass(1);
  for (const { code, mayHaveRun } of await Promise.all(silent)) {
    assert.deepEqual([code, mayHaveRun], ["timeout", true]);
  }
  assert.equal(sent.length, 6);
  assert.equal(_pending(), 1);
  pass(35_000);
  assert.equal((await rejection(next)).code, "timeout");
  assert.equal(_pending(), 0);
});

test("a late answer is nobody's, and frees nothing twice", async (t) => {
  const { action, sent, pass, _answer } = lonely(t, { simultaneousActions: 1, queueAge: 0 });
  const first = rejection(action("first"));
  const second = action("second");
  const third = action("third");
  pass(35_000);
  await first;
  assert.equal(sent.length, 2);
  _answer({ messageCount: 1, late: true });
  assert.equal(sent.length, 2);
  _answer({ messageCount: 2, n: 2 });
  assert.equal((await second).n, 2);
  assert.equal(sent.length, 3);
  _answer({ messageCount: 3, n: 3 });
  assert.equal((await third).n, 3);
});

test("with noReply a request ends when it is sent, and takes no place", async (t) => {
  const { action, sent, _pending, _answer } = lonely(t, { simultaneousActions: 1 });
  for (let n = 0; n < 10; n++) assert.deepEqual(await action("tell", { noReply: true }), {});
  assert.equal(sent.length, 10);
  assert.equal(_pending(), 0);
  const answer = action("ask");
  _answer({ messageCount: 3, wrong: true });
  _answer({ messageCount: 11, right: true });
  assert.equal((await answer).right, true);
});

test("what waits too long, or is one too many, is dropped", async (t) => {
  const { host, _request, _queued, _flush, sent, pass } = lonely(t);
  host.state = "reconnecting";
  const say = (message: number) => rejection(_request({ event: "say", message }));
  const first = say(1);
  pass(600);
  const second = say(2);
  pass(400);
  const aged = await first;
  assert.deepEqual([aged.code, aged.mayHaveRun], ["dropped", false]);
  void say(3);
  void say(4);
  void say(5);
  assert.equal((await second).code, "dropped");
  assert.equal(_queued(), 3);
  host.state = "connected";
  _flush();
  assert.deepEqual(
    sent.map(({ message }) => message),
    [3, 4, 5],
  );
  // Sent is sent: age is for what waits.
  pass(10_000);
});

test("what a listener asks for while the queue is sent comes last", (t) => {
  const { host, _request, _flush, sent } = lonely(t);
  host.state = "reconnecting";
  for (const message of [1, 2, 3]) void _request({ event: "say", message });
  host.state = "connected";
  host._emit = () => {
    host._emit = () => {};
    void _request({ event: "say", message: 4 });
  };
  _flush();
  assert.deepEqual(
    sent.map(({ message }) => message),
    [1, 2, 3, 4],
  );
});

test("volatile: sent at once or not at all", async (t) => {
  const setup = await Setup.start(t);
  const client = setup.client({ simultaneousActions: 1 });
  const volatile = true;
  const early = await rejection(client.roomAdd("defaultRoom", { volatile }));
  assert.deepEqual([early.code, early.mayHaveRun], ["dropped", false]);
  await client.connect();
  assert.equal((await client.roomAdd("defaultRoom", { volatile })).status, "OK");
  const long = client.action("sleep", { ms: 50 });
  assert.equal((await rejection(client.action("via", {}, { volatile }))).code, "dropped");
  await long;
  assert.equal((await client.action("via", {}, { volatile })).via, "websocket");
});
