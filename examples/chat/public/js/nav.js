const listeners = [];

/** The selected panel. Wide pages show others beside it. */
export const panel = () => document.body.dataset.panel;

/** Calls `fn` when another panel is selected. */
export const onPanel = (fn) => listeners.push(fn);

/** Initializes the tabs. */
export function startNav() {
  const buttons = [...document.querySelectorAll(".tabs button")];
  // A tool is always open beside the chat: mark it, where its tab is the first visible one.
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
