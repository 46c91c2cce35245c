import { WithActions, CallRest, ActionAnswer, StellarError, HookClient, State, Room, ChatMessage, EventName, EventsOf, WithEvents, EventArgs } from "./index.mjs";

/** Where a client is; the component renders again when that changes. */
declare function useConnection(client: HookClient): State;
/** Calls `listener` when `name` happens, or happens in `room`, for as long as the component is there. */
declare function useStellarEvent<Events, Name extends EventName<EventsOf<Events>>>(client: HookClient & WithEvents<Events>, name: Name, listener: (...args: EventArgs<EventsOf<Events>, Name>) => void): void;
declare function useStellarEvent(client: HookClient, name: string, listener: (data: any, message: ChatMessage) => void, room: string): void;
/** A room the component is in while it is there, and the last `limit` (100) messages of it. */
declare function useRoom(client: HookClient, room: string, limit?: number): Room<readonly ChatMessage[], boolean, StellarError | null>;
/** An action to call, and how its last call went. */
declare function useAction<Actions, Name extends keyof Actions & string>(client: WithActions<Actions>, name: Name): {
    call: (...[params, options]: CallRest<Actions[Name]>) => Promise<ActionAnswer<Actions[Name]>>;
    answer: ActionAnswer<Actions[Name]> | null;
    error: StellarError | null;
    pending: boolean;
};

export { useAction, useConnection, useRoom, useStellarEvent };
