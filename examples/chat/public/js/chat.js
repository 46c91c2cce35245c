import { $, memory, stickToEnd } from "./dom.js";
import { startMembers } from "./members.js";
import { line, messageView } from "./message.js";
import { onPanel, panel } from "./nav.js";
import { learn } from "./people.js";
import { startRooms } from "./rooms.js";

const kept = 300;

/** The chat: a name, rooms and their messages. */
export function startChat(client) {
  const histories = new Map();
  const waiting = new Map();
  let name = "";
  let unreadTotal = 0;
  const list = $("messages");
  const scroll = stickToEnd(list, (atEnd) => {
    if (atEnd) $("to-end").hidden = true;
  });

  const members = startMembers(client);
  const rooms = startRooms(client, {
    chosen(room) {
      $("conversation").classList.toggle("roomless", !room);
      $("no-room").hidden = Boolean(room);
      render();
      members.show(room);
      // Only with a physical keyboard: on a phone it would cover the messages.
      const keyboard = matchMedia("(pointer: fine)").matches;
      if (room && keyboard && panel() === "chat") $("message").focus({ preventScroll: true });
    },
    joined(room) {
      add(room, line(`You joined ${room}`));
      hello(room, "hello");
    },
    left: (room) => histories.delete(room),
  });

  const hello = (room, event) => client.to(room).emit(event, { name }).catch(() => {});

  function history(room) {
    if (!histories.has(room)) histories.set(room, []);
    return histories.get(room);
  }

  /** Adds a line or message to a room, and to the page if the room is visible. */
  function add(room, item) {
    const items = history(room);
    const before = items.at(-1);
    items.push(item);
    if (items.length > kept) items.shift().element.remove();
    if (room !== rooms.current()) return;
    item.follow(before);
    list.append(item.element);
    $("messages-empty").hidden = true;
    if (item.own) scroll.end();
    else if (!scroll.added()) $("to-end").hidden = false;
  }

  function render() {
    const items = rooms.current() ? history(rooms.current()) : [];
    items.forEach((item, index) => item.follow(items[index - 1]));
    list.replaceChildren(...items.map(({ element }) => element));
    $("messages-empty").hidden = items.length > 0;
    scroll.end();
  }
  $("to-end").addEventListener("click", scroll.end);

  function say(room, text) {
    const key = crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`;
    const view = messageView({ from: client.id, name, own: true, text, at: Date.now() });
    waiting.set(key, view);
    view.mark("waiting", client.state === "connected" ? "" : "Waits for the connection");
    add(room, view);
    client.say(room, { name, text, key }).then(
      () => view.mark("sent"),
      (error) => {
        waiting.delete(key);
        const note = error.mayHaveRun
          ? "The connection broke on the way: it may have arrived"
          : `Not sent: ${error.message}`;
        view.mark("failed", note, () => {
          view.element.remove();
          say(room, text);
        });
      },
    );
  }

  client.on("say", ({ message, room, from, sentAt }) => {
    // Room events are messages too; listeners below handle those that this page uses.
    if (typeof message?.event === "string") return;
    const own = waiting.get(message?.key);
    if (own && from === client.id) {
      waiting.delete(message.key);
      return own.mark("sent");
    }
    if (learn(from, message?.name)) members.render();
    const text = typeof message === "string" ? message : (message?.text ?? JSON.stringify(message));
    add(room, messageView({ from, own: from === client.id, text: String(text), at: sentAt }));
    const seen = room === rooms.current() && panel() === "chat" && !document.hidden;
    if (!seen && from !== client.id) {
      if (room !== rooms.current()) rooms.unread(room);
      unread(unreadTotal + 1);
    }
  });
  client.on("hello", (data, { room, from }) => {
    if (from === client.id) return;
    learn(from, data?.name);
    members.refresh(room);
    add(room, line(`${data?.name ?? "Someone"} came in`));
    // Respond with our own name, unless the room is too full for everyone to do so.
    if (members.count(room) <= 20) hello(room, "here");
  });
  client.on("here", (data, { room, from }) => learn(from, data?.name) && members.refresh(room));
  client.on("destroy", (_, { room }) => {
    rooms.render();
    histories.delete(room);
  });
  const endings = { closed: "Disconnected", refused: "Refused by the server" };
  client.on("disconnected", () => everywhere(endings[client.state] ?? "Connection lost"));
  client.on("reconnect", () => {
    learn(client.id, name);
    everywhere("Connected again, back in the room");
    for (const room of client.rooms) hello(room, "here");
    rooms.render();
  });
  const everywhere = (text) => {
    for (const room of histories.keys()) add(room, line(text));
  };

  function unread(count) {
    unreadTotal = count;
    $("unread").hidden = !count;
    $("unread").textContent = count > 99 ? "99+" : String(count);
    document.title = count ? `(${count}) Stellar` : "Stellar";
  }
  const looked = () => {
    if (panel() === "chat" && !document.hidden) unread(0);
  };
  onPanel(looked);
  document.addEventListener("visibilitychange", looked);

  $("name").value = memory.get("name") ?? "";
  $("name-form").addEventListener("submit", (event) => {
    event.preventDefault();
    name = $("name").value.trim();
    if (!name) return;
    memory.set("name", name);
    $("welcome").hidden = true;
    $("chat-head").hidden = $("conversation").hidden = false;
    const known = () => learn(client.id, name);
    known();
    client.on("connected", known);
    rooms.start();
  });

  const field = $("message");
  const fit = () => {
    field.style.height = "auto";
    field.style.height = `${field.scrollHeight + 2}px`;
  };
  field.addEventListener("input", fit);
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    $("composer").requestSubmit();
  });
  $("composer").addEventListener("submit", (event) => {
    event.preventDefault();
    const text = field.value.trim();
    if (!text || !rooms.current()) return;
    say(rooms.current(), text);
    field.value = "";
    fit();
  });
}
