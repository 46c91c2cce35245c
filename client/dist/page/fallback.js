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
    const ways = options.transports.flatMap(
      (name) => (built[name] ?? []).map((connect, index) => ({
        a: name + index,
        c: name === primary ? path : paths?.[name] ?? "/" + name,
        b: !index,
        d: connect
      }))
    );
    if (!ways.length) return;
    const place = `stellar ${url}${path}`;
    const key = storage((kept) => kept.getItem(place));
    let best = ways.find((way) => way.a === key);
    let proven = false;
    let failures = 0;
    return (context, events) => {
      const others = ways.filter((way) => way !== best);
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
      const all = (cause) => causes.length > 1 ? new AggregateError(causes, causes.join("; ")) : cause;
      const next = () => {
        const way = left.shift();
        const own = ++round;
        let there = false;
        const current = () => own === round;
        const fail = (again) => {
          if (there || !left.length) return again();
          leave();
          if (way.b) left = left.filter((way2) => !way2.b);
          if (left.length) next();
          else again();
        };
        const arrived = () => {
          if (there) return;
          there = proven = true;
          failures = 0;
          best = way;
          clearTimeout(timer);
          storage((kept) => kept.setItem(place, way.a));
          events.open();
        };
        const url2 = new URL(context.url);
        url2.pathname = way.c;
        if (left.length) {
          timer = after(timeout / 3, () => {
            if (current()) fail(() => events.close(1006, "No answer"));
          });
        }
        try {
          inner = way.d(
            { ...context, url: url2 },
            {
              // Opening alone proves nothing: some let a connection through, and then nothing over
              // it. Everybody is answered this, and it does not count as a message.
              open() {
                if (!current()) return;
                if (ways.length < 2) arrived();
                else inner.send(context.codec.encode(ask), ask);
              },
              data(payload) {
                if (!current()) return;
                arrived();
                events.data(payload);
              },
              message(message) {
                if (!current()) return;
                arrived();
                events.message(message);
              },
              close(code, reason, refusal, cause) {
                if (!current()) return;
                if (!there && cause) causes.push(cause);
                if (refusal) events.close(code, reason, refusal);
                else fail(() => events.close(code, reason, refusal, there ? cause : all(cause)));
              }
            }
          );
          tried = true;
        } catch (error) {
          clearTimeout(timer);
          causes.push(error);
          if (left.length) next();
          else if (tried) events.close(1006, String(error), void 0, all(error));
          else throw all(error);
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
  var ask = "primus::id::";

  // src/page/fallback.ts
  $parts.fallback = fallback;
})();
