import { h } from "./dom.js";

const tokens = /("(?:[^"\\]|\\.)*")(\s*:)?|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|\b(true|false|null)\b/g;

/** Returns a value as indented, coloured JSON. */
export function jsonView(value) {
  const text = JSON.stringify(value, null, 2) ?? String(value);
  const pre = h("pre", { class: "json" });
  let end = 0;
  for (const match of text.matchAll(tokens)) {
    const [whole, string, colon, number] = match;
    const kind = string ? (colon ? "key" : "string") : number ? "number" : "word";
    pre.append(text.slice(end, match.index), h("span", { class: `json-${kind}` }, string ?? whole), colon ?? "");
    end = match.index + whole.length;
  }
  pre.append(text.slice(end));
  return pre;
}

/** Returns a value on one short line. */
export function jsonLine(value) {
  const text = typeof value === "string" ? value : (JSON.stringify(value) ?? "");
  return text.length > 160 ? `${text.slice(0, 160)}…` : text;
}
