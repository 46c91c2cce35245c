import { $, h } from "./dom.js";
import { avatar, nameOf } from "./people.js";

/** The members of the selected room. */
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
    // The members of a newly selected room are not known yet.
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
      // The next round retries; the list of events shows the failure.
    }
  }

  // Rooms send no event for silent members, so poll the members: less often in large rooms.
  setInterval(() => {
    const pause = ids.length > 100 ? 10_000 : 2500;
    if (!document.hidden && Date.now() - asked >= pause) void refresh();
  }, 500);
  document.addEventListener("visibilitychange", () => document.hidden || refresh());
  client.on("reconnect", () => refresh());
  client.on("say", ({ from, room: where }) => {
    // An unknown member has sent a message. One request covers concurrent messages.
    if (where !== room || from === 0 || ids.includes(from) || soon) return;
    soon = setTimeout(() => {
      soon = undefined;
      void refresh();
    }, 200);
  });

  return {
    /** Shows the members of a room. */
    show(next) {
      room = next;
      ids = [];
      known = false;
      render();
      void refresh();
    },
    refresh,
    render,
    /** Returns the known number of members of a room. */
    count: (which) => (which === room ? ids.length : 0),
  };
}
