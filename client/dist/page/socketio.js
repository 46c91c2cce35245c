(() => {
  // src/transports/socketio.ts
  var isMessage = (event, message) => /^(message|user|alert|api|welcome|primus)$/.test(event) && (event !== "api" || message?.context === event);
  var encode = (codec, packet) => codec.name === "json" ? packet.type + (packet.data ? JSON.stringify(packet.data) : "") : codec.encode({ ...packet, nsp: "/" });
  var decode = (codec, payload) => codec.name === "json" ? { type: +payload[0], data: payload[1] && JSON.parse(payload.slice(1)) } : codec.decode(payload);
  var socketio = (connects) => connects.map((connect) => (context, events) => {
    const { codec } = context;
    const send = (packet) => inner.send(encode(codec, packet), packet);
    const inner = connect(context, {
      ...events,
      open: () => send({ type: 0 }),
      data(payload) {
        const { type, data } = decode(codec, payload);
        if (type === 0) events.open();
        else if (type === 1) events.message("primus::server::close");
        else if (type === 2) isMessage(data[0], data[1]) && events.message(data[1]);
        else if (type === 4) {
          const { message } = data;
          const isTemporary = /shutting down|Too many/.test(message);
          events.close(1008, message, isTemporary ? void 0 : { message });
        }
      }
    });
    return {
      ...inner,
      name: "socket.io",
      send: (_, message) => send({ type: 2, data: ["message", message] })
    };
  });

  // src/transports/own/adapter.ts
  var name = "own";
  var serverClose = "primus::server::close";
  function listen(socket, listeners) {
    for (const event in listeners) socket.on(event, listeners[event]);
    return () => {
      for (const event in listeners) socket.removeListener(event, listeners[event]);
    };
  }

  // src/transports/own/socketio.ts
  var socketIoSocket = (socket, events) => {
    if (!socket.onAny) return;
    const any = (event, message) => isMessage(event, message) && events.message(message);
    const ignore = listen(socket, {
      connect: () => events.open(),
      connect_error(error) {
        const { message } = error;
        events.close(1006, message, socket.active ? void 0 : { message }, error);
      },
      disconnect(reason, details) {
        if (reason === "io server disconnect") events.message(serverClose);
        events.close(1006, reason, void 0, details);
      }
    });
    socket.onAny(any);
    if (socket.connected) setTimeout(events.open);
    else socket.connect();
    return {
      name,
      send: (_, message) => socket.emit("message", message),
      close() {
        ignore();
        socket.offAny(any);
        socket.disconnect();
      }
    };
  };

  // src/page/socketio.ts
  $parts.transports["socket.io"] = socketio($parts.transports["engine.io"]);
  $parts.own.push(socketIoSocket);
})();
