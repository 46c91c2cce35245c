import { $, h } from "./dom.js";
import { avatar, nameOf } from "./people.js";

/** Who is in the room that is looked at. */
export function startMembers(client) {
  let room = null;
  let ids = [];
  let asked = 0;

  function render() {
    const mine = (id) => id === client.id;
    const sorted = [...ids].sort((a, b) => mine(b) - mine(a) || nameOf(a).localeCompare(nameOf(b)));
    $("members-count").textContent = String(ids.length);
    $("members").replaceChildren(
      ...sorted.map((id) =>
        h(
          "li",
          { title: id },
          avatar(id, true),
          h("span", { class: "member-name" }, nameOf(id)),
          mine(id) && h("span", { class: "you" }, "(you)"),
        ),
      ),
    );
  }

  async function refresh(which = room) {
    if (!room || which !== room || client.state !== "connected") return;
    asked = Date.now();
    try {
      const { members } = await client.roomView(room, { timeout: 8000 });
      if (which !== room) return;
      ids = Object.keys(members);
      render();
    } catch {
      // The next round asks again; what failed is in the events.
    }
  }

  // Rooms do not tell who comes and goes without a word, so ask now and then.
  setInterval(() => {
    if (!document.hidden && Date.now() - asked > 9000) void refresh();
  }, 2000);
  client.on("reconnect", () => refresh());

  return {
    /** Shows the members of another room. */
    show(next) {
      room = next;
      ids = [];
      render();
      void refresh();
    },
    refresh,
    render,
    /** How many are in a room, as far as is known. */
    count: (which) => (which === room ? ids.length : 0),
  };
}
