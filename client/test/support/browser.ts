import type { TestContext } from "node:test";

/** Stands in for what a browser says about its network and its page. */
export function browser(t: TestContext) {
  const page = Object.assign(new EventTarget(), { visibilityState: "visible" });
  const window = new EventTarget();
  const network = { onLine: true };
  const put = (name: string, value: unknown) => {
    const before = Object.getOwnPropertyDescriptor(globalThis, name);
    Object.defineProperty(globalThis, name, { value, configurable: true });
    t.after(() => {
      if (before) Object.defineProperty(globalThis, name, before);
      else delete (globalThis as any)[name];
    });
  };
  // As in a browser, where it bubbles.
  page.addEventListener("visibilitychange", ({ type }) => window.dispatchEvent(new Event(type)));
  put("navigator", network);
  put("document", page);
  put("addEventListener", window.addEventListener.bind(window));
  put("removeEventListener", window.removeEventListener.bind(window));
  return {
    turn(onLine: boolean) {
      network.onLine = onLine;
      window.dispatchEvent(new Event(onLine ? "online" : "offline"));
    },
    wake: () => page.dispatchEvent(new Event("visibilitychange")),
  };
}
