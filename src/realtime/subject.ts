// As whom a client is subscribed: whom PocketBase judges alike shares one upstream stream.

/** The part of a session a client is bound by. */
export interface StreamOwner {
  readonly id: string;
  readonly cid: string;
  readonly uid: string;
}

export interface Subject {
  /** Equal for callers whom PocketBase would tell the same. */
  readonly key: string;
  /** Collection and record id of a signed-in caller; "" for a guest. Of an adopted token unverified. */
  readonly who: string;
  /** Undefined for guests and adopted tokens. */
  readonly session: StreamOwner | undefined;
  /** Authorization for PocketBase; undefined for guests. */
  readonly credential: string | undefined;
}

export const GUEST: Subject = { key: "guest", who: "", session: undefined, credential: undefined };

/** False for a token that Hapta did not check: what its holder was told once is not told again. */
export const isVouchedFor = ({ session, credential }: Subject): boolean =>
  session !== undefined || credential === undefined;

/**
 * Whether a client may go over from one subject to another: as in PocketBase from guest to anybody, and between logins
 * of one record. A token that Hapta did not check gives way to a session of its record, never the other way round.
 */
export const maySucceed = (before: Subject | undefined, next: Subject): boolean => {
  if (before === undefined || before.who === "" || before.key === next.key) return true;
  return before.who === next.who && next.session !== undefined;
};
