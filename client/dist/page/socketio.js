(() => {
  // src/transports/socketio.ts
  var whole = /^(message|user|alert|api|welcome|primus)$/;
  var encode = (codec, packet) => codec.name === "json" ? packet.type + (packet.data ? JSON.stringify(packet.data) : "") : codec.encode({ ...packet, nsp: "/" });
  var decode = (codec, payload) => codec.name === "json" ? { type: +payload[0], data: payload[1] && JSON.parse(payload.slice(1)) } : codec.decode(payload);
  var socketio = (ways) => ways.map((connect) => (context, events) => {
    const { codec } = context;
    const send = (packet) => under.send(encode(codec, packet), packet);
    const under = connect(context, {
      ...events,
      open: () => send({ type: 0 }),
      data(payload) {
        const { type, data } = decode(codec, payload);
        if (type === 0) events.open();
        else if (type === 1) events.message("primus::server::close");
        else if (type === 2) whole.test(data[0]) && events.message(data[1]);
        else if (type === 4) {
          const { message } = data;
          const passes = /shutting down|Too many/.test(message);
          events.close(1008, message, passes ? void 0 : { message });
        }
      }
    });
    return {
      ...under,
      name: "socket.io",
      send: (_, message) => send({ type: 2, data: ["message", message] })
    };
  });

  // src/page/socketio.ts
  $parts.transports["socket.io"] = socketio($parts.transports["engine.io"]);
})();
