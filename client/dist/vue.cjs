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

// src/vue.ts
var vue_exports = {};
__export(vue_exports, {
  useAction: () => useAction,
  useConnection: () => useConnection,
  useRoom: () => useRoom,
  useStellarEvent: () => useStellarEvent
});
module.exports = __toCommonJS(vue_exports);
var import_vue = require("vue");

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

// src/vue.ts
function useConnection(client) {
  const state = (0, import_vue.ref)(client.state);
  useStellarEvent(client, "state", (next) => state.value = next);
  return (0, import_vue.readonly)(state);
}
function useStellarEvent(client, name, listener, room) {
  const source = room === void 0 ? client : client.from(room);
  source.on(name, listener);
  (0, import_vue.onScopeDispose)(() => source.off(name, listener));
}
function useRoom(client, room, limit = 100) {
  const messages = (0, import_vue.shallowRef)([]);
  const joined = (0, import_vue.ref)(false);
  const error = (0, import_vue.shallowRef)(null);
  (0, import_vue.watch)(
    () => (0, import_vue.toValue)(room),
    (name, _, onCleanup) => {
      messages.value = [];
      onCleanup(
        member(client, name, {
          a(membership) {
            joined.value = membership.joined;
            error.value = membership.error;
          },
          b: (message) => messages.value = [...messages.value, message].slice(-limit)
        })
      );
    },
    { immediate: true }
  );
  return {
    messages,
    joined,
    error,
    say: (message, options = {}) => client.say((0, import_vue.toValue)(room), message, options)
  };
}
function useAction(client, name) {
  const answer = (0, import_vue.shallowRef)(null);
  const error = (0, import_vue.shallowRef)(null);
  const pending = (0, import_vue.ref)(false);
  let calls = 0;
  const call = async (...[params, options]) => {
    const own = ++calls;
    const update = (result, failure, busy) => {
      if (own !== calls) return;
      answer.value = result;
      error.value = failure;
      pending.value = busy;
    };
    update(null, null, true);
    try {
      const result = await client.action(name, params, options);
      update(result, null, false);
      return result;
    } catch (failure) {
      update(null, failure, false);
      throw failure;
    }
  };
  return { answer, error, pending, call };
}
// Annotate the CommonJS export names for ESM import in node:
0 && (module.exports = {
  useAction,
  useConnection,
  useRoom,
  useStellarEvent
});
