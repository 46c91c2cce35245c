(() => {
  // src/transports/socket.ts
  function hear(socket, { open, data, close }) {
    socket.binaryType = "arraybuffer";
    socket.onopen = () => open?.();
    socket.onmessage = (message) => {
      try {
        data(typeof message.data === "string" ? message.data : new Uint8Array(message.data));
      } catch (error) {
        close(1002, String(error));
      }
    };
    socket.onerror = () => {
    };
    socket.onclose = (event) => close(event.code, event.reason);
  }

  // src/transports/socketio.ts
  var whole = /^(message|user|alert|api|welcome|primus)$/;

  // src/transports/own.ts
  var name = "own";
  var farewell = "primus::server::close";
  function listen(socket, listeners) {
    for (const event in listeners) socket.on(event, listeners[event]);
    return () => {
      for (const event in listeners) socket.removeListener(event, listeners[event]);
    };
  }
  function socketIo(socket, events) {
    const any = (event, message) => whole.test(event) && events.message(message);
    const ignore = listen(socket, {
      connect: () => events.open(),
      connect_error(error) {
        const { message } = error;
        events.close(1006, message, socket.active ? void 0 : { message });
      },
      disconnect(reason) {
        if (reason === "io server disconnect") events.message(farewell);
        events.close(1006, reason);
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
  }
  function primus(socket, events) {
    const ignore = listen(socket, {
      open: () => events.open(),
      data: (message) => events.message(message),
      // Not at once: its timer starts after this, and would go on when it is ended before.
      "reconnect scheduled": () => setTimeout(() => events.close(1006, "Connection lost")),
      end() {
        events.message(farewell);
      },
      error: () => {
      }
    });
    if (socket.readyState === 3) setTimeout(events.open);
    else socket.open();
    return {
      name,
      watched: true,
      send: (_, message) => socket.write(message),
      close() {
        ignore();
        socket.end();
      }
    };
  }
  function engineIo(socket, events) {
    socket.binaryType = "arraybuffer";
    listen(socket, {
      open: () => events.open(),
      message: (data) => events.data(typeof data === "string" ? data : new Uint8Array(data)),
      close: (reason) => events.close(1006, reason),
      error: () => {
      }
    });
    return { name, send: (payload) => socket.send(payload), close: () => socket.close() };
  }
  function webSocket(socket, events) {
    hear(socket, events);
    return { name, send: (payload) => socket.send(payload), close: () => socket.close() };
  }
  var own = (given) => (_, events) => {
    const socket = typeof given === "function" ? given() : given;
    if (socket.onAny) return socketIo(socket, events);
    if (socket.write && socket.end) return primus(socket, events);
    return (typeof socket.readyState === "string" ? engineIo : webSocket)(socket, events);
  };

  // src/page/own.ts
  $parts.own = own;
})();
