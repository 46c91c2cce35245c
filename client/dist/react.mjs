/*! stellar-client 0.1.0 | MIT */

// src/react.ts
import { useCallback, useEffect, useRef, useState, useSyncExternalStore } from "react";

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
  const watch = useCallback(
    (changed) => {
      client.on("state", changed);
      return () => void client.off("state", changed);
    },
    [client]
  );
  const state = () => client.state;
  return useSyncExternalStore(watch, state, state);
}
function useStellarEvent(client, name, listener, room) {
  const latest = useRef(listener);
  useEffect(() => {
    latest.current = listener;
  });
  useEffect(() => {
    const source = room === void 0 ? client : client.from(room);
    const call = (...args) => latest.current(...args);
    source.on(name, call);
    return () => void source.off(name, call);
  }, [client, name, room]);
}
function useRoom(client, room, limit = 100) {
  const [messages, setMessages] = useState([]);
  const [joined, setJoined] = useState(false);
  const [error, setError] = useState(null);
  useEffect(() => {
    setMessages([]);
    return member(client, room, {
      a({ joined: joined2, error: error2 }) {
        setJoined(joined2);
        setError(error2);
      },
      b: (message) => setMessages((before) => [...before, message].slice(-limit))
    });
  }, [client, room, limit]);
  const say = useCallback(
    (message, options = {}) => client.say(room, message, options),
    [client, room]
  );
  return { messages, joined, error, say };
}
function useAction(client, name) {
  const [last, setLast] = useState({ answer: null, error: null, pending: false });
  const calls = useRef(0);
  const call = useCallback(
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
export {
  useAction,
  useConnection,
  useRoom,
  useStellarEvent
};
