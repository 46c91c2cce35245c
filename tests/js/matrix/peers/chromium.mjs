// The project's own client in Chromium: the script that the server makes, on a page of the server.
import { createServer } from "node:http";
import { once } from "node:events";
import { browser } from "../../support/demo.mjs";
import { Peer, refusal } from "./peer.mjs";

/** What runs on the page: the clients, and a way to tell what they come to. */
function install() {
  const clients = new Map();
  const told = [];
  const tell = (...event) => {
    if (!told.length) setTimeout(() => globalThis.tellNode(told.splice(0)));
    told.push(event);
  };
  const plain = ({ message, code } = {}) => ({ message, code });
  const calls = {
    connect(id, options) {
      // It is the server that is to notice who is gone.
      const patient = { reconnect: { min: 10, max: 100 }, timeout: 60_000, pingTimeout: 45_000 };
      // It knows the server's bound and keeps to it; what the server does beyond it is tested here.
      patient.maxLength = 1 << 30;
      const client = new globalThis.StellarClient({ ...patient, ...options });
      clients.set(id, client);
      // An engine with one way does not tell it.
      const opened = () => tell(id, "opened", client.transport.way ?? "websocket");
      client.on("connected", opened);
      client.on("message", (value) => tell(id, "received", value));
      client.on("error", (error) => tell(id, "failed", plain(error)));
      client.on("disconnected", (error) => tell(id, "parted", plain(error), client.state));
      client.connect().catch((error) => tell(id, "failed", plain(error)));
    },
    emit: (id, room, event, data) => clients.get(id).to(room).emit(event, data),
  };
  globalThis.call = (list) => {
    for (const [id, number, name, args] of list) {
      const run = async () =>
        name in calls ? calls[name](id, ...args) : clients.get(id)[name](...args);
      run().then(
        (value) => tell(id, "answered", number, value),
        (error) => tell(id, "refused", number, plain(error)),
      );
    }
  };
}

/** The page of one address, with its clients. */
class Page {
  #peers = new Map();
  #waiting = new Map();
  #calls = [];
  #count = 0;

  constructor(test, origin, server) {
    this.ready = this.#open(test, origin, server);
    // A test that ends before that has no use for it.
    this.ready.catch(() => {});
  }

  async #open(test, origin, server) {
    const context = await browser.newContext();
    test.after(() => context.close());
    this.page = await context.newPage();
    await this.page.exposeFunction("tellNode", (events) => events.forEach((e) => this.#told(e)));
    // What comes from the network: a page that does not may not connect to this machine.
    await this.page.goto(`${origin}/stellar-client`);
    await this.page.addScriptTag({ url: `${server}/stellar-client` });
    await this.page.evaluate(install);
  }

  add(peer) {
    this.#peers.set(peer.id, peer);
  }

  /** Calls a client's method. What is called at once goes to the page at once. */
  call(id, name, args) {
    const number = ++this.#count;
    const answer = new Promise((resolve, reject) => this.#waiting.set(number, { resolve, reject }));
    if (!this.#calls.length) {
      setImmediate(async () => {
        await this.ready;
        const calls = this.#calls.splice(0);
        // The page goes when its test ends.
        await this.page.evaluate((list) => globalThis.call(list), calls).catch(() => {});
      });
    }
    this.#calls.push([id, number, name, args]);
    return answer;
  }

  #told([id, what, ...rest]) {
    if (what === "answered" || what === "refused") {
      const [number, value] = rest;
      const { resolve, reject } = this.#waiting.get(number);
      this.#waiting.delete(number);
      if (what === "answered") resolve(value);
      else reject(Object.assign(new Error(value.message), value));
    } else this.#peers.get(id).told(what, ...rest);
  }
}

let ids = 0;

class ChromiumPeer extends Peer {
  // It disconnects instead.
  quit = undefined;
  id = ++ids;

  constructor(page, options) {
    super();
    this.page = page;
    page.add(this);
    this.#call("connect", options);
  }
  #call(name, ...args) {
    return this.page.call(this.id, name, args);
  }
  told(what, value, state) {
    if (what === "opened") {
      this.way = value;
      this.opened();
    } else if (what === "parted") {
      this.forGood = state === "closed";
      this.parted(value);
    } else this[what](value);
  }
  bytes(list) {
    return Uint8Array.from(list);
  }
  details() {
    return this.#call("detailsView");
  }
  join(room) {
    return this.#call("roomAdd", room);
  }
  leave(room) {
    return this.#call("roomLeave", room);
  }
  view(room) {
    return this.#call("roomView", room);
  }
  say(room, message) {
    return this.#call("say", room, message);
  }
  emit(room, event, data) {
    return this.#call("emit", room, event, data);
  }
  async action(name, params = {}) {
    return refusal(await this.#call("action", name, params));
  }
  order(name, params = {}) {
    this.#call("action", name, params).catch(() => {});
  }
  file(path) {
    return this.#call("file", path);
  }
  close() {
    this.#call("disconnect").catch(() => {});
  }
}

/** Serves pages of another origin: that of their address, or with `sandboxed` none. */
async function elsewhere(test, sandboxed) {
  const headers = sandboxed ? { "content-security-policy": "sandbox allow-scripts" } : {};
  const server = createServer((_, response) => response.writeHead(200, headers).end("A page\n"));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  test.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${server.address().port}`;
}

/** A cell of it over one engine. */
export const chromium = (engine, parser) => ({
  engine,
  client: "stellar-client",
  browser: "Chromium",
  refusal: /who are you/,
  tooLong: engine === "engine.io" ? /1000/ : /1009/,
  parser,
  way: "websocket",
  comesBack: true,
  // A page has other things to do, too.
  pingInterval: 2_000,
  /** What a page of a browser can be: of the server, of another port, or of no origin. */
  async page({ url }, origin) {
    if (origin === undefined) return url;
    if (origin === "null") return { origin: await elsewhere(this.test, true), url };
    if (origin === "http://elsewhere.example") {
      return { origin: await elsewhere(this.test, false), url };
    }
  },
  /** Pages whose addresses are spelt in other ways, and whether they may connect. */
  spelt({ url, port }) {
    const spelt = (host) => `http://${host}:${port}`;
    return [
      [{ origin: spelt("LOCALHOST"), url: spelt("localhost") }, true],
      [{ origin: spelt("localhost."), url: spelt("localhost.") }, true],
      [{ origin: spelt("localhost."), url: spelt("localhost") }, false],
      [{ origin: spelt("localhost"), url }, false],
    ];
  },
  /** The status of a request of a page of the server's own. */
  async statusOf({ url }, path, method, length) {
    const context = await browser.newContext();
    this.test.after(() => context.close());
    const page = await context.newPage();
    await page.goto(`${url}/stellar-client`);
    return page.evaluate(
      ([path, method, length]) =>
        fetch(path, { method, body: new Uint8Array(length) }).then(({ status }) => status),
      [path, method, length],
    );
  },
  connect(place, query = "") {
    const { url, origin = url } = place.url ? place : { url: place };
    // One page for all clients of an address in a test.
    this.opened ??= new Map();
    if (!this.opened.has(place)) this.opened.set(place, new Page(this.test, origin, url));
    const pairs = Object.fromEntries(new URLSearchParams(query));
    return new ChromiumPeer(this.opened.get(place), { url, query: pairs });
  },
});
