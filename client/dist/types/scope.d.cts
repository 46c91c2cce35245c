import type { Listener } from "./emitter.cjs";
import type { Answer } from "./types.cjs";
/** What a scope uses of its client. */
export interface ScopeHost {
    on(name: string, fn: Listener): unknown;
    off(name: string, fn?: Listener): unknown;
}
/** The name under which an event of one room is told: no two rooms and events have the same. */
export declare const scoped: (room: string, event: string) => string;
/** Some rooms, to send events to or to hear events from. */
export declare class Scope {
    private _client;
    private _rooms;
    constructor(_client: ScopeHost, rooms: string | string[]);
    /** Adds rooms. */
    to(rooms: string | string[]): Scope;
    /** The same as {@link to}, for reading. */
    from(rooms: string | string[]): Scope;
    /** The same as {@link to}, as a guide spells it. */
    for(rooms: string | string[]): Scope;
    /** Sends an event to each of the rooms. */
    emit(event: string, data?: unknown): Promise<Answer[]>;
    /** Calls `fn(data, message)` when the event happens in one of the rooms. */
    on(event: string, fn: (data: any, message: any) => void): this;
    /** Takes {@link on} back. */
    off(event: string, fn?: Listener): this;
}
