/**
 * Vue composables.
 *
 * @module stellar-client/vue
 */
import { onScopeDispose, readonly, ref, shallowRef, toValue, watch } from "vue";
import type { MaybeRefOrGetter, Ref } from "vue";
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

/** Returns the state of a client. */
export function useConnection(client: HookClient): Readonly<Ref<State>> {
  const state = ref(client.state);
  useStellarEvent(client as Client<any>, "state", (next) => (state.value = next));
  return readonly(state);
}

/** Calls `listener` on every event `name`, or every event of `room`, until the scope is disposed. */
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
  const source = room === undefined ? client : client.from(room);
  source.on(name, listener);
  onScopeDispose(() => source.off(name, listener));
}

/** Stays in a room until the scope is disposed. Returns its last `limit` messages (100). */
export function useRoom(
  client: HookClient,
  room: MaybeRefOrGetter<string>,
  limit = 100,
): Room<Readonly<Ref<readonly ChatMessage[]>>, Readonly<Ref<boolean>>, Ref<StellarError | null>> {
  const messages = shallowRef<readonly ChatMessage[]>([]);
  const joined = ref(false);
  const error = shallowRef<StellarError | null>(null);
  watch(
    () => toValue(room),
    (name, _, onCleanup) => {
      messages.value = [];
      onCleanup(
        member(client, name, {
          _changed(membership) {
            joined.value = membership.joined;
            error.value = membership.error;
          },
          _message: (message) => (messages.value = [...messages.value, message].slice(-limit)),
        }),
      );
    },
    { immediate: true },
  );
  return {
    messages,
    joined,
    error,
    say: (message, options: RequestOptions = {}) => client.say(toValue(room), message, options),
  };
}

/** Returns a function that calls an action, and the outcome of the last call. */
export function useAction<Actions, Name extends keyof Actions & string>(
  client: WithActions<Actions>,
  name: Name,
) {
  type Answer = ActionAnswer<Actions[Name]>;
  const answer = shallowRef<Answer | null>(null);
  const error = shallowRef<StellarError | null>(null);
  const pending = ref(false);
  let calls = 0;
  const call = async (
    ...[params, options]: CallRest<Actions[Name]>
  ): Promise<Answer> => {
    // A late outcome of an earlier call is ignored.
    const own = ++calls;
    const update = (result: Answer | null, failure: StellarError | null, busy: boolean) => {
      if (own !== calls) return;
      answer.value = result;
      error.value = failure;
      pending.value = busy;
    };
    update(null, null, true);
    try {
      const result = (await (client as Client<any>).action(name, params, options)) as Answer;
      update(result, null, false);
      return result;
    } catch (failure) {
      update(null, failure as StellarError, false);
      throw failure;
    }
  };
  return { answer, error, pending, call };
}
