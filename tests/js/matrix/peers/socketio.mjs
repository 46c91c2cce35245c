// socket.io-client: verbs are events with acknowledgements, pushes are events.
import { io } from "socket.io-client";
import { parsers } from "../../support/socketio.mjs";
import { Peer, refusal } from "./peer.mjs";

const contexts = ["user", "alert", "api", "welcome", "message"];

class SocketIoPeer extends Peer {
  constructor(url, options) {
    super();
    this.socket = io(url, { forceNew: true, reconnectionDelay: 10, reconnectionDelayMax: 100, ...options });
    this.socket.on("connect", () => this.opened());
    this.socket.on("disconnect", (reason) => {
      this.forGood = !this.socket.active;
      this.parted(reason);
    });
    this.socket.on("connect_error", (error) => this.failed(error));
    for (const name of contexts) this.socket.on(name, (value) => this.received(value));
  }
  get way() {
    return this.socket.io.engine.transport.name;
  }
  async verb(...event) {
    const answer = refusal(await this.socket.timeout(30_000).emitWithAck(...event));
    this.received(answer);
    return answer;
  }
  async details() {
    return (await this.verb("detailsView")).data;
  }
  async join(room) {
    await this.verb("roomAdd", room);
  }
  async leave(room) {
    await this.verb("roomLeave", room);
  }
  async view(room) {
    return (await this.verb("roomView", room)).data;
  }
  async say(room, message) {
    await this.verb("say", room, message);
  }
  async emit(room, event, data) {
    await this.verb("event", room, event, data);
  }
  action(name, params = {}) {
    return this.verb("action", name, params);
  }
  order(name, params = {}) {
    this.socket.emit("action", name, params);
  }
  file(path) {
    return this.verb("file", path);
  }
  ask(message) {
    return this.verb("message", message);
  }
  send(message) {
    this.socket.emit("message", message);
  }
  quit() {
    this.socket.emit("quit");
  }
  close() {
    this.socket.disconnect();
  }
}

/** A cell of it, by some of Engine.IO's transports. */
export const socketIo = (parser, way, transports) => ({
  client: "socket.io-client 4",
  refusal: /who are you/,
  parser,
  way,
  comesBack: true,
  connect: (url, query = "") =>
    new SocketIoPeer(url, {
      transports,
      query: Object.fromEntries(new URLSearchParams(query)),
      ...parsers[parser],
    }),
});
