import { WithActions, CallRest, ActionAnswer, StellarError, HookClient, State, Room, ChatMessage, EventName, EventsOf, WithEvents, EventArgs } from "./index.cjs";

/** Returns the state of a client. The component re-renders when it changes. */
declare function useConnection(client: HookClient): State;
/** Calls `listener` on every event `name`, or every event of `room`, while the component is mounted. */
declare function useStellarEvent<Events, Name extends EventName<EventsOf<Events>>>(client: HookClient & WithEvents<Events>, name: Name, listener: (...args: EventArgs<EventsOf<Events>, Name>) => void): void;
declare function useStellarEvent(client: HookClient, name: string, listener: (data: any, message: ChatMessage) => void, room: string): void;
/** Stays in a room while the component is mounted. Returns its last `limit` messages (100). */
declare function useRoom(client: HookClient, room: string, limit?: number): Room<readonly ChatMessage[], boolean, StellarError | null>;
/** Returns a function that calls an action, and the outcome of the last call. */
declare function useAction<Actions, Name extends keyof Actions & string>(client: WithActions<Actions>, name: Name): {
    call: (...[params, options]: CallRest<Actions[Name]>) => Promise<ActionAnswer<Actions[Name]>>;
    answer: ActionAnswer<Actions[Name]> | null;
    error: StellarError | null;
    pending: boolean;
};

export { useAction, useConnection, useRoom, useStellarEvent };
