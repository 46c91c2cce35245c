import type { RequestOptions } from "./deadline.cjs";
import type { StellarError } from "./errors.cjs";
import type { Answer, ChatMessage, HookClient } from "./types.cjs";
/** A room as a component sees it. */
export interface Room<Messages, Joined, Failure> {
    /** What was said since it came in, the oldest first. */
    messages: Messages;
    /** Whether it is in. */
    joined: Joined;
    /** Why it is not. */
    error: Failure;
    /** Says something there. */
    say(message: unknown, options?: RequestOptions): Promise<Answer>;
}
/** What a membership tells. */
export interface MembershipEvents {
    _joined(): void;
    _failed(error: StellarError): void;
    _said(message: ChatMessage): void;
}
/** Joins a room for one component; what is returned ends that. Nothing is told after it. */
export declare function member(client: HookClient, room: string, { _joined, _failed, _said }: MembershipEvents): () => void;
