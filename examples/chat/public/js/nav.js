const listeners = [];

/** Which panel is chosen. On wide pages others are seen beside it. */
export const panel = () => document.body.dataset.panel;

/** Calls `fn` when another panel is chosen. */
export const onPanel = (fn) => listeners.push(fn);

/** Makes the tabs work. */
export function startNav() {
  const buttons = [...document.querySelectorAll(".tabs button")];
  // Beside the chat a tool is always open: say which, where its tab is the first that is seen.
  const mark = () => {
    const seen = buttons.filter((button) => button.offsetParent);
    const current = seen.find((button) => button.dataset.panel === panel()) ?? seen[0];
    for (const button of buttons) button.setAttribute("aria-current", String(button === current));
  };
  for (const button of buttons) {
    button.addEventListener("click", () => {
      document.body.dataset.panel = button.dataset.panel;
      mark();
      for (const listener of listeners) listener(panel());
    });
  }
  addEventListener("resize", mark);
  mark();
}
