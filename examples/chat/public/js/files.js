import { $, duration, h, size } from "./dom.js";

const samples = ["hello.txt", "logo.svg", "favicon.png", "missing.txt"];

/** Requests files and shows them. */
export function startFiles(client) {
  let shown;
  let latest = 0;

  async function request(path) {
    const turn = ++latest;
    const start = performance.now();
    const tag = h("span", { class: "tag tag-warn" }, client.state === "connected" ? "asking" : "waits for the connection");
    const hint = h("span", { class: "hint" });
    const card = h("article", { class: "card" }, h("header", { class: "card-head" }, h("strong", {}, path), tag, hint));
    $("file-empty").hidden = true;
    $("file-result").replaceChildren(card);
    const finish = (kind, word, ...parts) => {
      if (turn !== latest) return;
      tag.className = `tag tag-${kind}`;
      tag.textContent = word;
      hint.textContent = duration(performance.now() - start);
      card.append(...parts);
    };
    try {
      const file = await client.file(path, { as: "bytes" });
      finish("good", "OK", preview(file, path), facts(file));
    } catch (error) {
      const meta = error.response && { mime: error.response.mime, length: error.response.length };
      finish("bad", error.code, h("p", { class: "preview-text" }, error.message), meta ? facts(meta) : "");
    }
  }

  /** Shows images as images and text as text. An image element cannot run scripts. */
  function preview({ content, mime }, path) {
    if (shown) URL.revokeObjectURL(shown);
    shown = null;
    if (mime.startsWith("image/")) {
      shown = URL.createObjectURL(new Blob([content], { type: mime }));
      return h("div", { class: "preview" }, h("img", { src: shown, alt: `Preview of ${path}` }));
    }
    try {
      const text = new TextDecoder("utf-8", { fatal: true }).decode(content);
      return h("pre", { class: "preview-text", tabindex: "0" }, text.slice(0, 20_000) || "(empty)");
    } catch {
      return h("p", { class: "preview-text hint" }, "Bytes that are neither text nor an image");
    }
  }

  function facts({ mime, length, lastModified, encoding }) {
    const rows = [
      ["Type", mime],
      ["Length", length == null ? null : size(length)],
      ["Last modified", lastModified && new Date(lastModified).toLocaleString()],
      ["Travelled as", encoding ?? (lastModified ? "text" : null)],
    ];
    return h(
      "dl",
      { class: "facts" },
      ...rows.flatMap(([term, value]) => (value ? [h("dt", {}, term), h("dd", {}, value)] : [])),
    );
  }

  $("file-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const path = $("file-path").value.trim();
    if (path) void request(path);
  });
  $("file-chips").replaceChildren(
    ...samples.map((path) =>
      h(
        "button",
        {
          type: "button",
          class: "chip",
          onclick: () => {
            $("file-path").value = path;
            void request(path);
          },
        },
        path,
      ),
    ),
  );
}
