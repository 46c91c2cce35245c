import type { RequestOptions } from "./deadline";
import type { Answer, ChatMessage, HookClient, Membership } from "./types";

/** A room as a component sees it. */
export interface Room<Messages, Joined, Failure> {
  /** What was said since it came in, the oldest first. */
  messages: Messages;
  /** Whether it is in: never without a connection. */
  joined: Joined;
  /** Why it is not, if it was refused. After refusals that pass it tries again. */
  error: Failure;
  /** Says something there. */
  say(message: unknown, options?: RequestOptions): Promise<Answer>;
}

/** What a membership tells. */
export interface MembershipEvents {
  _changed(membership: Membership): void;
  _said(message: ChatMessage): void;
}

/** Stays in a room for one component; what is returned ends that. Nothing is told after it. */
export function member(
  client: HookClient,
  room: string,
  { _changed, _said }: MembershipEvents,
): () => void {
  const hear = (message: ChatMessage) => {
    if (message.room === room) _said(message);
  };
  client.on("say", hear);
  const leave = client.subscribe(room, _changed);
  return () => {
    client.off("say", hear);
    leave();
  };
}
