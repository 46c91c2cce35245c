const { Server } = require("socket.io");

require("./listen")((server) => {
  const io = new Server(server, { perMessageDeflate: false, httpCompression: false, serveClient: false });
  io.on("connection", (socket) => {
    socket.on("echo", (text) => socket.emit("echo", text));
    socket.on("join", (room) => {
      socket.join(room);
      socket.emit("joined", room);
    });
    socket.on("pub", (text) => io.to("bench").emit("msg", text));
  });
});
