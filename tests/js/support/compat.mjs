// The application of StellarFW's own tests, and the two ways in which those call its actions.
import assert from "node:assert/strict";
import { connect } from "./primus.mjs";
import { compat } from "./server.mjs";
import { until } from "./until.mjs";

/** The server with a client of Primus, and the calls that a test makes. */
export class Compat {
  #count = 0;

  static async start(test, { version = "8", parser = "json" } = {}) {
    const it = new Compat();
    it.server = await compat(test, "--transport", "ws", "--parser", parser);
    it.client = await connect(test, version, parser, it.server.url);
    return it;
  }

  /** Sends a message and gives its answer. The server numbers what it gets, from 1. */
  async ask(message) {
    const number = ++this.#count;
    this.client.write(message);
    return until(
      () => this.client.received.find(({ messageCount }) => messageCount === number),
      `the answer to ${JSON.stringify(message)}`,
    );
  }

  /** Calls an action by message; its answer without what every answer has. */
  async call(action, params = {}) {
    const answer = await this.ask({ event: "action", params: { ...params, action } });
    const { messageCount, context, ...rest } = answer;
    assert.deepEqual([messageCount, context], [this.#count, "response"]);
    return rest;
  }

  /** Calls an action over HTTP with a JSON body; its status, and its answer likewise. */
  async post(action, params = {}) {
    const { status, body } = await this.http(`/api/${action}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(params),
    });
    return [status, body];
  }

  /** The status, the headers and the JSON of an HTTP answer. */
  async http(path, init) {
    const response = await fetch(this.server.url + path, init);
    const { serverInformation, requesterInformation, ...body } = await response.json();
    assert.equal(serverInformation.serverName, "compat");
    assert.equal(typeof serverInformation.requestDuration, "number");
    assert.match(requesterInformation.fingerprint, /^[0-9a-f]{40}$/);
    return { status: response.status, headers: response.headers, body };
  }

  /** Calls an action both ways, and expects the same answer of them. */
  async both(action, params, expected) {
    assert.deepEqual(await this.call(action, params), expected, `${action} by message`);
    const status = expected.error === undefined ? 200 : 400;
    assert.deepEqual(await this.post(action, params), [status, expected], `${action} by HTTP`);
  }
}
