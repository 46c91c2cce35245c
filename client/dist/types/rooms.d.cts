import { StellarError } from "./errors.cjs";
import type { Answer, Membership } from "./types.cjs";
/**
 * Takes the answer to a message. A refused one has an error, an abandoned one has nobody who waits
 * for it. Returns `true` if the refusal is none to whoever waits.
 */
export type Settle = (answer: Answer, error?: StellarError, abandoned?: boolean) => unknown;
/** What the model uses of its client. */
export interface RoomsHost {
    /** Joins or leaves a room. Rejects with the refusal, or when no answer comes in time. */
    _move(join: boolean, room: string, settle: Settle): Promise<unknown>;
    /** Asks for the details of this connection. */
    _look(settle: Settle): Promise<unknown>;
    /** Emits an event to the application. */
    _emit(name: string, ...args: unknown[]): void;
}
/** The rooms of a client: the ones it wants to be in, and the ones it is in. */
export interface Rooms {
    /** The rooms that the server counts this connection in, in the order they were joined. */
    _in(): string[];
    /** The rooms that are joined on every connection. */
    _wanted(): string[];
    /** The membership of one room. */
    _state(room: string): Membership;
    /** Wants a room until the returned function is called. */
    _hold(room: string): () => void;
    /** Follows a join or a leave that the application sends. */
    _follow(join: boolean, room: string): Settle;
    /** The application leaves a room, and nothing waits to be sent there: without a connection it is done. */
    _drop(room: string): void;
    /** A connection is open. Resolves once the details are there and rooms have been joined again. */
    _begin(): Promise<void>;
    /** The connection is lost, and every membership with it. `_flush` reports that. */
    _lost(): void;
    /** Reports the changes since the last report. */
    _flush(): void;
    /** The server says which rooms it counts this connection in. */
    _truth(rooms: string[]): void;
    /** The server destroyed a room. */
    _destroyed(room: string, error: StellarError): void;
    /** Something shows that this connection is a member of a room, or is none; or that it may have changed. */
    _evidence(room?: string, member?: boolean): void;
}
/**
 * Makes the model of a client's rooms: what is wanted, and what is. It joins and leaves until both
 * are the same: again after refusals that pass, never after final ones.
 *
 * Joins start slowly, as TCP does: each one that is answered well lets one more go at once. So of
 * what is over a message rate no more is sent than was taken, which servers bear; and after that
 * they go one at a time.
 */
export declare function memberships(host: RoomsHost, names: string[], patience: number): Rooms;
