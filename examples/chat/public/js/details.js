import { $, h, toast } from "./dom.js";
import { onPanel } from "./nav.js";
import { engineOf } from "./status.js";

/** The server's view of the connection. */
export function startDetails(client) {
  function show(details) {
    $("details-empty").hidden = true;
    const rows = (pairs) =>
      h(
        "dl",
        { class: "facts" },
        ...pairs.flatMap(([term, ...value]) => [h("dt", {}, term), h("dd", {}, ...value)]),
      );
    const copy = (text) =>
      h(
        "button",
        {
          type: "button",
          class: "button button-small copy",
          "aria-label": `Copy ${text}`,
          onclick: () => navigator.clipboard?.writeText(text).then(() => toast("Copied"), () => toast("Copying is not allowed here")),
        },
        "Copy",
      );
    const { id, fingerprint, remoteIP, remotePort, connectedAt, rooms, totalActions, pendingActions } = details;
    $("details-result").replaceChildren(
      h(
        "div",
        { class: "card" },
        rows([
          ["Id", h("code", {}, id), copy(id)],
          ["Fingerprint", fingerprint ? h("code", {}, fingerprint) : "none", fingerprint ? copy(fingerprint) : null],
          ["Address", `${remoteIP} port ${remotePort}`],
          ["Connected", new Date(connectedAt).toLocaleString()],
          ["Rooms", rooms.length ? rooms.join(", ") : "none"],
          ["Actions called", String(totalActions)],
          ["Actions running", String(pendingActions)],
        ]),
      ),
      h(
        "div",
        { class: "card" },
        rows([
          ["Greeting", client.welcomeMessage ?? "none"],
          ["Engine", engineOf(client)],
          ["Client", client.options.version ?? "unknown"],
          ["Codec", client.options.parser ?? "json"],
          ["Server pings", `every ${client.options.pingInterval / 1000} s`],
        ]),
      ),
    );
  }

  client.on("connected", (details) => details && show(details));
  async function ask(said) {
    try {
      show((await client.detailsView({ timeout: 8000 })).data);
      if (said) toast("Up to date");
    } catch (error) {
      if (said) toast(`No answer: ${error.message}`);
    }
  }
  onPanel((panel) => panel === "details" && client.state === "connected" && ask(false));
  $("details-reload").addEventListener("click", () => ask(true));
}
