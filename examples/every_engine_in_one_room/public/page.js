// A client for each engine, all in the room "meeting".
"use strict";

const ROOM = "meeting";
const ENGINES = [
  { name: "ws", title: "WebSocket", colour: "var(--ws)" },
  { name: "engine.io", title: "Engine.IO", colour: "var(--engine)" },
  { name: "socket.io", title: "Socket.IO", colour: "var(--socket)" },
  { name: "sockjs", title: "SockJS", colour: "var(--sock)" },
];
const template = document.getElementById("panel").content;
/** The engine of each connection id. */
const speakers = new Map();

for (const engine of ENGINES) {
  const panel = template.cloneNode(true).querySelector(".panel");
  const find = (selector) => panel.querySelector(selector);
  const [state, log, form, toggle] = [".state", ".log", "form", ".toggle"].map(find);
  panel.dataset.engine = engine.name;
  panel.style.setProperty("--engine-colour", engine.colour);
  find("h2").textContent = engine.title;
  form.text.setAttribute("aria-label", `Say over ${engine.title}`);
  document.getElementById("panels").append(panel);

  const client = new StellarClient({ transports: [engine.name] });

  const write = (who, text, colour) => {
    const line = document.createElement("li");
    const name = document.createElement("b");
    name.textContent = `${who} `;
    if (colour) name.style.setProperty("--from-colour", colour);
    line.append(name, text);
    log.append(line);
    while (log.children.length > 200) log.firstChild.remove();
    log.scrollTop = log.scrollHeight;
  };
  const show = () => {
    const way = client.transport?.way;
    state.textContent = way && client.state === "connected" ? `connected, ${way}` : client.state;
    state.dataset.state = client.state;
    toggle.textContent = client.state === "connected" ? "Disconnect" : "Connect";
  };
  const count = async () => {
    const { membersCount } = await client.roomView(ROOM);
    find(".members").textContent = `${membersCount} in the room`;
  };
  const connect = async () => {
    await client.connect();
    // After a reconnect the client has already rejoined its rooms.
    if (!client.rooms.includes(ROOM)) await client.roomAdd(ROOM);
    await client.to(ROOM).emit("here", { engine: engine.name });
    await count();
  };
  const told = (error) => write("error", error.message);

  client.on("state", show);
  client.from(ROOM).on("here", (data, { from }) => {
    // Ignores unknown engines: any client may send the event.
    const known = ENGINES.find(({ name }) => name === data?.engine);
    if (known) speakers.set(from, known);
    write(known?.title ?? from, "is here", known?.colour);
    count().catch(told);
  });
  client.on("say", ({ from, message }) => {
    if (typeof message !== "string") return;
    const speaker = speakers.get(from);
    write(speaker?.title ?? "someone", message, speaker?.colour);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    client.say(ROOM, form.text.value).catch(told);
    form.reset();
  });
  toggle.addEventListener("click", () => {
    (client.state === "connected" ? client.disconnect() : connect()).catch(told);
  });
  show();
  connect().catch(told);
}
