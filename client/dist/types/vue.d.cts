import type { MaybeRefOrGetter, Ref } from "vue";
import type { EventArgs, EventName } from "./emitter.cjs";
import type { StellarError } from "./errors.cjs";
import { type Room } from "./membership.cjs";
import type { ActionAnswer, CallRest, ChatMessage, EventsOf, HookClient, State, WithActions, WithEvents } from "./types.cjs";
/** Where a client is. */
export declare function useConnection(client: HookClient): Readonly<Ref<State>>;
/** Calls `listener` when `name` happens, or happens in `room`, until the scope ends. */
export declare function useStellarEvent<Events, Name extends EventName<EventsOf<Events>>>(client: HookClient & WithEvents<Events>, name: Name, listener: (...args: EventArgs<EventsOf<Events>, Name>) => void): void;
export declare function useStellarEvent(client: HookClient, name: string, listener: (data: any, message: ChatMessage) => void, room: string): void;
/** A room that the scope is in until it ends, and the last `limit` (100) messages of it. */
export declare function useRoom(client: HookClient, room: MaybeRefOrGetter<string>, limit?: number): Room<Readonly<Ref<readonly ChatMessage[]>>, Readonly<Ref<boolean>>, Ref<StellarError | null>>;
/** An action to call, and how its last call went. */
export declare function useAction<Actions, Name extends keyof Actions & string>(client: WithActions<Actions>, name: Name): {
    answer: Ref<any, any> extends ActionAnswer<Actions[Name]> | null ? import("vue").ShallowRef<null, null> | (ActionAnswer<Actions[Name]> extends infer T ? T extends ActionAnswer<Actions[Name]> ? T extends T & Ref<any, any> ? import("@vue/shared").IfAny<T, import("vue").ShallowRef<T, T>, T> : import("vue").ShallowRef<T, T> : never : never) : import("vue").ShallowRef<ActionAnswer<Actions[Name]> | null, ActionAnswer<Actions[Name]> | null>;
    error: import("vue").ShallowRef<StellarError | null, StellarError | null>;
    pending: Ref<boolean, boolean>;
    call: (...[params, options]: CallRest<Actions[Name]>) => Promise<ActionAnswer<Actions[Name]>>;
};
