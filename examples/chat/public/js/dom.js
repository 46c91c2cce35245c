/** Returns the element with an id. */
export const $ = (id) => document.getElementById(id);

/**
 * Makes an element. Children are nodes or text, and text is only ever text: nothing that
 * came over the network is read as markup.
 */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value == null || value === false) continue;
    if (name === "class") element.className = value;
    else if (name === "dataset") Object.assign(element.dataset, value);
    else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name.startsWith("--")) element.style.setProperty(name, value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child != null && child !== false));
  return element;
}

/** Formats a time of day, with seconds or milliseconds. */
export function clock(date, fraction = false) {
  const time = new Date(date).toTimeString().slice(0, fraction ? 8 : 5);
  return fraction ? `${time}.${String(new Date(date).getMilliseconds()).padStart(3, "0")}` : time;
}

/** Formats a duration for a label. */
export const duration = (ms) => (ms < 9950 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`);

/** Formats a size. */
export const size = (bytes) =>
  bytes < 1024 ? `${bytes} bytes` : `${(bytes / 1024).toFixed(1)} KiB (${bytes} bytes)`;

/** Shows or clears the error under a field. */
export function fieldError(element, input, text) {
  element.textContent = text ?? "";
  element.hidden = !text;
  if (text) input.setAttribute("aria-invalid", "true");
  else input.removeAttribute("aria-invalid");
}

/**
 * Keeps a list at its end while new items come and its size changes, unless it was scrolled
 * away from the end.
 */
export function stickToEnd(list, moved = () => {}) {
  let stick = true;
  const end = () => (list.scrollTop = list.scrollHeight);
  list.addEventListener("scroll", () => {
    if (!list.clientHeight) return;
    stick = list.scrollHeight - list.scrollTop - list.clientHeight < 50;
    moved(stick);
  });
  new ResizeObserver(() => stick && end()).observe(list);
  return {
    /** Call after adding an item: scrolls to it, or shows that there are new items. */
    added: () => (stick && end(), stick),
    /** Scrolls to the end and follows new items. */
    end() {
      stick = true;
      end();
      moved(true);
    },
  };
}

let toastTimer;
/** Shows a short notice. */
export function toast(text) {
  const element = $("toast");
  element.textContent = text;
  element.hidden = false;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => (element.hidden = true), 2200);
}

/** Persists a value on this device, if storage is available. */
export const memory = {
  get(key) {
    try {
      return localStorage.getItem(`stellar.${key}`);
    } catch {
      return null;
    }
  },
  set(key, value) {
    try {
      localStorage.setItem(`stellar.${key}`, value);
    } catch {
      // Storage may be blocked; the page works without it.
    }
  },
};
