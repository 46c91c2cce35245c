import { $, duration, fieldError, h } from "./dom.js";
import { jsonView } from "./json-view.js";

const assumed = [
  { name: "randomNumber", description: "Gives a random number", inputs: {} },
  { name: "echo", description: "Gives back what it gets", inputs: {} },
  { name: "sum", description: "Adds two numbers", inputs: { a: {}, b: {} } },
  { name: "sleep", description: "Answers after so many milliseconds", inputs: { ms: {} } },
];
const examples = { sum: { a: "19", b: "23" }, sleep: { ms: "1500" } };
const extras = { echo: '{"hello": "stars"}' };

/** Calls actions and shows their responses. */
export function startActions(client) {
  let actions = assumed;
  let shown = "";
  const name = $("action-name");

  async function load() {
    try {
      const answer = await client.action("actions", {}, { timeout: 8000 });
      if (Array.isArray(answer.actions) && answer.actions.length) {
        actions = answer.actions.filter((action) => typeof action?.name === "string");
      }
    } catch {
      // The server lacks that action or is unreachable: suggest the usual actions.
    }
    offer();
  }

  function offer() {
    $("action-list").replaceChildren(...actions.map((action) => h("option", { value: action.name })));
    const first = ["randomNumber", "sum", "echo", "sleep"];
    const rank = (action) => (first.indexOf(action.name) + 1 || 99);
    const offered = [...new Map(actions.map((action) => [action.name, action])).values()];
    $("action-chips").replaceChildren(
      ...offered
        .sort((a, b) => rank(a) - rank(b))
        .slice(0, 12)
        .map((action) =>
          h("button", { type: "button", class: "chip", dataset: { name: action.name }, onclick: () => pick(action.name) }, action.name),
        ),
    );
    if (name.value) fields();
    else pick(offered[0].name);
  }

  const mark = () => {
    for (const chip of $("action-chips").children) {
      chip.setAttribute("aria-current", String(chip.dataset.name === name.value));
    }
  };

  function pick(chosen) {
    name.value = chosen;
    $("action-json").value = extras[chosen] ?? "";
    fields();
  }

  /** Creates a field for each known input of the action. Keeps typed text. */
  function fields() {
    const action = actions.find((one) => one.name === name.value);
    const typed = shown === name.value ? typedIn() : {};
    shown = name.value;
    const { inputs = {} } = action ?? {};
    const list = Array.isArray(inputs)
      ? inputs.map((input) => (typeof input === "string" ? [input, {}] : [input?.name, input]))
      : Object.entries(inputs ?? {});
    $("action-description").textContent = action?.description ?? "";
    $("action-fields").replaceChildren(
      ...list.map(([key, rules]) =>
        h(
          "div",
          { class: "field" },
          h("label", { for: `input-${key}` }, String(key), !rules?.required && h("span", { class: "hint" }, " optional")),
          h("input", { id: `input-${key}`, name: key, autocomplete: "off", value: typed[key] ?? examples[name.value]?.[key] ?? "" }),
          h("p", { class: "field-error", id: `fault-${key}`, hidden: true }),
        ),
      ),
    );
    fieldError($("action-error"), $("action-json"));
    mark();
  }
  name.addEventListener("input", fields);

  /** Shows or clears the error of a field. */
  function markField(input, text) {
    const note = input.nextElementSibling;
    fieldError(note, input, text);
    if (text) input.setAttribute("aria-describedby", note.id);
    else input.removeAttribute("aria-describedby");
  }

  /** Shows the errors of a response: at their fields, and the rest below. */
  function blame(error) {
    const sentence = (value) => (typeof value === "string" ? value : value?.message);
    // A code and a message form a single error.
    const isWhole = typeof error?.code === "string" && typeof error?.message === "string";
    const about = error && typeof error === "object" && !isWhole ? Object.entries(error) : [];
    const faults = new Map(about.filter(([, value]) => typeof sentence(value) === "string"));
    for (const input of $("action-fields").querySelectorAll("input")) {
      markField(input, sentence(faults.get(input.name)));
      faults.delete(input.name);
    }
    const others = [...faults.values()].map(sentence).join(" ");
    fieldError($("action-error"), $("action-json"), others || undefined);
  }
  $("action-fields").addEventListener("input", ({ target }) => markField(target));

  const typedIn = () =>
    Object.fromEntries([...$("action-fields").querySelectorAll("input")].map(({ name, value }) => [name, value]));

  /** Returns the values of the fields. Numbers and JSON literals are parsed. */
  function params() {
    const values = {};
    for (const [key, value] of Object.entries(typedIn())) {
      if (value === "") continue;
      values[key] = /^(-?\d+(\.\d+)?|true|false|null)$/.test(value) ? JSON.parse(value) : value;
    }
    const text = $("action-json").value.trim();
    const more = text ? JSON.parse(text) : {};
    if (!more || typeof more !== "object" || Array.isArray(more)) throw new Error("an object is needed");
    return { ...values, ...more };
  }

  $("action-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    const called = name.value.trim();
    let given;
    try {
      given = params();
      blame(null);
    } catch (error) {
      return fieldError($("action-error"), $("action-json"), `This is not JSON: ${error.message}`);
    }
    const way = client.state === "connected" ? (client.transport?.name ?? "socket") : "HTTP";
    const tag = h("span", { class: "tag tag-warn" }, "running");
    const hint = h("span", { class: "hint" }, `over ${way}`);
    const card = h("article", { class: "card" }, h("header", { class: "card-head" }, h("strong", {}, called), tag, hint));
    $("action-empty").hidden = true;
    $("action-results").prepend(card);
    while ($("action-results").children.length > 8) $("action-results").lastChild.remove();
    const start = performance.now();
    const done = (kind, word, value) => {
      tag.className = `tag tag-${kind}`;
      tag.textContent = word;
      hint.textContent = `${duration(performance.now() - start)} over ${way}`;
      card.append(jsonView(value));
    };
    try {
      done("good", "OK", await client.action(called, given));
    } catch (error) {
      const { code, message, mayHaveRun, response } = error;
      done("bad", code, response ?? { code, message, mayHaveRun });
      if (called === name.value.trim()) blame(response?.error);
    }
  });

  const way = () => {
    const open = client.state === "connected";
    $("action-via").textContent = open ? "Goes over the open connection" : "No connection: is tried over HTTP";
  };
  client.on("state", way);
  client.on("connected", load);
  client.once("error", offer);
  $("actions-reload").addEventListener("click", load);
  way();
  offer();
}
