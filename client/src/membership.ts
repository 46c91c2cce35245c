import type { RequestOptions } from "./deadline";
import type { StellarError } from "./errors";
import type { Answer, ChatMessage, HookClient } from "./types";

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

// How many there are for each room of a client: the last one to go leaves it.
const counts = new WeakMap<object, Map<string, number>>();

/** Joins a room for one component; what is returned ends that. Nothing is told after it. */
export function member(
  client: HookClient,
  room: string,
  { _joined, _failed, _said }: MembershipEvents,
): () => void {
  const rooms = counts.get(client) ?? new Map<string, number>();
  counts.set(client, rooms);
  let there = true;
  const hear = (message: ChatMessage) => {
    if (message.room === room) _said(message);
  };
  client.on("say", hear);
  rooms.set(room, (rooms.get(room) ?? 0) + 1);
  client.roomAdd(room).then(
    () => there && _joined(),
    (error: StellarError) => {
      // 017: in it already.
      if (there) error.code === "017" ? _joined() : _failed(error);
    },
  );
  return () => {
    there = false;
    client.off("say", hear);
    rooms.set(room, rooms.get(room)! - 1);
    // Later, because a component that comes instead of this one joins in the same turn.
    setTimeout(() => {
      if (rooms.get(room)) return;
      rooms.delete(room);
      client.roomLeave(room).catch(() => {});
    });
  };
}
