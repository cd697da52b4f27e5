// Room in front of a body for the head that it leaves with: the two leave as they lie there, without a copy. Knows no fields.

const ROOM_BYTES = 1024;

/** A copy of a body with room for a head in front of it. */
export const withHeadRoom = (body: Uint8Array): Uint8Array => {
  const room = new Uint8Array(ROOM_BYTES + body.length);
  room.set(body, ROOM_BYTES);
  return room.subarray(ROOM_BYTES);
};

/** Bytes in front of a body that are there for its head; 0 for any other than those of {@link withHeadRoom}. */
export const headRoomOf = (body: Uint8Array): number =>
  // In this order: a small array makes its buffer when it is asked for it, which takes more memory than the array.
  body.byteOffset === ROOM_BYTES && body.buffer.byteLength === ROOM_BYTES + body.length ? ROOM_BYTES : 0;

// One for each buffer: whoever writes there knows what the others wrote.
const rooms = new WeakMap<ArrayBufferLike, HeadRoom>();

/** The room of one body. Heads of many answers lie there one after the other, each only until it is written out. */
export class HeadRoom {
  /** The room, and the body behind it. */
  readonly bytes: Buffer;
  #start = "";
  #startsAt = 0;

  private constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  /** The room in front of a body; undefined for a body without. */
  static of(body: Uint8Array): HeadRoom | undefined {
    if (headRoomOf(body) === 0) return undefined;
    const room = rooms.get(body.buffer) ?? new HeadRoom(Buffer.from(body.buffer));
    rooms.set(body.buffer, room);
    return room;
  }

  /**
   * Puts a head, latin1 in two parts, right in front of the body. A start that lies there already, as it does when the
   * rest is as long as before, is not written again.
   * @returns where it begins; negative when it is longer than the room, and nothing is written.
   */
  put(start: string, rest: string): number {
    const restAt = ROOM_BYTES - rest.length;
    const startsAt = restAt - start.length;
    if (startsAt < 0) return startsAt;
    if (startsAt !== this.#startsAt || start !== this.#start) {
      this.bytes.write(start, startsAt, "latin1");
      this.#start = start;
      this.#startsAt = startsAt;
    }
    this.bytes.write(rest, restAt, "latin1");
    return startsAt;
  }
}
