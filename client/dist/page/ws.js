(() => {
  // src/transports/socket.ts
  function attach(socket, { open, data, close }) {
    socket.binaryType = "arraybuffer";
    socket.onopen = open;
    socket.onmessage = ({ data: payload }) => data(typeof payload === "string" ? payload : new Uint8Array(payload));
    let cause;
    socket.onerror = ({ error }) => cause = error;
    socket.onclose = ({ code, reason }) => close(code, reason || String(cause ?? ""), void 0, cause);
  }
  var makeSocket = (context) => new context.WebSocket(context.url.href.replace("http", "ws"));
  function plain(name2, socket, events) {
    attach(socket, events);
    return { name: name2, send: (payload) => socket.send(payload), close: () => socket.close() };
  }

  // src/transports/own/adapter.ts
  var name = "own";

  // src/transports/own/websocket.ts
  var ownWebSocket = (socket, events) => (
    // `readyState` is a string in engine.io-client.
    typeof socket.readyState === "number" && plain(name, socket, events)
  );

  // src/transports/refusal.ts
  async function refusalOf(response) {
    const { status } = response;
    if (status !== 401 && status !== 403) return;
    const body = await response.json().catch(() => null);
    return body?.error && { status, message: String(body.error) };
  }

  // src/transports/ws.ts
  var ws = (context, { open, data, close }) => {
    const { url, fetch } = context;
    let opened = false;
    return plain("ws", makeSocket(context), {
      open() {
        opened = true;
        open();
      },
      data,
      close(code, reason, _, cause) {
        const end = (refusal, error) => close(code, reason, refusal, cause ?? error);
        if (opened || !fetch) return end();
        fetch(url.href, { credentials: "include", cache: "no-store" }).then(refusalOf).then(end, (error) => end(void 0, error));
      }
    });
  };

  // src/page/ws.ts
  $parts.transports.ws = [ws];
  $parts.own.push(ownWebSocket);
})();
