import * as _vue_shared from '@vue/shared';
import * as vue from 'vue';
import { Ref, MaybeRefOrGetter } from 'vue';
import { WithActions, ActionAnswer, StellarError, CallRest, HookClient, State, Room, ChatMessage, EventName, EventsOf, WithEvents, EventArgs } from "./index.mjs";

/** Returns the state of a client. */
declare function useConnection(client: HookClient): Readonly<Ref<State>>;
/** Calls `listener` on every event `name`, or every event of `room`, until the scope is disposed. */
declare function useStellarEvent<Events, Name extends EventName<EventsOf<Events>>>(client: HookClient & WithEvents<Events>, name: Name, listener: (...args: EventArgs<EventsOf<Events>, Name>) => void): void;
declare function useStellarEvent(client: HookClient, name: string, listener: (data: any, message: ChatMessage) => void, room: string): void;
/** Stays in a room until the scope is disposed. Returns its last `limit` messages (100). */
declare function useRoom(client: HookClient, room: MaybeRefOrGetter<string>, limit?: number): Room<Readonly<Ref<readonly ChatMessage[]>>, Readonly<Ref<boolean>>, Ref<StellarError | null>>;
/** Returns a function that calls an action, and the outcome of the last call. */
declare function useAction<Actions, Name extends keyof Actions & string>(client: WithActions<Actions>, name: Name): {
    answer: Ref<any, any> extends ActionAnswer<Actions[Name]> | null ? vue.ShallowRef<null, null> | (ActionAnswer<Actions[Name]> extends infer T ? T extends ActionAnswer<Actions[Name]> ? T extends T & Ref<any, any> ? _vue_shared.IfAny<T, vue.ShallowRef<T, T>, T> : vue.ShallowRef<T, T> : never : never) : vue.ShallowRef<ActionAnswer<Actions[Name]> | null, ActionAnswer<Actions[Name]> | null>;
    error: vue.ShallowRef<StellarError | null, StellarError | null>;
    pending: Ref<boolean, boolean>;
    call: (...[params, options]: CallRest<Actions[Name]>) => Promise<ActionAnswer<Actions[Name]>>;
};

export { useAction, useConnection, useRoom, useStellarEvent };
