(() => {
  // src/deadline.ts
  var after = (ms, fn) => ms < 2 ** 31 ? setTimeout(fn, ms) : void 0;

  // src/transports/fallback.ts
  var patience = 3;
  var storage = (use) => {
    try {
      return use(sessionStorage);
    } catch {
    }
  };
  function fallback(options, built) {
    const { url, path, paths, timeout } = options;
    const [primary] = $settings.transports ?? options.transports;
    const candidates = options.transports.flatMap(
      (name) => (built[name] ?? []).map((connect, index) => ({
        a: name + index,
        c: name === primary ? path : paths?.[name] ?? "/" + name,
        b: !index,
        d: connect
      }))
    );
    if (!candidates.length) return;
    const item = `stellar ${url}${path}`;
    const key = storage((kept) => kept.getItem(item));
    let best = candidates.find((candidate) => candidate.a === key);
    let proven = false;
    let failures = 0;
    return (context, events) => {
      const others = candidates.filter((candidate) => candidate !== best);
      let left = !best ? others : proven && failures < patience ? [best] : [best, ...others];
      failures++;
      const causes = [];
      let round = 0;
      let tried = false;
      let timer;
      let inner;
      const leave = () => {
        round++;
        clearTimeout(timer);
        inner?.close();
        inner = void 0;
      };
      const combined = (cause) => causes.length > 1 ? new AggregateError(causes, causes.join("; ")) : cause;
      const next = () => {
        const candidate = left.shift();
        const own = ++round;
        let arrived = false;
        const current = () => own === round;
        const fail = (giveUp) => {
          if (arrived || !left.length) return giveUp();
          leave();
          if (candidate.b) left = left.filter(({ b: _socket }) => !_socket);
          if (left.length) next();
          else giveUp();
        };
        const arrive = () => {
          if (arrived) return;
          arrived = proven = true;
          failures = 0;
          best = candidate;
          clearTimeout(timer);
          storage((kept) => kept.setItem(item, candidate.a));
          events.open();
        };
        const url2 = new URL(context.url);
        url2.pathname = candidate.c;
        if (left.length) {
          timer = after(timeout / 3, () => {
            if (current()) fail(() => events.close(1006, "No answer"));
          });
        }
        try {
          inner = candidate.d(
            { ...context, url: url2 },
            {
              // An open connection proves nothing: some proxies accept it and then block its data.
              // Every server answers the probe, which does not count as a message.
              open() {
                if (!current()) return;
                if (candidates.length < 2) arrive();
                else inner.send(context.codec.encode(probe), probe);
              },
              data(payload) {
                if (!current()) return;
                arrive();
                events.data(payload);
              },
              message(message) {
                if (!current()) return;
                arrive();
                events.message(message);
              },
              close(code, reason, refusal, cause) {
                if (!current()) return;
                if (!arrived && cause) causes.push(cause);
                if (refusal) events.close(code, reason, refusal);
                else {
                  fail(() => events.close(code, reason, refusal, arrived ? cause : combined(cause)));
                }
              }
            }
          );
          tried = true;
        } catch (error) {
          clearTimeout(timer);
          causes.push(error);
          if (left.length) next();
          else if (tried) events.close(1006, String(error), void 0, combined(error));
          else throw combined(error);
        }
      };
      next();
      return {
        get name() {
          return inner?.name ?? "";
        },
        get way() {
          return inner?.way ?? "websocket";
        },
        send: (payload, message) => inner.send(payload, message),
        close: leave
      };
    };
  }
  var probe = "primus::id::";

  // src/page/fallback.ts
  $parts.fallback = fallback;
})();
