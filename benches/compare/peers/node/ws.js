const { WebSocketServer } = require("ws");
const room = require("./room")((socket, text) => socket.send(text));

require("./listen")((server) => {
  const sockets = new WebSocketServer({ server, perMessageDeflate: false, clientTracking: false });
  sockets.on("connection", (socket) => {
    socket.on("message", (data) => room.message(socket, data.toString("latin1")));
    socket.on("close", () => room.leave(socket));
    socket.on("error", () => {});
  });
});
