import { clock, h } from "./dom.js";
import { avatar, nameOf } from "./people.js";

/** A message on the page. `mark` shows the state of its delivery. */
export function messageView({ from, name, own, text, at }) {
  const note = h("p", { class: "message-note", hidden: true });
  const element = h(
    "div",
    { class: own ? "message own" : "message" },
    avatar(from),
    h(
      "p",
      { class: "message-head" },
      h("strong", {}, name ?? nameOf(from)),
      h("time", { datetime: new Date(at).toISOString() }, clock(at)),
    ),
    h("p", { class: "message-body" }, text),
    note,
  );
  return {
    element,
    own,
    from,
    at,
    /** Hides the header if the previous message is recent and from the same sender. */
    follow(before) {
      element.classList.toggle("follows", before?.from === from && at - before.at < 180_000);
    },
    mark(state, label = "", retry) {
      element.classList.toggle("waiting", state === "waiting");
      element.classList.toggle("failed", state === "failed");
      note.hidden = !label;
      note.replaceChildren(label);
      if (retry) {
        note.append(
          h("button", { type: "button", class: "button button-small button-quiet", onclick: retry }, "Send again"),
        );
      }
    },
  };
}

/** A line between messages about the room or the connection. */
export function line(text) {
  return { element: h("div", { class: "line" }, `${text}, ${clock(Date.now())}`), own: true, follow() {} };
}
