// The recipes of docs/proxies.md, in real proxies: every engine works through them, and nobody
// forges an address.
import assert from "node:assert/strict";
import { Agent, request } from "node:http";
import { test } from "node:test";
import { Socket } from "engine.io-client";
import { WebSocket } from "ws";
import * as engineio from "../support/engineio.mjs";
import { proxies, reverseProxy } from "../support/reverse-proxy.mjs";
import { compat } from "../support/server.mjs";
import * as socketio from "../support/socketio.mjs";
import * as sockjs from "../support/sockjs.mjs";
import { event, until } from "../support/until.mjs";

// The proxies connect from 127.0.0.1, so that their clients can be told from them.
const client = "127.0.0.2";
const trusting = ["--set", 'server.trustedProxies=["127.0.0.1"]'];
const engines = ["--transport", "ws,engine.io,socket.io,sockjs"];

// Everything by which a client may claim another address.
const forged = (n) => ({
  forwarded: `for=198.51.100.${n};proto=https`,
  "x-forwarded-for": `198.51.100.${n}`,
  "x-real-ip": `198.51.100.${n}`,
  "cf-connecting-ip": `198.51.100.${n}`,
  "true-client-ip": `198.51.100.${n}`,
});

/** A request of the client's; its status and what it was answered. */
function ask(url, { method = "GET", headers = {}, body } = {}) {
  return new Promise((resolve, reject) => {
    const options = { method, headers, localAddress: client, agent: false };
    const asking = request(url, options, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part) => (text += part));
      response.on("end", () => resolve({ status: response.statusCode, text, headers: response.headers }));
    });
    asking.on("error", reject).end(body);
  });
}

/** Opens a WebSocket of the client's: it, once it is open, or the status that it got. */
function open(t, url, headers) {
  return new Promise((resolve) => {
    const socket = new WebSocket(url, { localAddress: client, headers });
    t.after(() => socket.terminate());
    socket.heard = [];
    socket.on("message", (data) => socket.heard.push(String(data)));
    socket.on("open", () => resolve({ socket }));
    socket.on("unexpected-response", (_, { statusCode }) => resolve({ status: statusCode }));
    socket.on("error", () => {});
  });
}

for (const proxy of proxies) {
  test(`${proxy}: every engine and every way`, async (t) => {
    const server = await compat(t, ...engines, ...trusting);
    const url = await reverseProxy(t, proxy, server);
    const details = { event: "detailsView" };
    const isAnswer = (message) => message.context === "response";
    const address = (answer) => assert.equal(answer.data.remoteIP, client);

    const { socket } = await open(t, url.replace("http", "ws") + "/primus");
    socket.send(JSON.stringify(details));
    const heard = () => socket.heard.map((text) => JSON.parse(text)).find(isAnswer);
    address(await until(heard, "details over ws"));

    const agent = new Agent({ localAddress: client, keepAlive: true });
    t.after(() => agent.destroy());
    for (const [name, ways] of Object.entries(engineio.ways)) {
      const over = await engineio.connect(t, url, ways, Socket, {
        path: "/engine.io/",
        agent,
        localAddress: client,
      });
      over.send(JSON.stringify(details));
      const found = () => over.received.map((text) => JSON.parse(text)).find(isAnswer);
      address(await until(found, `details over engine.io, ${name}`));
    }
    for (const [name, transports] of Object.entries(socketio.ways)) {
      const over = await socketio.connect(t, url, { transports, agent, localAddress: client });
      over.emit("message", details);
      const found = () => over.received.map(([, value]) => value).find((v) => v && isAnswer(v));
      address(await until(found, `details over socket.io, ${name}`));
    }
    for (const way of sockjs.ways) {
      // This client cannot choose its address.
      const over = await sockjs.connect(t, `${url}/sockjs`, [way]);
      over.send(JSON.stringify(details));
      const found = () => over.received.map((text) => JSON.parse(text)).find(isAnswer);
      const answer = await until(found, `details over sockjs, ${way}`);
      assert.equal(answer.data.remoteIP, "127.0.0.1");
    }
  });

  test(`${proxy}: no header of a client's changes its address`, async (t) => {
    const limit = ["--set", "server.maxConnectionsPerAddress=3"];
    const server = await compat(t, ...engines, ...trusting, ...limit);
    const url = await reverseProxy(t, proxy, server);
    for (const path of ["/primus", "/engine.io/?EIO=4&transport=websocket"]) {
      const all = await Promise.all(
        Array.from({ length: 50 }, (_, n) => open(t, url.replace("http", "ws") + path, forged(n))),
      );
      const opened = all.filter(({ socket }) => socket);
      assert.equal(opened.length, 3, path);
      assert.deepEqual(new Set(all.map(({ status }) => status)), new Set([undefined, 429]));
      for (const { socket } of opened) {
        socket.close();
        await event(socket, "close");
      }
    }
    const { text, headers } = await ask(`${url}/api/randomNumber`, { headers: forged(1) });
    assert.equal(JSON.parse(text).requesterInformation.remoteIP, client);
    // The proxy was reached without TLS, whatever the client claims.
    assert.doesNotMatch(String(headers["set-cookie"]), /Secure/);
  });

  test(`${proxy}: a long body reaches the server`, async (t) => {
    const server = await compat(t, ...trusting);
    const url = await reverseProxy(t, proxy, server);
    const body = JSON.stringify({ text: "é".repeat(400_000) });
    const { status, text } = await ask(`${url}/api/randomNumber`, {
      method: "POST",
      headers: { "content-type": "application/json", "content-length": Buffer.byteLength(body) },
      body,
    });
    assert.equal(status, 200);
    assert.equal(JSON.parse(text).requesterInformation.receivedParams.text.length, 400_000);
  });
}

test("without trust the proxy's own address counts", async (t) => {
  const server = await compat(t);
  const url = await reverseProxy(t, "nginx", server);
  const { text } = await ask(`${url}/api/randomNumber`, { headers: forged(1) });
  assert.equal(JSON.parse(text).requesterInformation.remoteIP, "127.0.0.1");
});
