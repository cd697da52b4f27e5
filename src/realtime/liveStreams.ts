// Which relayed realtime stream belongs to which session, so that a stream ends with the session that
// subscribed on it. Streams still come from PocketBase as they are.
import type { BodySink, BodySource } from "../http/answer.ts";

/** The part of a session a stream is bound by. */
export interface StreamOwner {
  readonly id: string;
  readonly cid: string;
  readonly uid: string;
}

/** Sessions that ended; without ids all of the record, the collection, or everybody. */
export interface EndedOwners {
  readonly ids: readonly string[];
  readonly cid: string | undefined;
  readonly uid: string | undefined;
}

interface LiveStream {
  readonly address: string;
  readonly cut: () => void;
  owner: StreamOwner | undefined;
}

// PocketBase's first event: 40 letters and digits, repeated on every later one.
const CLIENT_ID = /^id:([A-Za-z0-9]{15,64})\r?\n/;
/** The first event is under 150 bytes; what has no id by then never will. */
const PREFIX_BYTES_MAX = 1024;

/** One entry per open stream that has said its client id; the pool bounds their number. */
export class LiveStreams {
  readonly #byClient = new Map<string, LiveStream>();
  // Session id -> streams it is subscribed on.
  readonly #owned = new Map<string, number>();

  /** Streams known at present. */
  get size(): number {
    return this.#byClient.size;
  }

  /** The same stream, remembered by the client id it announces until it ends; `address` is who opened it. */
  track(source: BodySource, address: string): BodySource {
    let clientId: string | undefined;
    let isOver = false;
    const over = (): void => {
      isOver = true;
      if (clientId === undefined) return;
      this.#own(this.#byClient.get(clientId), undefined);
      this.#byClient.delete(clientId);
    };
    return {
      resume: () => source.resume(),
      cancel: () => {
        over();
        source.cancel();
      },
      start: (sink) => {
        const cut = (): void => {
          if (isOver) return;
          over();
          source.cancel();
          // A clean end: the SDK connects again, as whoever it is then.
          sink.end();
        };
        const note = (id: string): void => {
          clientId = id;
          this.#byClient.set(id, { address, cut, owner: undefined });
        };
        source.start(watched(sink, { note, over, isOver: () => isOver }));
      },
    };
  }

  /** The client address that opened a stream; undefined when no such stream is open here. */
  addressOf(clientId: string): string | undefined {
    return this.#byClient.get(clientId)?.address;
  }

  /** Binds a stream to the session that subscribed on it. */
  bind(clientId: string, owner: StreamOwner): void {
    const stream = this.#byClient.get(clientId);
    if (stream !== undefined) this.#own(stream, owner);
  }

  /** Streams a session is subscribed on, not counting the one of `clientId`. */
  ownedBesides(sessionId: string, clientId: string): number {
    const owned = this.#owned.get(sessionId) ?? 0;
    return this.#byClient.get(clientId)?.owner?.id === sessionId ? owned - 1 : owned;
  }

  /** Ends the streams of sessions that are over. @returns how many. */
  end({ ids, cid, uid }: EndedOwners): number {
    const wanted = new Set(ids);
    const isMeant = (owner: StreamOwner): boolean => {
      if (wanted.size > 0) return wanted.has(owner.id);
      return (
        (cid === undefined || owner.cid === cid) && (uid === undefined || uid === "" || owner.uid === uid)
      );
    };
    const meant = [...this.#byClient.values()].filter(({ owner }) => owner !== undefined && isMeant(owner));
    for (const stream of meant) stream.cut();
    return meant.length;
  }

  #own(stream: LiveStream | undefined, owner: StreamOwner | undefined): void {
    if (stream === undefined) return;
    if (stream.owner !== undefined) {
      const left = (this.#owned.get(stream.owner.id) ?? 1) - 1;
      if (left > 0) this.#owned.set(stream.owner.id, left);
      else this.#owned.delete(stream.owner.id);
    }
    stream.owner = owner;
    if (owner !== undefined) this.#owned.set(owner.id, (this.#owned.get(owner.id) ?? 0) + 1);
  }
}

interface Watch {
  readonly note: (clientId: string) => void;
  readonly over: () => void;
  readonly isOver: () => boolean;
}

const watched = (sink: BodySink, { note, over, isOver }: Watch): BodySink => {
  let prefix: string | undefined = "";
  const look = (chunk: Uint8Array): void => {
    if (prefix === undefined) return;
    prefix += Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength).toString("latin1");
    const found = CLIENT_ID.exec(prefix)?.[1];
    if (found !== undefined) note(found);
    if (found !== undefined || prefix.length > PREFIX_BYTES_MAX) prefix = undefined;
  };
  return {
    data: (chunk) => {
      look(chunk);
      return isOver() || sink.data(chunk);
    },
    end: () => {
      if (isOver()) return;
      over();
      sink.end();
    },
    fail: (error) => {
      if (isOver()) return;
      over();
      sink.fail(error);
    },
  };
};
