// What the protocols' own suites look at, packet by packet. Theirs give a client 200 ms to answer a
// ping, which is little on a busy machine.
import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { WebSocket } from "ws";
import { engineio, socketio } from "../support/server.mjs";
import { until } from "../support/until.mjs";

const timing = { pingInterval: 300, pingTimeout: 2_000 };
const options = [
  ...["--ping-interval", `${timing.pingInterval}`, "--ping-timeout", `${timing.pingTimeout}`],
  ...["--max-payload", "1000000", "--heartbeat", "0"],
];

/** A WebSocket, and what came over it. */
function socket(t, url, query) {
  const socket = new WebSocket(`${url.replace("http", "ws")}?EIO=4&transport=websocket${query}`);
  socket.heard = [];
  socket.on("message", (data, binary) => socket.heard.push(binary ? [...data] : data.toString()));
  socket.on("close", () => (socket.gone = true));
  socket.on("error", () => {});
  socket.next = () => until(() => socket.heard.length && socket.heard.splice(0, 1), "a packet").then(([first]) => first);
  t.after(() => socket.terminate());
  return socket;
}

/** Opens a session by polling. */
async function open(url) {
  const answer = await fetch(`${url}?EIO=4&transport=polling`);
  assert.equal(answer.status, 200);
  const text = await answer.text();
  assert.equal(text[0], "0");
  const told = JSON.parse(text.slice(1));
  assert.deepEqual(told, { sid: told.sid, upgrades: ["websocket"], ...timing, maxPayload: 1_000_000 });
  const target = `${url}?EIO=4&transport=polling&sid=${told.sid}`;
  return {
    sid: told.sid,
    poll: (more = "") => fetch(target + more),
    post: (body) => fetch(target, { method: "POST", body }),
  };
}

for (const [name, program, path, extra] of [
  ["engine.io", engineio, "/engine.io/", ["--parser", "raw"]],
  ["socket.io", socketio, "/socket.io/", ["--events"]],
]) {
  const start = async (t) => `${(await program(t, ...options, ...extra)).url}${path}`;

  test(`${name}: what opens no session`, async (t) => {
    const url = await start(t);
    for (const [method, query] of [
      ["GET", "transport=polling"],
      ["GET", "EIO=abc&transport=polling"],
      ["GET", "EIO=4"],
      ["GET", "EIO=4&transport=abc"],
      ["POST", "EIO=4&transport=polling"],
      ["PUT", "EIO=4&transport=polling"],
    ]) {
      assert.equal((await fetch(`${url}?${query}`, { method })).status, 400, `${method} ${query}`);
    }
    for (const query of ["transport=websocket", "EIO=abc&transport=websocket", "EIO=4", "EIO=4&transport=abc"]) {
      const refused = new WebSocket(`${url.replace("http", "ws")}?${query}`);
      const [, answer] = await once(refused, "unexpected-response");
      assert.equal(answer.statusCode, 400, query);
      answer.destroy();
    }
  });

  test(`${name}: a WebSocket is told of no upgrades`, async (t) => {
    const client = socket(t, await start(t), "");
    const { sid, ...told } = JSON.parse((await client.next()).slice(1));
    assert.equal(typeof sid, "string");
    assert.deepEqual(told, { upgrades: [], ...timing, maxPayload: 1_000_000 });
  });

  test(`${name}: pings by polling, and the end of who does not answer`, async (t) => {
    const session = await open(await start(t));
    for (let n = 0; n < 3; n++) {
      assert.equal(await (await session.poll()).text(), "2");
      assert.equal((await session.post("3")).status, 200);
    }
    assert.equal(await (await session.poll()).text(), "2");
    await until(async () => (await session.post("4")).status === 400, "the end");
    assert.equal((await session.poll()).status, 400);
  });

  test(`${name}: pings over a WebSocket, and the end of who does not answer`, async (t) => {
    const client = socket(t, await start(t), "");
    await client.next();
    for (let n = 0; n < 3; n++) {
      // Socket.IO closes what has not asked to be let in.
      if (name === "socket.io" && n === 0) client.send("40");
      let packet;
      do packet = await client.next();
      while (packet.startsWith("4"));
      assert.equal(packet, "2");
      client.send("3");
    }
    await until(() => client.gone, "the end");
  });

  test(`${name}: a client says goodbye`, async (t) => {
    const url = await start(t);
    const session = await open(url);
    const polled = session.poll();
    assert.equal((await session.post("1")).status, 200);
    // A poll that came before is answered with nothing to do.
    const answer = await polled;
    if (answer.status === 200) assert.equal(await answer.text(), "6");
    assert.equal((await session.poll()).status, 400);
    const client = socket(t, url, "");
    await client.next();
    client.send("1");
    await until(() => client.gone, "the end");
  });

  test(`${name}: an upgrade, after which the session has one place`, async (t) => {
    const url = await start(t);
    const session = await open(url);
    const client = socket(t, url, `&sid=${session.sid}`);
    await once(client, "open");
    client.send("2probe");
    assert.equal(await client.next(), "3probe");
    assert.equal(await (await session.poll()).text(), "6");
    client.send("5");
    await until(async () => (await session.poll()).status === 400, "polls to be refused");
    const second = socket(t, url, `&sid=${session.sid}`);
    await until(() => second.gone, "it to be refused");
    client.send(name === "engine.io" ? "4hello" : "40");
    let packet;
    do packet = await client.next();
    while (["2", "6"].includes(packet));
    if (name === "engine.io") assert.equal(packet, "4hello");
    else assert.match(packet, /^40\{"sid":/);
  });
}

test("engine.io: two polls at once", async (t) => {
  const session = await open((await engineio(t, ...options)).url + "/engine.io/");
  const answers = await Promise.all([session.poll(), session.poll("&t=burst")]);
  // Whichever came second is refused, and the other is told of the end.
  const [ended, refused] = answers[0].status === 200 ? answers : answers.toReversed();
  assert.equal(await ended.text(), "1");
  assert.equal(refused.status, 400);
  assert.equal((await session.poll()).status, 400);
});

test("engine.io: texts and bytes by polling", async (t) => {
  const { url } = await engineio(t, ...options, "--parser", "raw");
  for (const body of ["4hello", "4test1\x1e4test2\x1e4test3", "4hello\x1ebAQIDBA=="]) {
    const answer = await fetch(`${url}/engine.io/?EIO=4&transport=polling`);
    const { sid } = JSON.parse((await answer.text()).slice(1));
    const target = `${url}/engine.io/?EIO=4&transport=polling&sid=${sid}`;
    const post = await fetch(target, { method: "POST", body });
    assert.deepEqual([post.status, await post.text()], [200, "ok"]);
    assert.equal(await (await fetch(target)).text(), body);
  }
});

test("engine.io: texts and bytes over a WebSocket, and what is no packet", async (t) => {
  const { url } = await engineio(t, ...options, "--parser", "raw");
  const client = socket(t, `${url}/engine.io/`, "");
  await client.next();
  client.send("4hello");
  assert.equal(await client.next(), "4hello");
  client.send(Buffer.from([1, 2, 3, 4]));
  assert.deepEqual(await client.next(), [1, 2, 3, 4]);
  client.send("abc");
  await until(() => client.gone, "the end");
});

/** Clients of the echo server's events over Socket.IO, that send this packet first. */
async function namespaces(t) {
  const { url } = await socketio(t, ...options, "--events", "--connect-timeout", "1000");
  return async (packet) => {
    const client = socket(t, `${url}/socket.io/`, "");
    await client.next();
    // Pings that come meanwhile are answered, and not looked at.
    const next = client.next;
    client.next = async () => {
      for (;;) {
        const packet = await next();
        if (packet !== "2") return packet;
        client.send("3");
      }
    };
    if (packet) client.send(packet);
    return client;
  };
}

test("socket.io: the namespace, events, bytes and acknowledgements", async (t) => {
  const connect = await namespaces(t);
  for (const [packet, auth] of [["40", {}], ['40{"token":"123"}', { token: "123" }]]) {
    const client = await connect(packet);
    const told = await client.next();
    assert.match(told, /^40\{"sid":"[^"]+"\}$/);
    assert.equal(await client.next(), `42["auth",${JSON.stringify(auth)}]`);
    client.send('42["message",1,"2",{"3":[true]}]');
    assert.equal(await client.next(), '42["message-back",1,"2",{"3":[true]}]');
    client.send('42456["message-with-ack",1,"2",{"3":[false]}]');
    assert.equal(await client.next(), '43456[1,"2",{"3":[false]}]');
    const places = '{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}';
    for (const [sent, back] of [
      [`452-["message",${places}]`, `452-["message-back",${places}]`],
      [`452-789["message-with-ack",${places}]`, `462-789[${places}]`],
    ]) {
      client.send(sent);
      client.send(Buffer.from([1, 2, 3]));
      client.send(Buffer.from([4, 5, 6]));
      assert.deepEqual(
        [await client.next(), await client.next(), await client.next()],
        [back, [1, 2, 3], [4, 5, 6]],
      );
    }
    // An event without attachments is in order behind those.
    client.send('42["message","last"]');
    assert.equal(await client.next(), '42["message-back","last"]');
    client.send("41");
    await until(() => client.gone, "the end");
  }
  const random = await connect("40/random");
  assert.equal(await random.next(), '44/random,{"message":"Invalid namespace"}');
  for (const wrong of ["4abc", '42["message",1]']) {
    const client = await connect(wrong);
    await until(() => client.gone, "the end");
  }
  const client = await connect("40");
  await client.next();
  await client.next();
  client.send("4abc");
  await until(() => client.gone, "the end");
  const idle = await connect();
  await until(() => idle.gone, "who never asks to be cut");
});

test("socket.io: a namespace besides", async (t) => {
  const connect = await namespaces(t);
  for (const [packet, auth] of [["40/custom,", {}], ["40/custom", {}], ['40/custom,{"token":"abc"}', { token: "abc" }]]) {
    const client = await connect(packet);
    assert.match(await client.next(), /^40\/custom,\{"sid":"[^"]+"\}$/);
    assert.equal(await client.next(), `42/custom,["auth",${JSON.stringify(auth)}]`);
    client.send('42/custom,["message",1]');
    assert.equal(await client.next(), '42/custom,["message-back",1]');
    client.send('42/custom,456["message-with-ack",1,{"2":[false]}]');
    assert.equal(await client.next(), '43/custom,456[1,{"2":[false]}]');
    const places = '{"_placeholder":true,"num":0}';
    client.send(`451-/custom,789["message-with-ack",${places}]`);
    client.send(Buffer.from([1, 2, 3]));
    assert.deepEqual([await client.next(), await client.next()], [`461-/custom,789[${places}]`, [1, 2, 3]]);
    client.send("41/custom");
    await until(() => client.gone, "the end");
  }
  // Beside the other, left before that, and entered once more.
  for (const leave of ["41/custom", "41/custom,"]) {
    const client = await connect("40");
    await client.next();
    assert.equal(await client.next(), '42["auth",{}]');
    for (let n = 0; n < 3; n++) {
      client.send("40/custom");
      assert.match(await client.next(), /^40\/custom,/);
      assert.equal(await client.next(), '42/custom,["auth",{}]');
      client.send(leave);
      client.send('42["message","message to main namespace"]');
      assert.equal(await client.next(), '42["message-back","message to main namespace"]');
    }
    client.send("41");
    await until(() => client.gone, "the end");
  }
  const stranger = await connect("40");
  await isTold(stranger);
  stranger.send('42/custom,["message",1]');
  await until(() => stranger.gone, "who is not in it to be cut");
});

/** Awaits the welcome and the event `auth`. */
async function isTold(client) {
  assert.match(await client.next(), /^40\{/);
  assert.match(await client.next(), /^42\["auth",/);
}

test("socket.io: what is no packet ends its sender", async (t) => {
  const connect = await namespaces(t);
  for (const wrong of ["4abc", "42{}", '42abc["message-with-ack",1,"2",{"3":[false]}]']) {
    const client = await connect("40");
    await isTold(client);
    client.send(wrong);
    await until(() => client.gone, `the end after ${wrong}`);
  }
});
