// Runs before the first paint, so that the selected theme does not flash.
(() => {
  const root = document.documentElement;
  const light = matchMedia("(prefers-color-scheme: light)");
  const kept = () => {
    try {
      return localStorage.getItem("stellar.theme");
    } catch {
      return null;
    }
  };
  const chosen = kept();
  if (chosen === "light" || chosen === "dark") root.dataset.theme = chosen;
  addEventListener("DOMContentLoaded", () => {
    document.getElementById("theme").addEventListener("click", () => {
      const now = root.dataset.theme ?? (light.matches ? "light" : "dark");
      root.dataset.theme = now === "light" ? "dark" : "light";
      try {
        localStorage.setItem("stellar.theme", root.dataset.theme);
      } catch {
        // Storage may be blocked; the theme then lasts until the page is closed.
      }
    });
  });
})();
