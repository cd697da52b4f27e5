// The only place that answers "who is this". A relay needs to know two things: that the header cannot be
// read two ways, and whether the caller claims to be a superuser. PocketBase verifies every token.
import { Refusal } from "../errors.ts";
import type { Principal, Stage } from "../exchange.ts";
import { namesSuperusers } from "../pocketbase/routes.ts";
import type { Services } from "../services.ts";

/** Longest Authorization value that is looked at; PocketBase's own tokens are under 400 bytes. */
const TOKEN_BYTES_MAX = 4096;
const CLAIMS_MAX = 4096;
// Visible ASCII and single blanks; a comma would be two values joined by a proxy (RFC 9110 section 5.2).
const AUTHORIZATION = /^[\x21-\x2b\x2d-\x7e]+(?: [\x21-\x2b\x2d-\x7e]+)*$/;

const GUEST: Principal = { kind: "guest" };
const RECORD: Principal = { kind: "record" };
const SUPERUSER: Principal = { kind: "superuser" };

export const createIdentify = ({ isAdminClient }: Services): Stage => {
  // Reading a token's claims costs a decode; a session presents the same token again and again.
  const claimed = new Map<string, Principal>();

  const principalOf = (authorization: string): Principal => {
    const known = claimed.get(authorization);
    if (known !== undefined) return known;
    const principal = readClaims(authorization);
    if (claimed.size >= CLAIMS_MAX) claimed.clear();
    claimed.set(authorization, principal);
    return principal;
  };

  return (exchange) => {
    const { authorizations } = exchange;
    const authorization = authorizations[0] ?? "";
    if (authorizations.length > 1) throw new Refusal("authorization_invalid");
    if (authorization === "") {
      exchange.principal = GUEST;
      return undefined;
    }
    if (authorization.length > TOKEN_BYTES_MAX || !AUTHORIZATION.test(authorization)) {
      throw new Refusal("authorization_invalid");
    }
    exchange.principal = principalOf(authorization);
    if (exchange.principal.kind === "superuser" && !isAdminClient(exchange.client)) {
      throw new Refusal("superuser_refused");
    }
    return undefined;
  };
};

/** What the token claims to be; anything that is not a record token is a guest to PocketBase. */
const readClaims = (authorization: string): Principal => {
  const token = authorization.replace(/^bearer /i, "");
  const payload = token.split(".")[1];
  if (payload === undefined) return GUEST;
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, "base64url").toString("utf8"));
    const collection =
      typeof claims === "object" && claims !== null ? Reflect.get(claims, "collectionId") : undefined;
    if (typeof collection !== "string") return GUEST;
    return namesSuperusers(collection) ? SUPERUSER : RECORD;
  } catch {
    return GUEST; // not a token; PocketBase treats it the same way
  }
};
