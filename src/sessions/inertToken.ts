// What a page sees of a session that lives in a cookie: the claims the SDK reads, and nothing that proves anything.
// Nobody verifies it, because it counts for nothing.
import { encodeJson } from "./token.ts";

/** `alg: none` (RFC 7519 section 6.1) and a type of its own: no verifier of Hapta's takes it, nor does PocketBase. */
const HEADER = Buffer.from(JSON.stringify({ alg: "none", typ: "hapta-cookie+jwt" })).toString("base64url");

/** Third segment, so that readers which want one find one. */
const TAIL = "cookie";

/** The claims of PocketBase's own tokens, and the issuer. The secret name of the session and its proof stay out. */
const SHOWN = ["collectionId", "exp", "id", "iss", "refreshable", "type"] as const;

/** An inert token with the public claims of one of Hapta's tokens. */
export const inertTokenOf = (token: string): string => {
  const claims: unknown = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString("utf8"));
  const shown = SHOWN.map((name) => [name, Reflect.get(Object(claims), name)] as const);
  return `${HEADER}.${encodeJson(Object.fromEntries(shown))}.${TAIL}`;
};

/** Whether a token is such a one; says nothing about who sent it. */
export const isInertToken = (token: string): boolean => token.startsWith(`${HEADER}.`);
