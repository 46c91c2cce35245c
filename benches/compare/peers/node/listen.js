// Each server is `node NAME.js PORT`, listens on loopback, and says so in a line.
const http = require("node:http");

module.exports = function listen(attach) {
  const port = Number(process.argv[2]);
  const server = http.createServer();
  attach(server);
  server.listen(port, "127.0.0.1", 4096, () => console.log(`listening on 127.0.0.1:${port}`));
};
