import type { RequestOptions } from "./deadline";
import type { Answer, ChatMessage, HookClient, Membership } from "./types";

/** The state of a room in a component. */
export interface Room<Messages, Joined, Failure> {
  /** The messages received since the room was joined, oldest first. */
  messages: Messages;
  /** Whether the connection is a member. Always `false` while disconnected. */
  joined: Joined;
  /** The last refusal, or `null`. The client retries after temporary refusals. */
  error: Failure;
  /** Sends a message to the room. */
  say(message: unknown, options?: RequestOptions): Promise<Answer>;
}

/** The callbacks of {@link member}. */
export interface MembershipEvents {
  _changed(membership: Membership): void;
  _message(message: ChatMessage): void;
}

/** Stays in a room until the returned function is called. No callback runs after that. */
export function member(
  client: HookClient,
  room: string,
  { _changed, _message }: MembershipEvents,
): () => void {
  const listener = (message: ChatMessage) => {
    if (message.room === room) _message(message);
  };
  client.on("say", listener);
  const leave = client.subscribe(room, _changed);
  return () => {
    client.off("say", listener);
    leave();
  };
}
