// Whether a token counts, for a server that was handed it (RFC 7662). Looks only: it is no use of the token, so it
// neither confirms a generation nor counts as a replay.
import type { LiveSessions, Session } from "./liveSessions.ts";
import type { Resolver } from "./resolver.ts";
import { judgeUse } from "./rotation.ts";
import type { SessionContext } from "./sessionContext.ts";
import type { UpstreamCheck } from "./upstreamCheck.ts";

/** What is known of a token that counts. Times in Unix seconds, as in the token. */
export interface Introspection {
  readonly session: Session;
  readonly iat: number;
  readonly exp: number;
  readonly issuer: string;
  readonly audience: string;
}

export interface IntrospectionParts {
  readonly lives: LiveSessions;
  readonly resolver: Resolver;
  readonly upstream: UpstreamCheck;
}

/**
 * Undefined for whatever a request with this token would not be served by: forged, expired, superseded, revoked.
 *
 * @throws StoreUnavailable
 */
export const introspect = async (
  context: SessionContext,
  { lives, resolver, upstream }: IntrospectionParts,
  token: string,
): Promise<Introspection | undefined> => {
  const verified = await resolver.verify(token, "auth");
  if (!("live" in verified)) return undefined;
  const { claims, live } = verified;
  if ((await upstream.dueCheck(live)) === false) return undefined;
  // Always on what the store says now: another process may have rolled or ended it.
  const fresh = lives.read(live.row.id);
  if (fresh.kind !== "live") return undefined;
  const { row, session } = fresh.live;
  // The device is not at hand, and cannot matter: only judgements that accept no matter who presents are used.
  const presented = { gen: claims.gen, issuedAtMs: claims.iat * 1000, device: row.rotation.minter };
  const use = judgeUse(row.rotation, presented, {
    nowMs: context.times.steady(),
    rules: context.rulesOf(row.kind),
  });
  if (use.kind === "stale" || use.kind === "revoke") return undefined;
  const exp = Math.floor(Math.min(claims.exp * 1000, row.absExpMs, row.upExpMs) / 1000);
  return { session, iat: claims.iat, exp, issuer: "hapta", audience: context.store.instance };
};
