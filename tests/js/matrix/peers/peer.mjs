// What every client is to the behaviours: the verbs, what it has heard, and how often it was
// connected and parted. A client that speaks messages and no verbs sends them as `wire` has them.
import { until } from "../../support/until.mjs";

export class Peer {
  /** Every value that came, in order. */
  heard = [];
  /** How often it was open. */
  sparks = 0;
  /** How each connection ended, as the client tells it. */
  ends = [];
  /** What went wrong, in the client's words. */
  failures = [];
  #count = 0;
  #waiting = new Map();

  /** Bytes, as the client's codec takes them. */
  bytes(list) {
    return Buffer.from(list);
  }

  /** Waits until it is open for this time, the first by default. */
  open(time = 1) {
    return until(() => this.sparks >= time, `connection ${time}; failures: ${this.failures}`);
  }

  /** Waits until so many connections have ended. */
  ended(times = 1) {
    return until(() => this.ends.length >= times, `end ${times}`);
  }

  /** What was pushed in a room, or as what is given. */
  pushes(context = "user") {
    return this.heard.filter((value) => value?.context === context);
  }

  /** Sends a message and gives its one response, which the server numbers. */
  async ask(message) {
    const number = ++this.#count;
    const answer = new Promise((resolve, reject) => this.#waiting.set(number, { resolve, reject }));
    this.send(message);
    return refusal(await answer);
  }

  async details() {
    return (await this.ask({ event: "detailsView" })).data;
  }
  async join(room) {
    await this.ask({ event: "roomAdd", room });
  }
  async leave(room) {
    await this.ask({ event: "roomLeave", room });
  }
  async view(room) {
    return (await this.ask({ event: "roomView", room })).data;
  }
  async say(room, message) {
    await this.ask({ event: "say", room, message });
  }
  async emit(room, event, data) {
    await this.ask({ event: "event", params: { room, event, data } });
  }
  action(action, params = {}) {
    return this.ask({ event: "action", params: { action, ...params } });
  }
  /** An action that has no answer. */
  order(action, params = {}) {
    this.#count++;
    this.send({ event: "action", params: { action, ...params } });
  }
  file(file) {
    return this.ask({ event: "file", file });
  }
  quit() {
    this.send({ event: "quit" });
  }

  // ---- What a client's adapter tells

  opened() {
    this.#count = 0;
    this.sparks++;
  }

  received(value) {
    this.heard.push(value);
    if (value?.context !== "response") return;
    this.#waiting.get(value.messageCount)?.resolve(value);
    this.#waiting.delete(value.messageCount);
  }

  parted(how) {
    for (const { reject } of this.#waiting.values()) reject(new Error("The connection was lost"));
    this.#waiting.clear();
    this.ends.push(how);
  }

  failed(error) {
    this.failures.push(String(error?.message ?? error));
  }
}

/** A response, or its error thrown. */
export function refusal(response) {
  const { error } = response;
  if (!error) return response;
  throw Object.assign(new Error(error.message ?? JSON.stringify(error)), { code: error.code });
}
