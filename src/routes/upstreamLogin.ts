// What one of PocketBase's tokens says about a login, and the session that is opened for it. Finds no tokens.
import type { Exchange } from "../exchange.ts";
import { presenterOf } from "../middleware/identify.ts";
import { SUPERUSERS_ID } from "../pocketbase/routes.ts";
import type { OpenRequest } from "../sessions/opening.ts";
import { claimsOf } from "../utils/jwt.ts";
import { upstreamTokensIn } from "../utils/upstreamTokens.ts";

/** PocketBase's token of a login, with what it says of itself. */
export interface UpstreamToken {
  readonly token: string;
  readonly id: string;
  readonly collectionId: string;
  readonly expMs: number;
  readonly isRefreshable: boolean;
}

/** Reads a value of an answer as the token of a login; undefined when it is none. Whether it counts is not asked. */
export const upstreamTokenOf = (token: unknown): UpstreamToken | undefined => {
  // `fields` may have cut it short: such a one opens nothing.
  if (typeof token !== "string" || upstreamTokensIn(token)[0] !== token) return undefined;
  const { id, collectionId, type, exp, refreshable = true } = claimsOf(token) ?? {};
  if (id === undefined || collectionId === undefined || type !== "auth" || exp === undefined)
    return undefined;
  return { token, id, collectionId, expMs: exp * 1000, isRefreshable: refreshable };
};

/**
 * The session to open for a token that PocketBase has handed out in answer to this exchange. A login replaces the
 * session it was asked with; impersonation and the app's own routes may speak of other people or devices.
 */
export const loginOf = (exchange: Exchange, found: UpstreamToken): OpenRequest => {
  const { principal, proven, route, id, credential } = exchange;
  const isImpersonation = route.operation === "impersonate";
  const isOwnLogin = route.kind === "auth" && !isImpersonation;
  const replaced = principal.kind === "record" && isOwnLogin ? principal.session?.id : undefined;
  return {
    cid: found.collectionId,
    uid: found.id,
    kind: kindOf(found),
    upstream: { token: found.token, expMs: found.expMs },
    presenter: presenterOf(exchange),
    authTimeMs: askedMsOf(exchange),
    amr: METHODS[route.operation ?? ""] ?? "custom",
    // What a superuser has made for somebody else cannot be bound to the superuser's key.
    jkt: isImpersonation ? undefined : proven.jkt,
    appId: proven.appId,
    // PocketBase lets superusers only: an adopted token that got through names one.
    maker: isImpersonation ? claimsOf(credential ?? "")?.id : undefined,
    replaces: replaced,
    request: id,
  };
};

/** When the request arrived, in Unix ms: PocketBase was asked no earlier. */
export const askedMsOf = ({ startedMs }: Exchange): number => Date.now() - (performance.now() - startedMs);

/** RFC 8176 names for the ways to log in. */
const METHODS: Readonly<Record<string, string>> = {
  "auth-with-password": "pwd",
  "auth-with-otp": "otp",
  "auth-with-oauth2": "fed",
  "auth-refresh": "adopted",
  impersonate: "impersonated",
};

const kindOf = (found: UpstreamToken): "record" | "superuser" | "impersonated" => {
  if (!found.isRefreshable) return "impersonated";
  return found.collectionId === SUPERUSERS_ID ? "superuser" : "record";
};
