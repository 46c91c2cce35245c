import { startActions } from "./actions.js";
import { startChat } from "./chat.js";
import { startDetails } from "./details.js";
import { $, toast } from "./dom.js";
import { startEvents } from "./events.js";
import { startFiles } from "./files.js";
import { startNav } from "./nav.js";
import { BreakableWebSocket } from "./network.js";
import { startStatus } from "./status.js";

const Client = globalThis.StellarClient;
if (!Client) {
  $("status-text").textContent = "The client script did not load";
  $("status").dataset.state = "refused";
  $("banner-text").textContent =
    "This page needs the script that the server serves at /stellar-client. Is the server running?";
  $("banner").dataset.kind = "bad";
  $("banner").hidden = false;
  document.querySelector("main").inert = $("break").disabled = $("connect").disabled = true;
  $("retry").textContent = "Reload";
  $("retry").addEventListener("click", () => location.reload());
} else {
  const client = new Client({ WebSocket: BreakableWebSocket });
  startNav();
  // The list of events comes first, so that it shows every event.
  startEvents(client);
  startStatus(client);
  startChat(client);
  startActions(client);
  startFiles(client);
  startDetails(client);
  client.on("alert", ({ context, ...alert }) => toast(alert.text ?? JSON.stringify(alert)));
  client.connect();
}
