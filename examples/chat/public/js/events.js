import { $, clock, h, stickToEnd } from "./dom.js";
import { jsonLine, jsonView } from "./json-view.js";

const limit = 400;
const kinds = { out: "Out", in: "In", state: "State", error: "Errors" };
const arrows = { out: "↑", in: "↓", state: "●", error: "!" };

/** Lists all events. */
export function startEvents(client) {
  const entries = [];
  const hidden = new Set();
  let paused = false;
  let missed = 0;
  let filter = "";
  const list = $("log");
  const scroll = stickToEnd(list);

  function add(kind, name, value, text = jsonLine(value)) {
    if (paused) {
      missed++;
      return label();
    }
    const entry = { kind, name, value, text, at: Date.now() };
    entry.element = view(entry);
    entries.push(entry);
    if (entries.length > limit) entries.shift().element.remove();
    list.append(entry.element);
    entry.element.hidden = !matches(entry);
    label();
    scroll.added();
  }

  function view({ kind, name, value, text, at }) {
    const cells = [
      h("time", {}, clock(at, true)),
      h("span", { class: "entry-way", title: kinds[kind] }, arrows[kind]),
      h("span", { class: "entry-name" }, name),
      h("span", { class: "entry-text" }, text),
    ];
    if (value === undefined) {
      return h("li", { class: "entry", dataset: { kind } }, h("div", { class: "entry-line" }, ...cells));
    }
    const details = h("details", {}, h("summary", {}, ...cells));
    // The JSON is formatted when an entry is opened; most never are.
    details.addEventListener("toggle", () => details.append(jsonView(value)), { once: true });
    return h("li", { class: "entry", dataset: { kind } }, details);
  }

  const matches = ({ kind, name, text }) =>
    !hidden.has(kind) && (!filter || `${name} ${text}`.toLowerCase().includes(filter));

  function label() {
    const shown = entries.filter(({ element }) => !element.hidden).length;
    $("events-count").textContent = shown === entries.length ? String(shown) : `${shown} of ${entries.length}`;
    $("events-pause").textContent = paused ? `Resume${missed ? ` (${missed} missed)` : ""}` : "Pause";
    $("log-empty").hidden = shown > 0;
    list.hidden = shown === 0;
    $("log-empty-text").textContent = entries.length
      ? "The filter hides all there is."
      : "Everything that goes out, comes in or changes is listed here.";
  }

  function apply() {
    for (const entry of entries) entry.element.hidden = !matches(entry);
    label();
    scroll.added();
  }

  $("events-text").addEventListener("input", ({ target }) => {
    filter = target.value.trim().toLowerCase();
    apply();
  });
  $("events-kinds").replaceChildren(
    ...Object.entries(kinds).map(([kind, text]) => {
      const chip = h("button", { type: "button", class: "chip", "aria-pressed": "true" }, text);
      chip.addEventListener("click", () => {
        const show = hidden.delete(kind);
        if (!show) hidden.add(kind);
        chip.setAttribute("aria-pressed", String(show));
        apply();
      });
      return chip;
    }),
  );
  $("events-pause").addEventListener("click", () => {
    paused = !paused;
    missed = 0;
    $("events-pause").setAttribute("aria-pressed", String(paused));
    label();
  });
  $("events-clear").addEventListener("click", () => {
    entries.length = missed = 0;
    list.replaceChildren();
    label();
  });

  client.on("send", (message, count) => add("out", message.event, { messageCount: count, ...message }, outText(message)));
  client.on("message", (message) => add(message?.error ? "error" : "in", inName(message), message, inText(message)));
  client.on("state", (state, previous) => add("state", "state", undefined, `${previous} → ${state}`));
  for (const name of ["connected", "reconnect"]) {
    client.on(name, (details) => add("state", name, details ?? undefined, details ? `as ${details.id}` : ""));
  }
  client.on("reconnecting", (next) => add("state", "reconnecting", next, `attempt ${next.attempt} in ${next.delay} ms`));
  const plain = ({ code, message, mayHaveRun }) => ({ code, message, mayHaveRun });
  client.on("disconnected", (error) => add("state", "disconnected", plain(error), error.message));
  client.on("error", (error) => {
    // The response that contained it is listed already.
    if (!error.response) add("error", "error", plain(error), error.message);
  });
  label();
}

/** Returns a summary of a room message. The opened entry shows all of it. */
function roomText(room, message) {
  const { event, data, text } = message ?? {};
  if (typeof event === "string") return `${room} ${event} ${jsonLine(data)}`;
  return `${room} ${jsonLine(typeof text === "string" ? text : message)}`;
}

function outText({ event, params, ...rest }) {
  if (event === "say") return roomText(rest.room, rest.message);
  if (event === "event") return roomText(params.room, params);
  if (params) return `${params.action ?? ""} ${jsonLine({ ...params, action: undefined })}`.trim();
  return Object.values(rest).map(jsonLine).join(" ");
}

function inName(message) {
  if (message?.context === "response") return `#${message.messageCount}`;
  if (message?.context === "user") return typeof message.message?.event === "string" ? "event" : "say";
  return message?.welcome ? "welcome" : (message?.context ?? "message");
}

function inText(message) {
  if (typeof message !== "object" || !message) return String(message);
  if (message.context === "user") return roomText(message.room, message.message);
  if (message.error) return message.error.message ?? jsonLine(message.error);
  if (message.welcome) return message.welcome;
  const { context, messageCount, ...rest } = message;
  return jsonLine(rest);
}
