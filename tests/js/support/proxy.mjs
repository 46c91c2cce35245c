// A network between a client and the server: it passes everything on until told otherwise.
import { once } from "node:events";
import http from "node:http";
import net from "node:net";
import { Transform } from "node:stream";

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** A proxy in front of a server's port. It ends with the test. */
export class Proxy {
  /** What becomes of upgrades: `pass`, `403`, `hang` (no answer), `mute` (opened, then silent). */
  upgrades = "pass";
  /** What becomes of requests: `pass`, `503`, `403`, `hang`, `collect` (answers come whole). */
  requests = "pass";
  /** What an authorizer says that is asked in the server's place, if there is to be one. */
  refusal;
  /** How long everything that passes takes, in ms. */
  delay = 0;
  /** Whether what passes comes in halves, as two pieces with a moment between them. */
  halves = false;
  /** Whether connections overtake each other: of two, the one that came later goes on first. */
  overtake = false;
  /** How many of each came by. */
  seen = { upgrades: 0, requests: 0 };
  /** The paths that were asked for. */
  paths = [];
  #torn = false;
  #waiting;

  static async start(test, target) {
    const proxy = new Proxy();
    proxy.target = target;
    await proxy.open(0);
    test.after(() => proxy.refuse());
    return proxy;
  }

  get url() {
    return `http://127.0.0.1:${this.port}`;
  }

  async open(port = this.port) {
    this.sockets = new Set();
    this.server = http.createServer((request, response) => void this.#request(request, response));
    this.server.keepAliveTimeout = 0;
    this.server.on("upgrade", (request, socket, head) => this.#upgrade(request, socket, head));
    this.server.on("connection", (socket) => this.#keep(socket));
    this.server.listen(port, "127.0.0.1");
    await once(this.server, "listening");
    this.port = this.server.address().port;
  }

  /** Tears every connection there is. */
  cut() {
    for (const socket of this.sockets) socket.destroy();
  }

  /** Tears every connection and accepts no more, until it is opened again. */
  async refuse() {
    if (!this.server.listening) return;
    const closed = once(this.server, "close");
    this.server.close();
    this.cut();
    await closed;
  }

  /** The next large piece that the server sends gets through by half, and then all is cut. */
  tear() {
    this.#torn = true;
  }

  /** Everything passes again, as at the beginning. */
  async calm() {
    Object.assign(this, { upgrades: "pass", requests: "pass", delay: 0, halves: false, overtake: false });
    this.#torn = false;
    if (!this.server.listening) await this.open();
  }

  #keep(socket) {
    this.sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => this.sockets.delete(socket));
    return socket;
  }

  async #wait() {
    if (this.delay) await pause(this.delay);
  }

  /** The turn of a connection, which the next one may take. */
  async #turn() {
    if (!this.overtake) return;
    const first = this.#waiting;
    this.#waiting = undefined;
    if (first) return void setTimeout(first, 20);
    await new Promise((resolve) => {
      this.#waiting = resolve;
      // There may be no other.
      setTimeout(() => {
        if (this.#waiting === resolve) this.#waiting = undefined;
        resolve();
      }, 100);
    });
  }

  /** The pieces that something comes in. */
  #pieces(data) {
    const middle = data.length >> 1;
    return this.halves && middle ? [data.subarray(0, middle), data.subarray(middle)] : [data];
  }

  /** Writes something in its pieces. */
  async #write(to, data, fromServer) {
    if (this.#torn && fromServer && data.length > 4096) {
      this.#torn = false;
      to.write(data.subarray(0, data.length >> 1));
      await pause(5);
      return this.cut();
    }
    for (const [index, piece] of this.#pieces(data).entries()) {
      if (index) await pause(2);
      if (!to.destroyed) to.write(piece);
    }
  }

  /** Passes a body on in its pieces. */
  #through(fromServer) {
    const body = new Transform({
      transform: async (data, _, done) => {
        await this.#write({ write: (piece) => body.push(piece), destroyed: body.destroyed }, data, fromServer);
        done();
      },
    });
    return body.on("error", () => {});
  }

  async #request(request, response) {
    this.seen.requests++;
    this.paths.push(request.url);
    if (this.refusal && request.url.startsWith("/primus")) {
      response.writeHead(401, { "content-type": "application/json" });
      return response.end(JSON.stringify({ error: this.refusal }));
    }
    if (this.requests === "hang") return;
    if (/^\d+$/.test(this.requests)) {
      response.writeHead(Number(this.requests), { "content-type": "text/html" });
      return response.end("<h1>Not by this network</h1>");
    }
    await this.#turn();
    await this.#wait();
    const { method, url, headers } = request;
    const onward = http.request({ port: this.target, host: "127.0.0.1", method, path: url, headers, agent: false });
    onward.on("socket", (socket) => this.#keep(socket));
    onward.on("error", () => response.destroy());
    response.on("close", () => onward.destroy());
    onward.on("response", async (answer) => {
      answer.on("error", () => response.destroy());
      await this.#wait();
      if (this.requests === "collect") {
        const parts = [];
        try {
          for await (const part of answer) parts.push(part);
        } catch {
          return response.destroy();
        }
        const { "transfer-encoding": _, ...rest } = answer.headers;
        response.writeHead(answer.statusCode, rest);
        return response.end(Buffer.concat(parts));
      }
      response.writeHead(answer.statusCode, answer.headers);
      response.flushHeaders();
      answer.pipe(this.#through(true)).pipe(response);
    });
    request.pipe(this.#through(false)).pipe(onward);
  }

  async #upgrade(request, socket, head) {
    this.seen.upgrades++;
    this.paths.push(request.url);
    if (this.refusal) {
      const body = JSON.stringify({ error: this.refusal });
      return socket.end(
        `HTTP/1.1 401 No\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
      );
    }
    if (this.upgrades === "hang") return;
    if (/^\d+$/.test(this.upgrades)) {
      return socket.end(
        `HTTP/1.1 ${this.upgrades} No\r\nContent-Type: text/html\r\nContent-Length: 2\r\nConnection: close\r\n\r\nNo`,
      );
    }
    await this.#turn();
    if (socket.destroyed) return;
    const onward = this.#keep(net.connect(this.target, "127.0.0.1"));
    for (const end of [socket, onward]) end.setNoDelay(true);
    const lines = [`GET ${request.url} HTTP/1.1`];
    for (let index = 0; index < request.rawHeaders.length; index += 2) {
      lines.push(`${request.rawHeaders[index]}: ${request.rawHeaders[index + 1]}`);
    }
    onward.write(`${lines.join("\r\n")}\r\n\r\n`);
    if (head.length) onward.write(head);
    let opened = false;
    const pass = (from, to, fromServer) => {
      // One after the other, each when it is due.
      let last = Promise.resolve();
      const then = (what) => (last = last.then(what));
      from.on("data", (data) => {
        if (fromServer && this.upgrades === "mute") {
          if (opened) return;
          opened = true;
          // The head of the answer, and nothing of what may have come with it.
          data = data.subarray(0, data.indexOf("\r\n\r\n") + 4);
        }
        const due = this.#wait();
        then(() => due);
        then(() => this.#write(to, data, fromServer));
      });
      from.on("end", () => then(() => to.end()));
      from.on("close", () => then(() => to.destroy()));
    };
    pass(socket, onward, false);
    pass(onward, socket, true);
  }
}
