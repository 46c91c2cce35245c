import { h } from "./dom.js";

// Rooms know connections, not people. Each client announces its name.
const names = new Map();

/** Stores the name of a client. Returns `true` if it is new. */
export function learn(id, name) {
  if (typeof name !== "string" || !name.trim() || names.get(id) === name) return false;
  names.set(id, name.trim().slice(0, 24));
  return true;
}

/** Returns the name of a client. */
export const nameOf = (id) => (id === 0 ? "Server" : (names.get(id) ?? `Guest ${String(id).slice(0, 4)}`));

/** A disc with the initial and a colour for the client: green, blue or violet. */
export function avatar(id, small) {
  let hash = 0;
  for (const char of nameOf(id)) hash = (hash * 31 + char.codePointAt(0)) >>> 0;
  const initial = [...nameOf(id)][0]?.toUpperCase() ?? "?";
  return h(
    "span",
    { class: small ? "avatar avatar-small" : "avatar", "aria-hidden": "true", "--hue": String(165 + (hash % 200)) },
    id === 0 ? "✦" : initial,
  );
}
