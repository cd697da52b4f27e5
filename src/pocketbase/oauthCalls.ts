// What Hapta asks PocketBase in a visitor's name when it runs an OAuth2 login itself: which providers there are, and
// who a provider's code belongs to. Control-plane calls with a deadline and a bound; decides nothing.
import type { Secret } from "../utils/secret.ts";
import { createUpstreamFetch } from "./upstreamFetch.ts";

const METHODS_MS = 10_000;
/** PocketBase asks the provider twice meanwhile, each time with patience of its own. */
const REDEEM_MS = 30_000;
const ANSWER_BYTES_MAX = 1_048_576;
const FIELDS = ["name", "displayName", "authURL", "codeVerifier"]
  .map((name) => `oauth2.providers.${name}`)
  .join();

/** A code to redeem, and for whom. */
export interface CodeRedemption {
  /** Name or id of the auth collection. */
  readonly collection: string;
  readonly provider: string;
  readonly code: string;
  readonly codeVerifier: string;
  readonly redirectUrl: string;
  /** PocketBase's token of the member whom the provider is to be linked to. */
  readonly credential: string | undefined;
  readonly visitor: Visitor;
}

/** The browser that stands behind a call, as PocketBase shall see it. */
export interface Visitor {
  readonly address: string;
  readonly userAgent: string;
}

/** PocketBase's answer; `json` is undefined when the body is no JSON. */
export interface RedeemAnswer {
  readonly status: number;
  readonly json: unknown;
}

export interface OAuthCalls {
  /** The login methods of a collection as a guest sees them; undefined when PocketBase could not be asked. Never rejects. */
  loginMethods(collection: string, clientAddress: string): Promise<unknown>;
  /** What the holder of a token calls himself: e-mail, name or id; undefined when PocketBase could not be asked. */
  accountOf(collection: string, token: string): Promise<string | undefined>;
  /** Redeems a code (at most 30 s); undefined without an answer, or with one over 1 MiB. Never rejects. */
  redeem(redemption: CodeRedemption): Promise<RedeemAnswer | undefined>;
}

/** How PocketBase is asked. */
export interface OAuthCallOptions {
  /** For a guard hook of PocketBase's. */
  readonly guard?: Secret | undefined;
  /** Patience for a code's redemption; 30 s when absent, and at most. */
  readonly redeemMs?: number;
}

/** @param url - Base address of PocketBase, without a trailing slash. */
export const createOAuthCalls = (
  url: string,
  { guard, redeemMs = REDEEM_MS }: OAuthCallOptions = {},
): OAuthCalls => {
  const fetchUpstream = createUpstreamFetch(url, guard);
  const placeOf = (collection: string): string => `/api/collections/${encodeURIComponent(collection)}`;
  const ask = async (place: string, init: RequestInit): Promise<RedeemAnswer | undefined> => {
    try {
      const response = await fetchUpstream(place, { ...init, redirect: "manual" });
      const text = await readText(response);
      return text === undefined ? undefined : { status: response.status, json: parsed(text) };
    } catch {
      return undefined; // unreachable, too slow or cut off
    }
  };
  return {
    loginMethods: async (collection, clientAddress) => {
      const answer = await ask(`${placeOf(collection)}/auth-methods?fields=${FIELDS}`, {
        headers: { "X-Forwarded-For": clientAddress },
        signal: AbortSignal.timeout(METHODS_MS),
      });
      // A collection without logins has no providers; anything else says nothing about them.
      return answer?.status === 200 || answer?.status === 404 ? (answer.json ?? {}) : undefined;
    },
    accountOf: async (collection, token) => {
      const answer = await ask(
        `${placeOf(collection)}/auth-refresh?fields=record.id,record.email,record.username,record.name`,
        {
          method: "POST",
          headers: { Authorization: token },
          signal: AbortSignal.timeout(METHODS_MS),
        },
      );
      const record = answer?.status === 200 ? memberOf(answer.json, "record") : undefined;
      const names = ["email", "username", "name", "id"].map((name) => memberOf(record, name));
      return names.find((name): name is string => typeof name === "string" && name !== "");
    },
    redeem: (redemption) => {
      const { collection, provider, code, codeVerifier, redirectUrl, credential, visitor } = redemption;
      return ask(`${placeOf(collection)}/auth-with-oauth2`, {
        method: "POST",
        headers: {
          "Content-Type": "application/json",
          "User-Agent": visitor.userAgent,
          "X-Forwarded-For": visitor.address,
          ...(credential === undefined ? {} : { Authorization: credential }),
        },
        body: JSON.stringify({ provider, code, codeVerifier, redirectURL: redirectUrl }),
        signal: AbortSignal.timeout(Math.min(redeemMs, REDEEM_MS)),
      });
    },
  };
};

const readText = async ({ body }: Response): Promise<string | undefined> => {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of body ?? []) {
    bytes += part.length;
    if (bytes > ANSWER_BYTES_MAX) return undefined;
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
};

const memberOf = (value: unknown, name: string): unknown =>
  typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // not PocketBase's
  }
};
