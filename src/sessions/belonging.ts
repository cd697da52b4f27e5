// Whether a token belongs to a session, and a session to who presents it. Pure tests over what was verified and read; what
// follows from them is decided by the callers.
import type { Presenter } from "./device.ts";
import type { Live } from "./liveSessions.ts";
import type { SessionContext } from "./sessionContext.ts";
import { type Claims, isSameProof, proofOf } from "./token.ts";

/**
 * Whether whoever made a token meant this session's record and had the session's own key at hand.
 *
 * @param proven - The session in memory that this token was held against before: its key does not change.
 */
export const belongsTo = (claims: Claims, live: Live, proven?: Live): boolean => {
  const { id, collectionId, jkt, type, jti, gen, iat } = claims;
  const { row, sessionKey } = live;
  if (id !== row.uid || collectionId !== row.cid || jkt !== row.jkt) return false;
  if (live === proven) return true;
  return isSameProof(
    jti,
    type === "auth" ? proofOf(sessionKey, "jti", gen) : proofOf(sessionKey, "file", iat),
  );
};

/** Whether a presenter may use a session as far as its key is concerned. */
export const holdsKey = (
  { requiresKey }: SessionContext,
  { row }: Live,
  { jkt }: Pick<Presenter, "jkt">,
): boolean => (row.jkt === undefined ? !(requiresKey && row.kind === "record") : row.jkt === jkt);
