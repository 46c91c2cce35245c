/**
 * React hooks.
 *
 * @module stellar-client/react
 */
import { useCallback, useEffect, useRef, useState, useSyncExternalStore } from "react";
import type { Client } from "./client";
import type { RequestOptions } from "./deadline";
import type { EventArgs, EventName, Listener } from "./emitter";
import type { StellarError } from "./errors";
import { member, type Room } from "./membership";
import type {
  ActionAnswer,
  CallRest,
  ChatMessage,
  EventsOf,
  HookClient,
  State,
  WithActions,
  WithEvents,
} from "./types";

/** Returns the state of a client. The component re-renders when it changes. */
export function useConnection(client: HookClient): State {
  const watch = useCallback(
    (changed: () => void) => {
      client.on("state", changed);
      return () => void client.off("state", changed);
    },
    [client],
  );
  const state = () => client.state;
  return useSyncExternalStore(watch, state, state);
}

/** Calls `listener` on every event `name`, or every event of `room`, while the component is mounted. */
export function useStellarEvent<Events, Name extends EventName<EventsOf<Events>>>(
  client: HookClient & WithEvents<Events>,
  name: Name,
  listener: (...args: EventArgs<EventsOf<Events>, Name>) => void,
): void;
export function useStellarEvent(
  client: HookClient,
  name: string,
  listener: (data: any, message: ChatMessage) => void,
  room: string,
): void;
export function useStellarEvent(
  client: HookClient,
  name: string,
  listener: Listener,
  room?: string,
): void {
  const latest = useRef(listener);
  useEffect(() => {
    latest.current = listener;
  });
  useEffect(() => {
    const source = room === undefined ? client : client.from(room);
    const call = (...args: any[]) => latest.current(...args);
    source.on(name, call);
    return () => void source.off(name, call);
  }, [client, name, room]);
}

/** Stays in a room while the component is mounted. Returns its last `limit` messages (100). */
export function useRoom(
  client: HookClient,
  room: string,
  limit = 100,
): Room<readonly ChatMessage[], boolean, StellarError | null> {
  const [messages, setMessages] = useState<readonly ChatMessage[]>([]);
  const [joined, setJoined] = useState(false);
  const [error, setError] = useState<StellarError | null>(null);
  useEffect(() => {
    setMessages([]);
    return member(client, room, {
      _changed({ joined, error }) {
        setJoined(joined);
        setError(error);
      },
      _message: (message) => setMessages((before) => [...before, message].slice(-limit)),
    });
  }, [client, room, limit]);
  const say = useCallback(
    (message: unknown, options: RequestOptions = {}) => client.say(room, message, options),
    [client, room],
  );
  return { messages, joined, error, say };
}

/** Returns a function that calls an action, and the outcome of the last call. */
export function useAction<Actions, Name extends keyof Actions & string>(
  client: WithActions<Actions>,
  name: Name,
) {
  type Answer = ActionAnswer<Actions[Name]>;
  const [last, setLast] = useState<{
    answer: Answer | null;
    error: StellarError | null;
    pending: boolean;
  }>({ answer: null, error: null, pending: false });
  const calls = useRef(0);
  const call = useCallback(
    async (
      ...[params, options]: CallRest<Actions[Name]>
    ): Promise<Answer> => {
      // A late outcome of an earlier call is ignored.
      const own = ++calls.current;
      const update = (answer: Answer | null, error: StellarError | null, pending: boolean) => {
        if (own === calls.current) setLast({ answer, error, pending });
      };
      update(null, null, true);
      try {
        const answer = await (client as Client<any>).action(name, params, options);
        update(answer as Answer, null, false);
        return answer as Answer;
      } catch (error) {
        update(null, error as StellarError, false);
        throw error;
      }
    },
    [client, name],
  );
  return { ...last, call };
}
