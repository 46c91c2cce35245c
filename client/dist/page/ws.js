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
  function openSocket({ WebSocket }, url, events) {
    if (!WebSocket) throw new TypeError("The option WebSocket is needed");
    const socket = new WebSocket(url.href.replace("http", "ws"));
    hear(socket, events);
    return socket;
  }

  // src/transports/refusal.ts
  async function refusalOf(response) {
    const { status } = response;
    if (status !== 401 && status !== 403) return;
    const body = await response.json().catch(() => null);
    return body?.error ? { status, message: String(body.error) } : void 0;
  }

  // src/transports/ws.ts
  var ws = (context, { open, data, close }) => {
    let opened = false;
    const socket = openSocket(context, context.url, {
      open() {
        opened = true;
        open();
      },
      data,
      close(code, reason) {
        const end = (refusal) => close(code, reason, refusal);
        if (opened || !context.fetch) return end();
        context.fetch(context.url.href, { credentials: "include", cache: "no-store" }).then(refusalOf).then(end, () => end());
      }
    });
    return { name: "ws", send: (payload) => socket.send(payload), close: () => socket.close() };
  };

  // src/page/ws.ts
  $parts.transports.ws = [ws];
})();
