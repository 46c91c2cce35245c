// What the page does: theme, contents, filter, and the forms' calls over one live connection.
// Nothing that came from a server is read as markup, and nothing is loaded from elsewhere.
(() => {
  "use strict";
  const root = document.documentElement;
  root.classList.add("js");
  const $ = (id) => document.getElementById(id);
  const memory = {
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
        // Storage may be forbidden; the page works without.
      }
    },
  };

  // At once, so that a chosen theme does not flash.
  const chosen = memory.get("theme");
  if (chosen === "light" || chosen === "dark") root.dataset.theme = chosen;

  function element(tag, className, text) {
    const made = document.createElement(tag);
    made.className = className;
    made.textContent = text;
    return made;
  }

  const tokens =
    /("(?:[^"\\]|\\.)*")(\s*:)?|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|\b(true|false|null)\b/g;

  /** Puts JSON into an element, its parts in colour. */
  function paint(target, text) {
    target.replaceChildren();
    let end = 0;
    for (const match of text.matchAll(tokens)) {
      const [whole, string, colon, number] = match;
      const kind = string ? (colon ? "key" : "string") : number ? "number" : "word";
      target.append(text.slice(end, match.index), element("span", `json-${kind}`, string ?? whole));
      target.append(colon ?? "");
      end = match.index + whole.length;
    }
    target.append(text.slice(end));
  }

  function pretty(value) {
    const long = JSON.stringify(value, null, 2);
    const line = long
      .replace(/\[\n\s*/g, "[")
      .replace(/\n\s*\]/g, "]")
      .replace(/\n\s*/g, " ");
    return line.length <= 64 ? line : long;
  }

  // ---- Theme, contents, filter

  function startTheme() {
    const light = matchMedia("(prefers-color-scheme: light)");
    $("theme").addEventListener("click", () => {
      const now = root.dataset.theme ?? (light.matches ? "light" : "dark");
      root.dataset.theme = now === "light" ? "dark" : "light";
      memory.set("theme", root.dataset.theme);
    });
  }

  function startContents() {
    const button = $("contents");
    const show = (open) => {
      button.setAttribute("aria-expanded", String(open));
      root.classList.toggle("contents-open", open);
    };
    button.addEventListener("click", () => {
      const open = button.getAttribute("aria-expanded") !== "true";
      show(open);
      if (open) $("filter").focus();
    });
    $("side").addEventListener("click", (event) => event.target.closest("a") && show(false));
    addEventListener("keydown", (event) => {
      if (event.key === "Escape" && root.classList.contains("contents-open")) {
        show(false);
        button.focus();
      }
    });
  }

  /** Marks in the contents what is being read. */
  function startMarks() {
    const links = new Map(
      [...$("side").querySelectorAll('a[href^="#"]')].map((link) => [link.hash.slice(1), link]),
    );
    const parts = [...document.querySelectorAll("article.action, section.protocol")];
    let marked;
    const mark = () => {
      const seen = parts.filter((part) => !part.hidden && part.getBoundingClientRect().top < 160);
      const link = links.get(seen.at(-1)?.id);
      if (link === marked) return;
      marked?.removeAttribute("aria-current");
      marked = link;
      marked?.setAttribute("aria-current", "true");
      // Only the contents scroll, never the page.
      const side = $("side");
      if (marked && side.scrollHeight > side.clientHeight && matchMedia("(min-width: 901px)").matches) {
        const [box, frame] = [marked.getBoundingClientRect(), side.getBoundingClientRect()];
        if (box.top < frame.top + 90) side.scrollTop -= frame.top + 90 - box.top;
        if (box.bottom > frame.bottom) side.scrollTop += box.bottom - frame.bottom + 20;
      }
    };
    let asked = false;
    addEventListener(
      "scroll",
      () => {
        if (asked) return;
        asked = true;
        requestAnimationFrame(() => {
          asked = false;
          mark();
        });
      },
      { passive: true },
    );
    mark();
  }

  function startFilter() {
    const field = $("filter");
    const articles = [...document.querySelectorAll("article.action")];
    const texts = new Map(
      articles.map((article) => {
        const parts = article.querySelectorAll("h3, .about, .field-head label, .field .notes, .tag");
        return [article, [...parts].map((part) => part.textContent).join(" ").toLowerCase()];
      }),
    );
    const links = new Map(
      [...document.querySelectorAll("[data-action]")].map((link) => [link.dataset.action, link]),
    );
    function filter() {
      const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
      let count = 0;
      for (const article of articles) {
        const found = words.every((word) => texts.get(article).includes(word));
        article.hidden = !found;
        links.get(article.id).parentElement.hidden = !found;
        count += found;
      }
      for (const group of document.querySelectorAll("section.group")) {
        const own = [...group.querySelectorAll("article.action")];
        if (own.length) group.hidden = own.every((article) => article.hidden);
      }
      for (const group of document.querySelectorAll(".side-group")) {
        const own = [...group.querySelectorAll("[data-action]")];
        if (own.length) group.hidden = own.every((link) => link.parentElement.hidden);
      }
      for (const part of document.querySelectorAll(".intro, .protocol")) {
        part.hidden = words.length > 0;
      }
      $("filter-count").textContent = words.length ? `${count} of ${articles.length}` : "";
      if ($("filter-empty")) $("filter-empty").hidden = count > 0 || !words.length;
    }
    field.addEventListener("input", () => {
      filter();
      scrollTo({ top: 0 });
    });
    field.addEventListener("keydown", (event) => {
      if (event.key === "Enter") {
        const first = articles.find((article) => !article.hidden);
        if (first) links.get(first.id).click();
      } else if (event.key === "Escape" && field.value) {
        event.stopPropagation();
        field.value = "";
        filter();
      }
    });
    addEventListener("keydown", (event) => {
      const typing = event.target.closest?.("input, textarea, select");
      if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      if (!field.offsetParent) $("contents").click();
      field.focus();
      field.select();
    });
    addEventListener("hashchange", () => {
      // A link to what the filter hides shows everything again.
      const wanted = document.getElementById(location.hash.slice(1));
      if (!wanted?.closest("[hidden]")) return;
      field.value = "";
      filter();
      wanted.scrollIntoView();
    });
    if (field.value) filter();
  }

  function startCopying() {
    for (const code of document.querySelectorAll("pre.code")) {
      const button = element("button", "copy", "Copy");
      button.type = "button";
      button.addEventListener("click", async () => {
        try {
          await navigator.clipboard.writeText(code.textContent);
          button.textContent = "Copied";
        } catch {
          getSelection().selectAllChildren(code);
          button.textContent = "Selected";
        }
        setTimeout(() => (button.textContent = "Copy"), 1800);
      });
      code.after(button);
    }
    for (const code of document.querySelectorAll("pre.json")) paint(code, code.textContent);
  }

  // ---- The connection

  /** Where the server is mounted: what stands before the page's own path. */
  const prefix = location.pathname.replace(/\/docs\/?$/, "");

  function makeClient(more = {}) {
    const { path, api } = document.body.dataset;
    const client = new StellarClient({
      path: prefix + path,
      api: prefix + api,
      // What the page was asked for with goes along, such as a token.
      query: { ...Object.fromEntries(new URLSearchParams(location.search)), ...more },
    });
    client.on("error", () => {});
    return client;
  }

  const texts = {
    idle: "Not connected",
    connecting: "Connecting",
    reconnecting: "Reconnecting",
    offline: "No network",
    closed: "Closed",
    refused: "Refused",
  };

  const tell = (state, text, more = "") => {
    $("status").dataset.state = state;
    $("status-text").replaceChildren(text, element("span", "status-more", more));
  };

  /** The page's one connection. Another takes its place when a token is given. */
  class Connection {
    /** The client, or null where none can be made. */
    client = null;
    /** What goes along with the page's own query. */
    query = {};

    open(query = this.query) {
      this.query = query;
      this.client?.disconnect();
      this.client = null;
      let client;
      try {
        client = makeClient(query);
      } catch (error) {
        return tell("refused", "No connection", `: ${error.message}`);
      }
      this.client = client;
      const state = () => {
        if (client !== this.client) return;
        const { state, transport } = client;
        if (state === "connected") tell(state, "Connected", ` over ${transport?.name ?? "?"}`);
        // Whether the server can be reached at all is seen when it is tried.
        else tell(state, texts[state], ": calls are tried over HTTP");
      };
      client.on("state", state);
      client.on("connected", state);
      client.on("reconnect", state);
      state();
      client.connect().catch(() => {});
    }

    /**
     * Calls an action that has no answer. It would be waited for in vain, and keep a place among the
     * calls of its connection, so it has a connection of its own for a moment.
     */
    async callOnce(name, params) {
      const client = makeClient(this.query);
      try {
        await client.connect();
        return await client.action(name, params, { timeout: 1_500 });
      } finally {
        client.disconnect();
      }
    }
  }

  /** Lets a token be given. It is kept in no storage and in no address but the connection's own. */
  function startToken(connection) {
    const form = $("token-form");
    form.hidden = false;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const value = $("token").value;
      connection.open(value ? { [$("token-name").value.trim()]: value } : {});
    });
  }

  // ---- Forms

  /** What one field holds: nothing when it is left empty. */
  function read(field) {
    const { kind } = field.dataset;
    const text = field.value;
    if (text === "") return undefined;
    if (kind === "text") return text;
    if (kind === "choice") return JSON.parse(text);
    try {
      // A number that is none is sent as it was typed: the server then says what is wrong.
      const value = JSON.parse(text);
      // Meant as a text, though it might be a list: digits are one, too.
      if (kind === "words" && !Array.isArray(value)) return text;
      return kind === "number" && typeof value !== "number" ? text : value;
    } catch {
      return text;
    }
  }

  /** The parameters of a form; throws when what is to be JSON is not. */
  function collect(form) {
    const pairs = [];
    for (const field of form.querySelectorAll("[data-key]")) {
      const value = read(field);
      if (value !== undefined) pairs.push([JSON.parse(field.dataset.key), value]);
    }
    const text = form.querySelector("[data-more]").value.trim();
    const more = text ? JSON.parse(text) : {};
    if (!more || typeof more !== "object" || Array.isArray(more)) {
      throw new Error("an object is needed");
    }
    return Object.fromEntries([...pairs, ...Object.entries(more)]);
  }

  const quote = (text) => `'${text.replaceAll("'", "'\\''")}'`;

  /** The ways to make a call, in text. */
  function words(kind, name, params) {
    const empty = !Object.keys(params).length;
    const own = JSON.stringify(name);
    if (kind === "client") {
      return `await client.action(${own}${empty ? "" : `, ${pretty(params)}`})`;
    }
    if (kind === "message") {
      const named = Object.fromEntries([["action", name], ...Object.entries(params)]);
      return pretty({ event: "action", params: named });
    }
    const { api } = document.body.dataset;
    const url = `${location.origin}${prefix}${api.replace(/\/$/, "")}/${encodeURIComponent(name)}`;
    const lines = [`curl -X POST ${quote(url)}`];
    if (!empty) lines.push("-H 'Content-Type: application/json'", `-d ${quote(JSON.stringify(params))}`);
    return lines.join(" \\\n  ");
  }

  function startForm(article, connection) {
    const form = article.querySelector("form.try");
    const name = JSON.parse(article.dataset.name);
    const { version } = article.dataset;
    const asked = version ? { apiVersion: Number(version) } : {};
    const renders = article.dataset.renders === "true";
    const [fault, result] = [form.querySelector(".form-error"), form.querySelector(".result")];
    const [button, hint] = [form.querySelector('[type="submit"]'), form.querySelector(".row .hint")];
    const more = form.querySelector("[data-more]");
    hint.textContent = "";
    button.disabled = !connection.client;

    const fields = new Map(
      [...form.querySelectorAll("[data-field]")].map((field) => [JSON.parse(field.dataset.field), field]),
    );

    /** Shows what is wrong with a field, or that nothing is. */
    function mark(field, text) {
      const [control, note] = [field.querySelector("[data-key]"), field.querySelector(".field-error")];
      note.textContent = text ?? "";
      note.hidden = !text;
      const described = (control.getAttribute("aria-describedby") ?? "").split(" ");
      const others = described.filter((id) => id && id !== note.id);
      if (text) control.setAttribute("aria-invalid", "true");
      else control.removeAttribute("aria-invalid");
      const ids = text ? [...others, note.id] : others;
      if (ids.length) control.setAttribute("aria-describedby", ids.join(" "));
      else control.removeAttribute("aria-describedby");
    }

    /** Shows all that an answer says is wrong: at its fields, and of the others under them. */
    function blame(error) {
      const sentence = (value) => (typeof value === "string" ? value : value?.message);
      const isObject = error && typeof error === "object" && !Array.isArray(error);
      // One error as a whole, unless there are inputs of these very names.
      const isOne = typeof error?.code === "string" && typeof error?.message === "string";
      const isWhole = isOne && !(fields.has("code") && fields.has("message"));
      const faults =
        isObject && !isWhole
          ? Object.entries(error).filter(([, value]) => typeof sentence(value) === "string")
          : [];
      const own = new Map(faults);
      for (const [key, field] of fields) mark(field, own.has(key) ? sentence(own.get(key)) : undefined);
      const others = faults.filter(([key]) => !fields.has(key));
      fault.textContent = others.map(([, value]) => sentence(value)).join(" ");
      fault.hidden = !others.length;
      const first = [...fields].find(([key]) => own.has(key))?.[1];
      first?.querySelector("[data-key]").focus();
      return faults.length;
    }

    for (const field of fields.values()) {
      field.addEventListener("input", () => mark(field));
    }

    /** The parameters, or null with the reason shown. */
    function given() {
      try {
        const params = { ...asked, ...collect(form) };
        fault.hidden = true;
        more.removeAttribute("aria-invalid");
        return params;
      } catch (error) {
        fault.textContent = `This is not JSON: ${error.message}`;
        fault.hidden = false;
        more.setAttribute("aria-invalid", "true");
        more.closest("details").open = true;
        return null;
      }
    }

    for (const call of article.querySelectorAll("[data-call]")) {
      const kind = call.dataset.call;
      const code = call.querySelector("pre");
      if (kind === "http") {
        const shown = call.querySelector("pre").textContent.split("\n\n")[1] ?? "{}";
        code.textContent = words(kind, name, JSON.parse(shown));
      }
      form.addEventListener("input", () => {
        try {
          code.textContent = words(kind, name, { ...asked, ...collect(form) });
        } catch {
          // Half of a JSON text: what was shown stays until it is whole.
        }
      });
    }

    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const params = given();
      if (!params) return more.focus();
      blame(null);
      const { client } = connection;
      if (!client) return;
      const open = client.state === "connected";
      const way = open ? (client.transport?.name ?? "the connection") : "HTTP";
      const card = element("div", "card answer", "");
      const head = element("div", "card-head", "");
      const tag = element("span", "tag tag-warn", "running");
      const note = element("span", "hint", `over ${way}`);
      head.append(tag, note);
      card.append(head);
      result.replaceChildren(card);
      button.disabled = true;
      const start = performance.now();
      const done = (kind, word, value) => {
        button.disabled = false;
        tag.className = `tag tag-${kind}`;
        tag.textContent = word;
        note.textContent = `${Math.round(performance.now() - start)} ms over ${way}`;
        if (value === undefined) return;
        const code = element("pre", "code json", "");
        code.tabIndex = 0;
        paint(code, JSON.stringify(value, null, 2) ?? String(value));
        card.append(code);
        card.scrollIntoView({ block: "nearest" });
      };
      try {
        const called = renders
          ? client.action(name, params, { timeout: 120_000 })
          : connection.callOnce(name, params);
        done("good", "OK", await called);
      } catch (error) {
        const { code, message, response } = error;
        if (!renders && code === "timeout") done("good", "sent");
        else {
          const value = response ?? { code, message };
          done("bad", code ?? "error", value);
          // An input may be called as the code of an error is.
          if (blame(response?.error)) tag.textContent = "error";
        }
      }
    });
    form.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
    });
  }

  /** One way to call at a time, chosen for all actions at once. */
  function startCalls() {
    const wanted = () => memory.get("docs.call") ?? "client";
    const groups = [...document.querySelectorAll(".calls")].map((calls) => {
      const parts = [...calls.querySelectorAll("[data-call]")];
      const bar = element("div", "tabs", "");
      bar.setAttribute("role", "group");
      bar.setAttribute("aria-label", "Ways to call it");
      for (const part of parts) {
        const title = part.querySelector("h4");
        const button = element("button", "", title.textContent);
        button.type = "button";
        button.dataset.show = part.dataset.call;
        title.hidden = true;
        bar.append(button);
      }
      calls.prepend(bar);
      return { parts, bar };
    });
    const show = () => {
      for (const { parts, bar } of groups) {
        const some = parts.some((part) => part.dataset.call === wanted());
        const chosen = some ? wanted() : "client";
        for (const part of parts) part.hidden = part.dataset.call !== chosen;
        for (const button of bar.children) {
          button.setAttribute("aria-pressed", String(button.dataset.show === chosen));
        }
      }
    };
    addEventListener("click", (event) => {
      const button = event.target.closest?.(".calls .tabs button");
      if (!button) return;
      const before = button.getBoundingClientRect().top;
      memory.set("docs.call", button.dataset.show);
      show();
      // Samples above may have changed their height: what was clicked stays under the pointer.
      scrollBy(0, button.getBoundingClientRect().top - before);
    });
    show();
  }

  addEventListener("DOMContentLoaded", () => {
    startTheme();
    startContents();
    startFilter();
    startMarks();
    const connection = new Connection();
    connection.open();
    startToken(connection);
    for (const article of document.querySelectorAll("article.action")) startForm(article, connection);
    startCalls();
    startCopying();
  });
})();
