/**
 * Hooks of React for a client.
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

/** Where a client is; the component renders again when that changes. */
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

/** Calls `listener` when `name` happens, or happens in `room`, for as long as the component is there. */
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
    const hear = (...args: any[]) => latest.current(...args);
    source.on(name, hear);
    return () => void source.off(name, hear);
  }, [client, name, room]);
}

/** A room the component is in while it is there, and the last `limit` (100) messages of it. */
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
      _said: (message) => setMessages((before) => [...before, message].slice(-limit)),
    });
  }, [client, room, limit]);
  const say = useCallback(
    (message: unknown, options: RequestOptions = {}) => client.say(room, message, options),
    [client, room],
  );
  return { messages, joined, error, say };
}

/** An action to call, and how its last call went. */
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
      // What an earlier call brings late is not what the last one brought.
      const own = ++calls.current;
      const tell = (answer: Answer | null, error: StellarError | null, pending: boolean) => {
        if (own === calls.current) setLast({ answer, error, pending });
      };
      tell(null, null, true);
      try {
        const answer = await (client as Client<any>).action(name, params, options);
        tell(answer as Answer, null, false);
        return answer as Answer;
      } catch (error) {
        tell(null, error as StellarError, false);
        throw error;
      }
    },
    [client, name],
  );
  return { ...last, call };
}
