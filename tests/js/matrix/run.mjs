// Runs every behaviour in every cell of an engine, and writes down what came of it: the table in
// docs/compatibility.md is made of that.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { page } from "../support/line.mjs";
import { compat, target } from "../support/server.mjs";
import { until } from "../support/until.mjs";
import { behaviours, binary } from "./behaviours.mjs";

export class Cell {
  constructor(test, engine, { server: _, program = compat, ...kind }) {
    Object.assign(this, { test, engine, program }, kind);
  }

  /** Where a page of this origin connects; see {@link page}. None where this client has no such page. */
  page({ port }, origin) {
    return page(this.test, port, origin);
  }

  /** The status of a request with so long a body, sent whole whatever the answer is. */
  async statusOf({ url }, path, method, length) {
    const answer = await fetch(url + path, { method, body: Buffer.alloc(length, "x") });
    await answer.arrayBuffer();
    return answer.status;
  }

  /** The server, with this cell's engine and codec. */
  server(...args) {
    return this.program(this.test, "--transport", this.engine, "--parser", this.parser, ...args);
  }

  /** A client that is about to connect. It ends with the test. */
  open(url, query) {
    const peer = this.connect(url, query);
    this.test.after(() => peer.close());
    return peer;
  }

  /** A client that is connected. */
  async peer(url) {
    const peer = this.open(url);
    await peer.open();
    return peer;
  }

  /** Its connection ends, and it comes again; one that does not by itself is made anew. */
  async again(peer, url) {
    await peer.ended();
    if (!this.comesBack) return this.peer(url);
    await peer.open(2);
    return peer;
  }

  /** Waits until the server has so many connections, by the word of one of them. */
  only(peer, count) {
    let seen;
    return until(
      async () => (seen = (await peer.action("status")).connections) === count,
      () => `${count} connections, there are ${seen}`,
    );
  }
}

/**
 * Tests the cells of an engine, or any under a name. A kind of client may have a `server` that is
 * not ours, an `engine` of its own, and behaviours that it `lacks`.
 */
export function matrix(title, kinds) {
  const results = [];
  for (const kind of kinds) {
    const { engine = title, client, server, browser, parser, way, lacks = [] } = kind;
    const row = { engine, client, server, browser, parser, way, behaviours: {} };
    results.push(row);
    const label = [engine, server ?? client, way, parser].join(", ");
    for (const [name, behaviour] of Object.entries(behaviours)) {
      // JSON's frames are text.
      if (behaviour === binary && parser !== "msgpack") continue;
      if (lacks.includes(behaviour)) continue;
      test(`${label}: ${name}`, async (t) => {
        row.behaviours[name] = false;
        await behaviour(new Cell(t, engine, kind));
        row.behaviours[name] = true;
      });
    }
  }
  after(() => {
    const folder = join(target, "compatibility");
    mkdirSync(folder, { recursive: true });
    const names = Object.keys(behaviours);
    writeFileSync(join(folder, `${title}.json`), JSON.stringify({ names, results }, null, 1));
    // Clients that were cut or refused leave requests behind that would keep the process for ever.
    setTimeout(() => process.exit(), 2_000).unref();
  });
}
