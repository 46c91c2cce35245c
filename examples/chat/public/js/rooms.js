import { $, fieldError, h } from "./dom.js";

/** The rooms of the connection, and the selected one. */
export function startRooms(client, { chosen, joined, left }) {
  let current = null;
  const unread = new Map();
  const error = (text) => fieldError($("join-error"), $("join-room"), text);

  function choose(room) {
    current = room;
    unread.delete(room);
    render();
    chosen(room);
  }

  function render() {
    // While disconnected there are none; the client rejoins these.
    const rooms = client.state === "connected" ? client.rooms : client.wanted;
    if (current && !rooms.includes(current) && client.state === "connected") return choose(rooms[0] ?? null);
    $("rooms").replaceChildren(
      ...rooms.map((room) =>
        h(
          "button",
          { type: "button", class: "room-tab", "aria-pressed": String(room === current), onclick: () => choose(room) },
          room,
          unread.has(room) && h("span", { class: "count", "aria-label": "unread" }, String(unread.get(room))),
        ),
      ),
    );
  }

  async function join(room) {
    if (client.rooms.includes(room)) return choose(room);
    try {
      await client.roomAdd(room, { timeout: 15_000 });
      error();
      choose(room);
      joined(room);
      return true;
    } catch (failure) {
      error(
        failure.code === "019"
          ? `There is no room called “${room}” on this server.`
          : `Could not join “${room}”: ${failure.message}`,
      );
      if (!current) choose(null);
      return false;
    }
  }

  client.on("membership", render);
  $("join-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    const room = $("join-room").value.trim();
    if (room && (await join(room))) $("join-room").value = "";
  });
  $("join-room").addEventListener("input", () => error());
  const standard = client.options.defaultRoom;
  $("join-default").textContent = `Join ${standard}`;
  $("join-default").addEventListener("click", () => join(standard));
  $("leave-room").addEventListener("click", async () => {
    const room = current;
    try {
      await client.roomLeave(room, { timeout: 15_000 });
      error();
      left(room);
    } catch (failure) {
      error(`Could not leave “${room}”: ${failure.message}`);
    }
    choose(client.rooms[0] ?? null);
  });

  return {
    /** The selected room. */
    current: () => current,
    /** Joins the first room. */
    start: () => void join(standard),
    /** Counts an unread message. */
    unread(room) {
      unread.set(room, (unread.get(room) ?? 0) + 1);
      render();
    },
    render,
  };
}
