// Socket.IO's server. A message is the argument of an event `message`, both ways, as are Primus's
// control messages.
import { Server } from "socket.io";
import msgpack from "socket.io-msgpack-parser";

/** A socket as the sparks of Primus are. */
class Spark {
  headers;
  query;
  address;

  constructor(socket) {
    this.socket = socket;
    this.id = socket.id;
    const { headers, query, address } = socket.handshake;
    const { remotePort } = socket.request.socket;
    Object.assign(this, { headers, query, address: { ip: address, port: remotePort } });
  }
  write(message) {
    return this.socket.emit("message", message);
  }
  end(_, { reconnect = false } = {}) {
    // Who is disconnected stays away; whose transport is closed comes again.
    if (reconnect) this.socket.conn.close();
    else this.socket.disconnect();
  }
  on(event, listener) {
    if (event === "end") this.socket.on("disconnect", listener);
    else {
      this.socket.on("message", (message) => {
        if (message === "primus::id::") this.write(message + this.id);
        else listener(message);
      });
    }
  }
}

/** Gives every socket to Stellar's layer; what it returns ends the server, so that clients come again. */
export function serveSocketIo(http, stellar, { parser, pingInterval, maxLength }) {
  const server = new Server(http, {
    parser: parser === "msgpack" ? msgpack : undefined,
    pingInterval,
    pingTimeout: pingInterval,
    maxHttpBufferSize: maxLength,
  });
  server.use(({ handshake }, next) => {
    next(handshake.query.refuse && new Error(handshake.query.refuse));
  });
  server.on("connection", (socket) => stellar.welcome(new Spark(socket)));
  return (done) => void server.close(done);
}
