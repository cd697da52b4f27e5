// Whose clients there are: how many each session has, and which sessions are over. Knows no clients by name.
import type { StreamOwner, Subject } from "./subject.ts";

/** Sessions that ended; without ids all of the record, the collection, or everybody. */
export interface EndedOwners {
  readonly ids: readonly string[];
  readonly cid: string | undefined;
  readonly uid: string | undefined;
}

/** What is asked about sessions; both throw while they cannot be read. */
export interface Logins {
  /** PocketBase's token now; undefined when it has ended. */
  upstreamToken(session: StreamOwner): string | undefined;
  isLive(session: StreamOwner): boolean;
}

/** Says of a session whether it is meant, or over. */
export type IsOwner = (session: StreamOwner) => boolean;

/** Whether a session is one of those that ended. */
export const createIsEnded = ({ ids, cid, uid }: EndedOwners): IsOwner => {
  const wanted = new Set(ids);
  return (owner) => {
    if (wanted.size > 0) return wanted.has(owner.id);
    return (cid === undefined || owner.cid === cid) && (uid === undefined || uid === "" || owner.uid === uid);
  };
};

export class Owners {
  /** Whether a session is over; one that cannot be read for a moment is not. */
  readonly isOver: IsOwner = (session) => !attempt(() => this.#logins.isLive(session), true);
  readonly #logins: Logins;
  // Session id -> clients it is subscribed on.
  readonly #clients = new Map<string, number>();

  constructor(logins: Logins) {
    this.#logins = logins;
  }

  /** Clients a session is subscribed on. */
  clientsOf(sessionId: string): number {
    return this.#clients.get(sessionId) ?? 0;
  }

  /** Notes that a session is subscribed on one client more or less; does nothing for a guest. */
  note(session: StreamOwner | undefined, by: 1 | -1): void {
    if (session === undefined) return;
    const clients = this.clientsOf(session.id) + by;
    if (clients > 0) this.#clients.set(session.id, clients);
    else this.#clients.delete(session.id);
  }

  /** As whom PocketBase may be asked now; undefined for guests, and when a session has ended or cannot be read. */
  credentialOf({ session, credential }: Subject): string | undefined {
    return session === undefined ? credential : attempt(() => this.#logins.upstreamToken(session), undefined);
  }
}

const attempt = <T>(work: () => T, otherwise: T): T => {
  try {
    return work();
  } catch {
    return otherwise; // the store of sessions does not work just now
  }
};
