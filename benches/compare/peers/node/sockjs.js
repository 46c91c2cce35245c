const sockjs = require("sockjs");
const room = require("./room")((socket, text) => socket.write(text));

require("./listen")((server) => {
  const sockets = sockjs.createServer({ log: () => {} });
  sockets.on("connection", (socket) => {
    socket.on("data", (text) => room.message(socket, text));
    socket.on("close", () => room.leave(socket));
  });
  sockets.installHandlers(server, { prefix: "/sockjs" });
});
