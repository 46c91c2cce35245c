// What every client must be able to do over every engine. Each behaviour gets a `Cell`: the
// server's program with one engine, and clients of one kind.
import assert from "node:assert/strict";
import { Line } from "../support/line.mjs";
import { texts, unpaired } from "../support/texts.mjs";
import { rejection, until } from "../support/until.mjs";
import { files } from "./files.mjs";

const room = "defaultRoom";
const refused = (promise) => rejection(promise).then(({ code }) => code);

/** The values whose way there and back is looked at. */
const values = {
  null: null,
  bool: [true, false],
  numbers: [0, -1, 0.1, 2 ** 53 - 1, 5e-324, -1.5e-7],
  texts: ["", "hello", "żółw \u{1f680} \u2028\u2029 \"\\/", "\u0000\u001f\u007f", "primus::else::1"],
  nested: [[], {}, [1, [null, { a: { b: [] } }]], { "": 0, context: "user", event: "say" }],
  long: "é".repeat(50_000),
};

async function connects(cell) {
  const server = await cell.server();
  const peer = await cell.peer(server.url);
  await until(() => peer.heard.length > 0, "the welcome");
  assert.deepEqual(peer.heard[0], { welcome: "Hello human! Welcome to Stellar", context: "api" });
  const details = await peer.details();
  assert.match(details.id, /^[\w-]{8,}$/);
  assert.equal(details.remoteIP, "127.0.0.1");
  assert.deepEqual(details.rooms, []);
  const way = cell.way === "upgrade" ? "websocket" : cell.way;
  await until(() => peer.way === way, `it to be on ${way}, not ${peer.way}`);
  const other = await cell.peer(server.url);
  assert.notEqual((await other.details()).id, details.id);
}

async function verbs(cell) {
  const server = await cell.server();
  const [ann, bob] = [await cell.peer(server.url), await cell.peer(server.url)];
  const { id } = await ann.details();
  await ann.join(room);
  assert.equal(await refused(ann.join(room)), "017");
  assert.equal(await refused(ann.join("no such room")), "019");
  assert.equal(await refused(bob.say(room, "hi")), "016");
  await bob.join(room);
  const { members, membersCount } = await ann.view(room);
  assert.equal(membersCount, 2);
  assert.ok(id in members);

  await ann.say(room, { text: "hi \u{1f680}" });
  for (const peer of [ann, bob]) {
    const [push] = await until(() => peer.pushes().length && peer.pushes(), "what was said");
    assert.deepEqual(push.message, { text: "hi \u{1f680}" });
    assert.deepEqual([push.from, push.room], [id, room]);
    assert.equal(typeof push.sentAt, "number");
  }
  await bob.emit(room, "typing", { by: "bob" });
  const event = await until(() => ann.pushes()[1], "the event");
  assert.deepEqual(event.message, { event: "typing", data: { by: "bob" } });

  await ann.leave(room);
  assert.equal(await refused(ann.leave(room)), "016");
  assert.equal((await bob.view(room)).membersCount, 1);
  assert.deepEqual((await bob.details()).rooms, [room]);
}

async function actions(cell) {
  const server = await cell.server();
  const peer = await cell.peer(server.url);
  const { number } = await peer.action("randomNumber");
  assert.ok(number >= 0 && number < 1);
  assert.equal((await peer.action("status")).connections, 1);
  assert.equal((await peer.action("formattedSum", { a: 3, b: 4 })).formatted, "3 + 4 = 7");
  assert.equal((await peer.action("versionedAction")).version, 2);
  assert.equal((await peer.action("versionedAction", { apiVersion: 1 })).version, 1);
  for (const [name, payload] of Object.entries(values)) {
    assert.deepEqual((await peer.action("echo", { payload })).payload, payload, name);
  }
  assert.equal(await refused(peer.action("no such action")), "004");
  assert.equal(await refused(peer.action("sumANumber", { a: 1, b: 2 })), "002");
  const wrong = await rejection(peer.action("formattedSum", { a: 1 }));
  assert.match(wrong.message, /b/);

  // A slow one holds up neither verbs nor other actions.
  const order = [];
  const slow = peer.action("sleep", { sleepDuration: 500 }).then((answer) => {
    order.push("slow");
    assert.equal(answer.sleepDuration, 500);
  });
  const quick = peer.action("randomNumber").then(() => order.push("quick"));
  const verb = peer.details().then(() => order.push("verb"));
  await Promise.all([slow, quick, verb]);
  assert.equal(order[2], "slow");
}

async function everyText(cell) {
  const server = await cell.server();
  const [ann, bob] = [await cell.peer(server.url), await cell.peer(server.url)];
  await ann.join(room);
  await bob.join(room);
  const { payload } = await ann.action("echo", { payload: { texts } });
  assert.deepEqual(payload, { texts });
  // All at once, so that what waits together is seen to stay apart.
  const values = texts.map((text) => ({ text, [`key ${text}`]: [text] }));
  const answers = await Promise.all(values.map((payload) => ann.action("echo", { payload })));
  assert.deepEqual(answers.map(({ payload }) => payload), values);
  await Promise.all(texts.filter(Boolean).map((text) => ann.say(room, text)));
  await Promise.all(texts.filter(Boolean).map((text) => bob.emit(room, text, { text })));
  const said = texts.filter(Boolean);
  for (const peer of [ann, bob]) {
    await until(() => peer.pushes().length === 2 * said.length, "all of them");
    const messages = peer.pushes().map(({ message }) => message);
    const events = said.map((event) => ({ event, data: { text: event } }));
    assert.deepEqual(messages.filter((message) => typeof message === "string"), said);
    assert.deepEqual(messages.filter((message) => typeof message !== "string"), events);
  }
  // Halves of characters become no others, or are refused; either way nobody is ended for them.
  for (const text of unpaired) await ann.action("echo", { payload: text }).catch(() => {});
  assert.equal((await ann.action("echo", { payload: "after" })).payload, "after");
  assert.deepEqual([ann.ends.length, bob.ends.length], [0, 0]);
}

async function publicFiles(cell) {
  const server = await cell.server("--public", files.folder);
  const peer = await cell.peer(server.url);
  for (const [name, bytes] of Object.entries(files.content)) {
    const answer = await peer.file(name);
    const { content, encoding = "utf8" } = answer;
    assert.ok(Buffer.from(content, encoding).equals(bytes), name);
    assert.equal(answer.length, bytes.length);
    assert.equal(answer.error, null);
  }
  assert.equal(await refused(peer.file("no/such/file")), "010");
  assert.equal(await refused(peer.file("../Cargo.toml")), "010");
}

export async function crowd(cell) {
  const server = await cell.server();
  const peers = [];
  while (peers.length < 200) {
    const more = Array.from({ length: 20 }, () => cell.peer(server.url));
    peers.push(...(await Promise.all(more)));
  }
  await Promise.all(peers.map((peer) => peer.join(room)));
  const [first, last] = [peers[0], peers.at(-1)];
  assert.equal((await last.view(room)).membersCount, 200);
  await Promise.all([first.say(room, "from the first"), last.say(room, "from the last")]);
  for (const peer of peers) {
    const said = await until(() => peer.pushes().length >= 2 && peer.pushes(), "both messages");
    assert.deepEqual(said.map(({ message }) => message).sort(), ["from the first", "from the last"]);
  }
  await Promise.all(peers.slice(1).map((peer) => peer.leave(room)));
  assert.equal((await first.view(room)).membersCount, 1);
}

async function manyInOrder(cell) {
  const server = await cell.server();
  const [speaker, listener] = [await cell.peer(server.url), await cell.peer(server.url)];
  await speaker.join(room);
  await listener.join(room);
  const many = 10_000;
  for (let n = 0; n < many; ) {
    const some = [];
    while (some.length < 250) some.push(speaker.say(room, n++));
    await Promise.all(some);
  }
  for (const peer of [speaker, listener]) {
    await until(() => peer.pushes().length === many, `${many} messages`);
    peer.pushes().forEach(({ message }, n) => assert.equal(message, n));
  }
  const counts = speaker.heard.filter(({ context }) => context === "response");
  counts.slice(-many).reduce((before, { messageCount }) => {
    assert.equal(messageCount, before + 1);
    return messageCount;
  }, counts.at(-many - 1).messageCount);
}

export async function binary(cell) {
  const server = await cell.server();
  const peer = await cell.peer(server.url);
  const bytes = peer.bytes(Array.from({ length: 1000 }, (_, n) => n % 256));
  const { payload } = await peer.action("echo", { payload: { bytes, text: "é" } });
  assert.deepEqual(payload, { bytes: cell.keepsBytes ? bytes : [...bytes], text: "é" });
  if ("binary" in peer) assert.equal(peer.binary, true, "the frames are binary");
}

async function endsForGood(cell) {
  const server = await cell.server();
  const [peer, other] = [await cell.peer(server.url), await cell.peer(server.url)];
  peer.order("end");
  await peer.ended();
  await until(() => peer.forGood, "it to know that it is for good");
  await cell.only(other, 1);
  assert.equal(peer.sparks, 1);
  // The client asks for it.
  if (!other.quit) return;
  other.quit();
  await other.ended();
  await until(() => other.forGood);
  assert.equal(other.sparks, 1);
}

async function endsToComeAgain(cell) {
  const server = await cell.server();
  const peer = await cell.peer(server.url);
  const { id } = await peer.details();
  peer.order("end", { reconnect: true });
  const again = await cell.again(peer, server.url);
  assert.notEqual((await again.details()).id, id);
  assert.ok(!peer.forGood);
}

async function restarts(cell) {
  const server = await cell.server();
  const peer = await cell.peer(server.url);
  await server.kill("SIGTERM");
  await server.restart();
  const again = await cell.again(peer, server.url);
  assert.ok(!peer.forGood);
  assert.ok((await again.details()).id);
  assert.deepEqual((await again.action("echo", { payload: texts })).payload, texts);
}

async function goneWithoutAWord(cell) {
  const { pingInterval = 500 } = cell;
  const server = await cell.server(
    ...["--set", `server.pingInterval=${pingInterval}`, "--set", "server.closeTimeout=500"],
  );
  const line = await Line.start(cell.test, server.port);
  const [peer, watcher] = [await cell.peer(line.url), await cell.peer(server.url)];
  await peer.join(room);
  await watcher.join(room);
  const { connectedAt } = await watcher.details();
  // It stays while it is there, for some heartbeats.
  const told = () => watcher.action("sleep", { sleepDuration: 100 });
  while ((await told()).sleepEnded < connectedAt + 4 * pingInterval);
  assert.equal((await watcher.view(room)).membersCount, 2);
  assert.equal(peer.ends.length, 0);
  line.hold();
  await until(async () => (await watcher.view(room)).membersCount === 1, "the server to see it");
  line.release();
  const again = cell.deaf ? await cell.peer(server.url) : await cell.again(peer, line.url);
  assert.ok((await again.details()).id);
  assert.equal(watcher.ends.length, 0);
}

export async function oversized(cell) {
  const server = await cell.server("--set", "server.maxLength=10000");
  const [peer, other] = [await cell.peer(server.url), await cell.peer(server.url)];
  const fits = "x".repeat(cell.fits ?? 9_000);
  assert.equal((await peer.action("echo", { payload: fits })).payload, fits);
  peer.order("echo", { payload: "x".repeat(20_000) });
  const again = await cell.again(peer, server.url);
  assert.equal((await again.action("echo", { payload: "after" })).payload, "after");
  assert.equal(other.ends.length, 0);
}

async function notLetIn(cell) {
  const server = await cell.server();
  const why = "who are you? 100% %41 <b> \"\\\u2028 \u{1f680}";
  const peer = cell.open(server.url, `?refuse=${encodeURIComponent(why)}`);
  await until(() => peer.failures.length > 0, "the refusal");
  assert.match(peer.failures[0], cell.refusal);
  // Where the client hands the text on it is the authorizer's.
  if (peer.failures[0].includes("who")) assert.ok(peer.failures[0].includes(why), peer.failures[0]);
  const other = await cell.peer(server.url);
  await cell.only(other, 1);
  assert.equal(peer.sparks, 0);
}

/** Pages that are no others: their origin is written in another way, or they tell none. */
const own = [undefined, null, (host) => `HTTP://${host}`, (host) => `https://${host}`];
/** Pages that are others, some of them almost not. */
const foreign = [
  "null",
  "",
  "http://elsewhere.example",
  (host) => `http://${host.replace(/:\d+$/, ":1")}`,
  (host) => `http://${host.replace(/:\d+$/, "")}`,
  (host) => `http://${host.replace(":", ".:")}`,
  (host) => `http://${host}.elsewhere.example`,
  (host) => `http://${host}/`,
  (host) => `ftp://${host}`,
];

export async function otherOrigins(cell) {
  const server = await cell.server("--set", "server.origins=same");
  const welcome = [];
  for (const origin of own) {
    const place = await cell.page(server, origin);
    if (!place) continue;
    welcome.push(await cell.peer(place));
    assert.ok((await welcome.at(-1).details()).id);
  }
  const spelt = cell.spelt?.(server) ?? [];
  for (const [place, may] of spelt) if (may) welcome.push(await cell.peer(place));
  const places = spelt.filter(([, may]) => !may).map(([place]) => place);
  for (const origin of foreign) places.push(await cell.page(server, origin));
  for (const place of places.filter(Boolean)) {
    const peer = cell.open(place);
    await until(() => peer.failures.length > 0, "the refusal");
    await cell.only(welcome[0], welcome.length);
    assert.equal(peer.sparks, 0);
    peer.close();
  }
  // Others may, where a list has them.
  const list = ["null", "http://listed.example"];
  const open = await cell.server("--set", `server.origins={list=${JSON.stringify(list)}}`);
  for (const origin of list) {
    const place = await cell.page(open, origin);
    if (!place) continue;
    const peer = await cell.peer(place);
    assert.deepEqual((await peer.action("echo", { payload: origin })).payload, origin);
  }
}

/** For each engine, requests that are answered for what their head says. */
const early = {
  ws: [["POST", "/ws", 426]],
  "engine.io": [["POST", "/engine.io/?EIO=4&transport=polling&sid=AAAAAAAAAAAAAAAA", 400]],
  "socket.io": [["POST", "/socket.io/?EIO=4&transport=pigeon", 400]],
  sockjs: [
    ["POST", "/sockjs/000/nobody/xhr_send", 404],
    ["PUT", "/sockjs/000/nobody/xhr", 405],
  ],
};

export async function earlyAnswers(cell) {
  const server = await cell.server();
  const peer = await cell.peer(server.url);
  for (const [method, path, status] of [...early[cell.engine], ["POST", "/api/echo", 413]]) {
    for (const length of [1 << 16, 4 << 20]) {
      // The last takes what is not too long.
      if (status === 413 && length < 1 << 20) continue;
      assert.equal(await cell.statusOf(server, path, method, length), status, `${path} ${length}`);
    }
  }
  assert.equal((await peer.action("echo", { payload: "after" })).payload, "after");
  assert.equal(peer.ends.length, 0);
}

/** A message that is many times too long, of which the server reads the beginning. */
export async function farTooLong(cell) {
  const server = await cell.server("--set", "server.maxLength=10000");
  const [peer, other] = [await cell.peer(server.url), await cell.peer(server.url)];
  peer.order("echo", { payload: "x".repeat(4 << 20) });
  const again = await cell.again(peer, server.url);
  const told = [...peer.ends, ...peer.failures].map((end) => String(end?.message ?? end));
  if (cell.tooLong) assert.match(told.join(", "), cell.tooLong);
  assert.equal((await again.action("echo", { payload: "after" })).payload, "after");
  assert.equal(other.ends.length, 0);
}

/** All of them, by the names that they have in the table. */
export const behaviours = {
  "it connects by the way it is told, and is welcomed first": connects,
  "every verb, and what is refused; its own response before its own delivery": verbs,
  "actions: values of every kind, errors, versions, a slow one beside others": actions,
  "texts of every kind, hostile ones too, as they were": everyText,
  "files up to 1 MiB, text and not, byte for byte": publicFiles,
  "200 of them in one room": crowd,
  "10,000 messages in order, both ways": manyInOrder,
  "binary values, in binary frames": binary,
  "ended by the server for good, and by the client's `quit`": endsForGood,
  "ended to come again": endsToComeAgain,
  "the server restarts": restarts,
  "gone without a word: the server notices, and it comes again": goneWithoutAWord,
  "a message over `maxLength`": oversized,
  "a message many times as long, of which the server reads the beginning": farTooLong,
  "a request with a large body that is answered before it was sent": earlyAnswers,
  "refused by the authorizer, with a text that something could change": notLetIn,
  "pages of other origins are refused, unless a list has them; odd origins": otherOrigins,
};
