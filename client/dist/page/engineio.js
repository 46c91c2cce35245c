(() => {
  // src/transports/refusal.ts
  async function refusalOf(response) {
    const { status } = response;
    if (status !== 401 && status !== 403) return;
    const body = await response.json().catch(() => null);
    return body?.error && { status, message: String(body.error) };
  }

  // src/transports/requests.ts
  function httpRequests({ fetch }, { close }) {
    if (!fetch) throw new TypeError("The option fetch is needed");
    const controller = new AbortController();
    const { signal } = controller;
    return {
      async request(url, body, use) {
        try {
          const response = await fetch(url.href, {
            ...body != null && { method: "POST", body, headers: { "content-type": "text/plain" } },
            credentials: "include",
            cache: "no-store",
            signal
          });
          if (response.ok) {
            if (use) await use(response);
            else await response.text();
          } else close(1006, `HTTP ${response.status}`, await refusalOf(response));
        } catch (error) {
          controller.abort();
          close(1006, String(error.cause ?? error), void 0, error);
        }
      },
      ended: () => signal.aborted,
      end: () => controller.abort()
    };
  }
  function batches(post, limit) {
    const waiting = [];
    let busy = false;
    const run = async () => {
      busy = true;
      await null;
      while (waiting.length) {
        const most = limit();
        let size = 0;
        let count = 0;
        do
          size += waiting[count++].length + 1;
        while (count < waiting.length && size + waiting[count].length < most);
        await post(waiting.splice(0, count));
      }
      busy = false;
    };
    return (packet) => {
      waiting.push(packet);
      if (!busy) void run();
    };
  }

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
  function openSocket(context, url, { data, close }) {
    const socket = makeSocket({ ...context, url });
    attach(socket, {
      data(payload) {
        try {
          data(payload);
        } catch (error) {
          close(1002, String(error), void 0, error);
        }
      },
      close
    });
    return socket;
  }

  // src/transports/engineio.ts
  var name = "engine.io";
  var separator = "";
  function address({ url }, transport) {
    const address2 = new URL(url);
    address2.pathname = url.pathname.replace(/\/?$/, "/");
    address2.searchParams.set("EIO", "4");
    address2.searchParams.set("transport", transport);
    return address2;
  }
  var reader = (events, write, opened) => (packet) => {
    if (typeof packet !== "string") return events.data(packet);
    const rest = packet.slice(1);
    switch (packet[0]) {
      case "0":
        opened?.(JSON.parse(rest));
        return events.open();
      case "1":
        return events.close(1e3, "");
      case "2":
        return write("3" + rest);
      case "4":
        return events.data(rest);
      case "b":
        return events.data(Uint8Array.from(atob(rest), (char) => char.charCodeAt(0)));
    }
  };
  var websocket = (context, events) => {
    const socket = openSocket(context, address(context, "websocket"), {
      data: reader(events, (packet) => socket.send(packet)),
      close: events.close
    });
    return {
      name,
      way: "websocket",
      send: (payload) => socket.send(typeof payload === "string" ? "4" + payload : payload),
      close: () => socket.close()
    };
  };
  var polling = (context, events) => {
    const { fetch } = context;
    const url = address(context, "polling");
    const http = httpRequests(context, events);
    let limit = 0;
    const write = batches(
      (batch) => http.request(url, batch.join(separator)),
      () => limit
    );
    const read = reader(events, write, ({ sid, maxPayload }) => {
      url.searchParams.set("sid", sid);
      limit = Math.min(maxPayload / 3, 65536);
    });
    const poll = () => http.request(url, null, async (response) => {
      (await response.text()).split(separator).forEach(read);
      if (!http.ended()) void poll();
    });
    void poll();
    return {
      name,
      way: "polling",
      send: (payload) => write(
        typeof payload === "string" ? "4" + payload : (
          // One byte at a time, because the number of arguments is limited.
          "b" + btoa(payload.reduce((text, byte) => text + String.fromCharCode(byte), ""))
        )
      ),
      close() {
        http.end();
        const body = "1";
        if (limit) fetch(url.href, { method: "POST", body, keepalive: true }).catch(() => {
        });
      }
    };
  };
  var engineio = [websocket, polling];

  // src/transports/own/adapter.ts
  var name2 = "own";
  function listen(socket, listeners) {
    for (const event in listeners) socket.on(event, listeners[event]);
    return () => {
      for (const event in listeners) socket.removeListener(event, listeners[event]);
    };
  }

  // src/transports/own/engineio.ts
  var engineIoSocket = (socket, events) => {
    if (typeof socket.readyState !== "string") return;
    socket.binaryType = "arraybuffer";
    let cause;
    listen(socket, {
      open: () => events.open(),
      message: (data) => events.data(typeof data === "string" ? data : new Uint8Array(data)),
      close: (reason) => events.close(1006, reason, void 0, cause),
      error: (error) => cause = error
    });
    return { name: name2, send: (payload) => socket.send(payload), close: () => socket.close() };
  };

  // src/page/engineio.ts
  $parts.transports["engine.io"] = engineio;
  $parts.own.push(engineIoSocket);
})();
