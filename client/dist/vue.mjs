/*! stellar-client 0.1.0 | MIT */

// src/vue.ts
import { onScopeDispose, readonly, ref, shallowRef, toValue, watch } from "vue";

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
  const state = ref(client.state);
  useStellarEvent(client, "state", (next) => state.value = next);
  return readonly(state);
}
function useStellarEvent(client, name, listener, room) {
  const source = room === void 0 ? client : client.from(room);
  source.on(name, listener);
  onScopeDispose(() => source.off(name, listener));
}
function useRoom(client, room, limit = 100) {
  const messages = shallowRef([]);
  const joined = ref(false);
  const error = shallowRef(null);
  watch(
    () => toValue(room),
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
    say: (message, options = {}) => client.say(toValue(room), message, options)
  };
}
function useAction(client, name) {
  const answer = shallowRef(null);
  const error = shallowRef(null);
  const pending = ref(false);
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
export {
  useAction,
  useConnection,
  useRoom,
  useStellarEvent
};
