// A network between a client and the server: it passes everything on until told otherwise.
import { once } from "node:events";
import http from "node:http";
import net from "node:net";

/** A proxy in front of a server's port. It ends with the test. */
export class Proxy {
  /** What becomes of upgrades: `pass`, `403`, `hang` (no answer), `mute` (opened, then silent). */
  upgrades = "pass";
  /** What becomes of requests: `pass`, `503`, `403`, `hang`, `collect` (answers come whole). */
  requests = "pass";
  /** How long everything that passes takes, in ms. */
  delay = 0;
  /** How many of each came by. */
  seen = { upgrades: 0, requests: 0 };
  /** The paths that were asked for. */
  paths = [];

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

  #keep(socket) {
    this.sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => this.sockets.delete(socket));
    return socket;
  }

  async #wait() {
    if (this.delay) await new Promise((resolve) => setTimeout(resolve, this.delay));
  }

  async #request(request, response) {
    this.seen.requests++;
    this.paths.push(request.url);
    if (this.requests === "hang") return;
    if (/^\d+$/.test(this.requests)) {
      response.writeHead(Number(this.requests), { "content-type": "text/html" });
      return response.end("<h1>Not by this network</h1>");
    }
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
      answer.pipe(response);
    });
    request.pipe(onward);
  }

  #upgrade(request, socket, head) {
    this.seen.upgrades++;
    this.paths.push(request.url);
    if (this.upgrades === "hang") return;
    if (/^\d+$/.test(this.upgrades)) {
      return socket.end(
        `HTTP/1.1 ${this.upgrades} No\r\nContent-Type: text/html\r\nContent-Length: 2\r\nConnection: close\r\n\r\nNo`,
      );
    }
    const onward = this.#keep(net.connect(this.target, "127.0.0.1"));
    const lines = [`GET ${request.url} HTTP/1.1`];
    for (let index = 0; index < request.rawHeaders.length; index += 2) {
      lines.push(`${request.rawHeaders[index]}: ${request.rawHeaders[index + 1]}`);
    }
    onward.write(`${lines.join("\r\n")}\r\n\r\n`);
    if (head.length) onward.write(head);
    let opened = false;
    const pass = (from, to, mute) =>
      from.on("data", async (data) => {
        if (mute && this.upgrades === "mute") {
          if (opened) return;
          opened = true;
          // The head of the answer, and nothing of what may have come with it.
          data = data.subarray(0, data.indexOf("\r\n\r\n") + 4);
        }
        // Waits of the same length end in the order in which they began.
        await this.#wait();
        if (!to.destroyed) to.write(data);
      });
    pass(socket, onward, false);
    pass(onward, socket, true);
    for (const [one, other] of [[socket, onward], [onward, socket]]) {
      one.on("end", () => other.end());
      one.on("close", () => other.destroy());
    }
  }
}
