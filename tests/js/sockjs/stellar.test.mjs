// Stellar's messages over SockJS, from clients that know nothing of Primus.
import assert from "node:assert/strict";
import { test } from "node:test";
import { compat } from "../support/server.mjs";
import { ask, connect, ended, open, ways } from "../support/sockjs.mjs";
import { until } from "../support/until.mjs";

const parsed = (client) => client.received.map((text) => JSON.parse(text));

/** Sends a message and gives its answer. The server numbers what it gets, from 1. */
function asker(client) {
  let count = 0;
  return async (message) => {
    const number = ++count;
    client.send(JSON.stringify(message));
    return until(
      () => parsed(client).find(({ messageCount }) => messageCount === number),
      `the answer to ${JSON.stringify(message)}`,
    );
  };
}

for (const way of ways) {
  test(`${way}: greeting, rooms, chat, actions and files`, async (t) => {
    const server = await compat(t, "--transport", "sockjs");
    const client = await connect(t, `${server.url}/primus`, way);
    const send = asker(client);
    const { data: details } = await send({ event: "detailsView" });
    assert.equal(parsed(client)[0].context, "api");
    assert.equal(details.remoteIP, "127.0.0.1");
    assert.equal((await send({ event: "roomAdd", room: "otherRoom" })).data, true);
    const said = await send({ event: "say", room: "otherRoom", message: { text: "hi \u{1f680}" } });
    assert.equal(said.status, "OK");
    const heard = await until(() => parsed(client).find(({ context }) => context === "user"));
    assert.deepEqual(heard.message, { text: "hi \u{1f680}" });
    assert.equal(heard.from, details.id);
    const view = await send({ event: "roomView", room: "otherRoom" });
    assert.equal(view.data.membersCount, 1);
    const sum = await send({ event: "action", params: { action: "formattedSum", a: 3, b: 4 } });
    assert.equal(sum.formatted, "3 + 4 = 7");
    const file = await send({ event: "file", file: "simple.html" });
    assert.deepEqual([file.error, file.mime], [null, "text/html"]);
    const unknown = await send({ event: "paramAdd", key: "a", value: 1 });
    assert.equal(unknown.error.code, "014");
    // What cannot be decoded does not count.
    client.send("{");
    assert.equal((await send({ event: "roomLeave", room: "otherRoom" })).data, true);
    client.send(JSON.stringify({ event: "quit" }));
    assert.deepEqual(await ended(client), {
      code: 1000,
      reason: "Normal closure",
      wasClean: true,
    });
    assert.equal(client.received.at(-1), '"primus::server::close"');
  });
}

// In Node the client asks for events again and again whatever the answer is.
for (const way of ways.filter((way) => way !== "eventsource")) {
  test(`${way}: who is refused finds no way`, async (t) => {
    const server = await compat(t, "--transport", "sockjs");
    const client = open(t, `${server.url}/primus?refuse=nobody+here`, way);
    assert.equal((await ended(client)).code, 2000);
  });
}

test("a refusal tells its status and reason", async (t) => {
  const server = await compat(t, "--transport", "sockjs");
  const url = `${server.url}/primus/000/refused/xhr?refuse=nobody+here`;
  const { status, headers, text } = await ask(url, { method: "POST" });
  assert.deepEqual([status, JSON.parse(text)], [401, { error: "nobody here" }]);
  assert.equal(headers["www-authenticate"], "Bearer");
});

test("200 clients in a room, by all ways at once", async (t) => {
  const server = await compat(t, "--transport", "sockjs");
  const clients = await Promise.all(
    Array.from({ length: 200 }, (_, n) => connect(t, `${server.url}/primus`, ways[n % 4])),
  );
  const askers = clients.map(asker);
  await Promise.all(askers.map((send) => send({ event: "roomAdd", room: "otherRoom" })));
  for (let n = 0; n < 5; n++) {
    const said = await askers[n * 37]({ event: "say", room: "otherRoom", message: n });
    assert.equal(said.status, "OK");
  }
  const heard = (client) =>
    parsed(client)
      .filter(({ context }) => context === "user")
      .map(({ message }) => message);
  await until(() => clients.every((client) => heard(client).length === 5), "all messages");
  // Each is heard once by everybody, in the order in which they were said.
  for (const client of clients) assert.deepEqual(heard(client), [0, 1, 2, 3, 4]);
  for (const client of clients.slice(1)) client.close();
  await until(async () => {
    const { data } = await askers[0]({ event: "roomView", room: "otherRoom" });
    return data.membersCount === 1;
  }, "the others to leave");
});
