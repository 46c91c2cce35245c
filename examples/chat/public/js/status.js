import { $, duration } from "./dom.js";
import { breakNetwork, brokenFor } from "./network.js";

const texts = {
  idle: "Not connected",
  connecting: "Connecting",
  connected: "Connected",
  reconnecting: "Reconnecting",
  offline: "Offline",
  closed: "Disconnected",
  refused: "Refused",
};

/** The engine of the connection, with its transport unless it is a WebSocket. */
export function engineOf({ transport }) {
  if (!transport?.name) return "none";
  const { name, way = "websocket" } = transport;
  return way === "websocket" ? name : `${name}, ${way.replace("_", " ")}`;
}

/** Shows the state of the connection, with buttons to connect, disconnect and break it. */
export function startStatus(client) {
  let next = null;
  let reason = null;
  let latency = null;
  const sent = new Map();

  client.on("send", (message, count) => {
    // Actions include their own duration; other requests measure the round trip.
    if (message.event !== "action") sent.set(count, performance.now());
  });
  client.on("message", (message) => {
    const start = message?.context === "response" && sent.get(message.messageCount);
    if (!start) return;
    sent.delete(message.messageCount);
    latency = performance.now() - start;
    show();
  });
  client.on("state", (state) => {
    if (state !== "reconnecting" && state !== "offline") next = null;
    if (state === "connected" || state === "connecting") reason = null;
    if (state !== "connected") sent.clear();
    show();
  });
  client.on("reconnecting", ({ attempt, delay }) => {
    next = { attempt, at: Date.now() + delay };
    show();
  });
  client.on("error", (error) => {
    if (client.state !== "connected") reason = error;
  });
  client.on("disconnected", (error) => {
    reason = error;
    show();
  });

  $("connect").addEventListener("click", () => {
    if (["idle", "closed", "refused"].includes(client.state)) client.connect();
    else client.disconnect();
  });
  $("retry").addEventListener("click", () => client.connect());
  $("break").addEventListener("click", () => {
    breakNetwork(6000);
    show();
  });

  const put = (id, text) => {
    if ($(id).textContent !== text) $(id).textContent = text;
  };

  function show() {
    const { state } = client;
    const seconds = next && Math.ceil((next.at - Date.now()) / 1000);
    $("status").dataset.state = state;
    put("status-text", texts[state]);
    put("fact-engine", engineOf(client));
    put("fact-latency", state === "connected" && latency != null ? (latency < 1 ? "< 1 ms" : duration(latency)) : "–");
    put("fact-queue", String(client.queued));
    put("connect", ["idle", "closed", "refused"].includes(state) ? "Connect" : "Disconnect");
    const broken = Math.ceil(brokenFor() / 1000);
    $("break").disabled = state !== "connected";
    const text = {
      reconnecting: `${broken ? `The network is cut for ${broken} s more.` : "The connection was lost."} Next attempt${seconds > 0 ? ` in ${seconds} s` : " now"} (${next?.attempt ?? 1}). What you say waits here; actions are tried over HTTP.`,
      offline: "Your browser says there is no network. What you say waits here until there is.",
      closed: `${reason?.code === "closed" ? `${reason.message}.` : "Disconnected."} Actions are tried over HTTP.`,
      refused: `The server refused the connection: ${reason?.message ?? "no reason given"}.`,
    }[state];
    $("banner").hidden = !text;
    $("banner").dataset.kind = state === "refused" ? "bad" : "";
    if (text) put("banner-text", text);
    $("retry").hidden = broken > 0 && state === "reconnecting";
    put("retry", state === "closed" || state === "refused" ? "Connect" : "Try now");
  }

  setInterval(show, 250);
  show();
}
