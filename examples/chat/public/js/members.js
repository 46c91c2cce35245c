import { $, h } from "./dom.js";
import { avatar, nameOf } from "./people.js";

/** Who is in the room that is looked at. */
export function startMembers(client) {
  let room = null;
  let ids = [];
  let known = false;
  let asked = 0;
  let soon;

  function render() {
    const mine = (id) => id === client.id;
    const sorted = [...ids].sort((a, b) => mine(b) - mine(a) || nameOf(a).localeCompare(nameOf(b)));
    $("members-count").textContent = String(ids.length);
    // Of a room that is looked at for the first time nothing is known yet.
    $("members-count").hidden = !known;
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
      known = true;
      render();
    } catch {
      // The next round asks again; what failed is in the events.
    }
  }

  // Rooms do not tell who comes and goes without a word, so ask now and then: seldom where the answer
  // is long.
  setInterval(() => {
    const pause = ids.length > 100 ? 10_000 : 2500;
    if (!document.hidden && Date.now() - asked >= pause) void refresh();
  }, 500);
  document.addEventListener("visibilitychange", () => document.hidden || refresh());
  client.on("reconnect", () => refresh());
  client.on("say", ({ from, room: where }) => {
    // Somebody is here who came without a word. One question for all who speak at once.
    if (where !== room || from === 0 || ids.includes(from) || soon) return;
    soon = setTimeout(() => {
      soon = undefined;
      void refresh();
    }, 200);
  });

  return {
    /** Shows the members of another room. */
    show(next) {
      room = next;
      ids = [];
      known = false;
      render();
      void refresh();
    },
    refresh,
    render,
    /** How many are in a room, as far as is known. */
    count: (which) => (which === room ? ids.length : 0),
  };
}
