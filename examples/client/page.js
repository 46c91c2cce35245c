// The common parts of the pages: the list of pages, a log, buttons, and the source code.
const pages = {
  "index.html": "Connect",
  "actions.html": "Actions",
  "rooms.html": "Rooms",
  "events.html": "Events",
  "files.html": "Files",
  "errors.html": "Errors",
  "requests.html": "Deadlines",
  "queue.html": "The queue",
  "states.html": "States",
  "interceptors.html": "Interceptors",
  "engines.html": "Engines",
};

const make = (tag, props, ...children) => {
  const element = Object.assign(document.createElement(tag), props);
  element.append(...children);
  return element;
};

const here = location.pathname.split("/").pop() || "index.html";
const nav = make("nav", { ariaLabel: "Features" });
for (const [href, text] of Object.entries(pages)) {
  const link = make("a", { href }, text);
  if (href === here) link.ariaCurrent = "page";
  nav.append(link);
}
const buttons = make("div", { id: "buttons" });
const list = make("ol", { id: "log" });
list.setAttribute("aria-live", "polite");
const code = document.querySelector("script[type=module]").textContent.replace(/^\n/, "").trimEnd();
const indent = /^ */.exec(code)[0].length;
const lines = code.split("\n").map((line) => line.slice(indent));
document.body.prepend(nav);
document.body.append(
  buttons,
  make("h2", {}, "What happens"),
  list,
  make("h2", {}, "The code of this page"),
  make("pre", { id: "code", tabIndex: 0 }, lines.slice(lines.findIndex((line) => !line.startsWith("import"))).join("\n").trim()),
);

const text = (value) => (typeof value === "string" ? value : JSON.stringify(value));

/** Writes a line. Errors include their code. */
export function log(...values) {
  const bad = values.find((value) => value instanceof Error);
  const words = values.map((value) => (value instanceof Error ? `${value.code}: ${value.message}` : text(value)));
  list.append(make("li", { className: bad ? "bad" : "" }, words.join(" ")));
  list.scrollTop = list.scrollHeight;
}

/** Creates a button. */
export function button(name, run) {
  buttons.append(make("button", { type: "button", onclick: () => Promise.resolve(run()).catch(log) }, name));
}
