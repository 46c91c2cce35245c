// Each server is run as `node NAME.js PORT`, and prints a line when it listens on loopback.
const http = require("node:http");

module.exports = function listen(attach) {
  const port = Number(process.argv[2]);
  const server = http.createServer();
  attach(server);
  server.listen(port, "127.0.0.1", 4096, () => console.log(`listening on 127.0.0.1:${port}`));
};
