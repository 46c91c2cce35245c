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
  function plain(name3, socket, events) {
    attach(socket, events);
    return { name: name3, send: (payload) => socket.send(payload), close: () => socket.close() };
  }
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

  // src/transports/sockjs.ts
  var name2 = "sockjs";
  function session({ url }) {
    const id = crypto.getRandomValues(new Uint32Array(4)).join("");
    return (end) => {
      const address = new URL(url);
      address.pathname = `${url.pathname.replace(/\/$/, "")}/000/${id}/${end}`;
      return address;
    };
  }
  var reader = (events) => (frame) => {
    const rest = frame[1] && frame[0] !== "h" && JSON.parse(frame.slice(1));
    if (frame[0] === "o") events.open();
    else if (frame[0] === "a") rest.forEach(events.data);
    else if (frame[0] === "c") events.close(rest[0], rest[1]);
  };
  var websocket = (context, events) => {
    const socket = openSocket(context, session(context)("websocket"), {
      data: reader(events),
      close: events.close
    });
    return {
      name: name2,
      way: "websocket",
      send: (payload) => socket.send(JSON.stringify([payload])),
      close: () => socket.close()
    };
  };
  var http = (way) => (context, events) => {
    const address = session(context);
    const requests = httpRequests(context, events);
    const read = reader(events);
    const receive = () => requests.request(address(way), "", async (response) => {
      const body = response.body.getReader();
      const text = new TextDecoder();
      for (let rest = "", part; !(part = await body.read()).done; ) {
        const lines = (rest += text.decode(part.value, { stream: true })).split("\n");
        rest = lines.pop();
        lines.forEach(read);
      }
      if (!requests.ended()) void receive();
    });
    void receive();
    const write = batches(
      (batch) => requests.request(address("xhr_send"), JSON.stringify(batch)),
      () => 16384
    );
    return { name: name2, way, send: (payload) => write(payload), close: requests.end };
  };
  var sockjs = [websocket, http("xhr_streaming"), http("xhr")];

  // src/page/sockjs.ts
  $parts.transports.sockjs = sockjs;
  $parts.own.push(ownWebSocket);
})();
