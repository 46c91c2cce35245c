/*! stellar-client 0.1.0 | MIT */
var __defProp = Object.defineProperty;
var __getOwnPropDesc = Object.getOwnPropertyDescriptor;
var __getOwnPropNames = Object.getOwnPropertyNames;
var __hasOwnProp = Object.prototype.hasOwnProperty;
var __export = (target, all) => {
  for (var name in all)
    __defProp(target, name, { get: all[name], enumerable: true });
};
var __copyProps = (to, from, except, desc) => {
  if (from && typeof from === "object" || typeof from === "function") {
    for (let key of __getOwnPropNames(from))
      if (!__hasOwnProp.call(to, key) && key !== except)
        __defProp(to, key, { get: () => from[key], enumerable: !(desc = __getOwnPropDesc(from, key)) || desc.enumerable });
  }
  return to;
};
var __toCommonJS = (mod) => __copyProps(__defProp({}, "__esModule", { value: true }), mod);

// src/react.ts
var react_exports = {};
__export(react_exports, {
  useAction: () => useAction,
  useConnection: () => useConnection,
  useRoom: () => useRoom,
  useStellarEvent: () => useStellarEvent
});
module.exports = __toCommonJS(react_exports);
var import_react = require("react");

// src/membership.ts
function member(client, room, { a: _changed, b: _message }) {
  const listener = (message) => {
    if (message.room === room) _message(message);
  };
  client.on("say", listener);
  const leave = client.subscribe(room, _changed);
  return () => {
    client.off("say", listener);
    leave();
  };
}

// src/react.ts
function useConnection(client) {
  const watch = (0, import_react.useCallback)(
    (changed) => {
      client.on("state", changed);
      return () => void client.off("state", changed);
    },
    [client]
  );
  const state = () => client.state;
  return (0, import_react.useSyncExternalStore)(watch, state, state);
}
function useStellarEvent(client, name, listener, room) {
  const latest = (0, import_react.useRef)(listener);
  (0, import_react.useEffect)(() => {
    latest.current = listener;
  });
  (0, import_react.useEffect)(() => {
    const source = room === void 0 ? client : client.from(room);
    const call = (...args) => latest.current(...args);
    source.on(name, call);
    return () => void source.off(name, call);
  }, [client, name, room]);
}
function useRoom(client, room, limit = 100) {
  const [messages, setMessages] = (0, import_react.useState)([]);
  const [joined, setJoined] = (0, import_react.useState)(false);
  const [error, setError] = (0, import_react.useState)(null);
  (0, import_react.useEffect)(() => {
    setMessages([]);
    return member(client, room, {
      a({ joined: joined2, error: error2 }) {
        setJoined(joined2);
        setError(error2);
      },
      b: (message) => setMessages((before) => [...before, message].slice(-limit))
    });
  }, [client, room, limit]);
  const say = (0, import_react.useCallback)(
    (message, options = {}) => client.say(room, message, options),
    [client, room]
  );
  return { messages, joined, error, say };
}
function useAction(client, name) {
  const [last, setLast] = (0, import_react.useState)({ answer: null, error: null, pending: false });
  const calls = (0, import_react.useRef)(0);
  const call = (0, import_react.useCallback)(
    async (...[params, options]) => {
      const own = ++calls.current;
      const update = (answer, error, pending) => {
        if (own === calls.current) setLast({ answer, error, pending });
      };
      update(null, null, true);
      try {
        const answer = await client.action(name, params, options);
        update(answer, null, false);
        return answer;
      } catch (error) {
        update(null, error, false);
        throw error;
      }
    },
    [client, name]
  );
  return { ...last, call };
}
// Annotate the CommonJS export names for ESM import in node:
0 && (module.exports = {
  useAction,
  useConnection,
  useRoom,
  useStellarEvent
});
