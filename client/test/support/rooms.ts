import type { Connection } from "./connection";

/** An error of the protocol. */
export class WireError {
  constructor(
    readonly code: string,
    readonly message: string,
    readonly name?: string,
  ) {}
  toJSON() {
    return { code: this.code, message: this.message, ...(this.name && { name: this.name }) };
  }
}

/** The rooms of a test server. */
export class Rooms {
  private rooms = new Map<string, Map<Connection, number>>();

  private limits = new Map<string, number>();

  create(name: string, limit = Infinity): void {
    this.rooms.set(name, new Map());
    this.limits.set(name, limit);
  }

  has(name: string): boolean {
    return this.rooms.has(name);
  }

  private get(room: unknown): Map<Connection, number> {
    if (typeof room !== "string" || !room) throw new WireError("021", "A room is required");
    const members = this.rooms.get(room);
    if (members) return members;
    throw new WireError("019", `Room (${room}) does not exists`, "ConnectionRoomNotExist Error");
  }

  join(connection: Connection, room: unknown): true {
    const members = this.get(room);
    if (members.has(connection)) {
      throw new WireError("017", `Connection (${connection.id}) already in room (${room})`);
    }
    if (members.size >= this.limits.get(room as string)!) {
      throw new WireError("024", `Room (${room}) is full`);
    }
    members.set(connection, Date.now());
    connection.rooms.push(room as string);
    return true;
  }

  leave(connection: Connection, room: unknown): true {
    this.member(connection, room).delete(connection);
    connection.rooms = connection.rooms.filter((other) => other !== room);
    return true;
  }

  leaveAll(connection: Connection): void {
    for (const room of connection.rooms) this.leave(connection, room);
  }

  view(room: unknown) {
    const members = this.get(room);
    return {
      room,
      members: Object.fromEntries(
        [...members].map(([{ id }, joinedAt]) => [id, { id, joinedAt }]),
      ),
      membersCount: members.size,
    };
  }

  /** The members of a room, if this connection is one of them. */
  member(connection: Connection, room: unknown): Map<Connection, number> {
    const members = this.get(room);
    if (members.has(connection)) return members;
    throw new WireError("016", `Connection (${connection.id}) not in room (${room})`);
  }

  say(room: string, from: string | 0, message: unknown): void {
    for (const member of this.get(room).keys()) {
      member.write({ message, room, from, context: "user", sentAt: Date.now() });
    }
  }

  destroy(room: string): void {
    const error = new WireError(
      "018",
      `Room (${room}) has been deleted`,
      "ConnectionRoomHasBeenDeleted Error",
    );
    this.say(room, 0, { event: "destroy", data: error.toJSON() });
    for (const member of this.get(room).keys()) this.leave(member, room);
    this.rooms.delete(room);
  }
}
