// File tokens in URLs: Hapta's is resolved to its session and replaced by PocketBase's own, which is asked
// for once per session and kept as long as it lasts. URLs that Hapta has signed get one that reads any file.
import type { Exchange } from "../exchange.ts";
import { isSignedToken, UrlSigner } from "../files/signedUrl.ts";
import type { FileKey } from "../pocketbase/fileKey.ts";
import type { LiveSchema } from "../pocketbase/liveSchema.ts";
import type { MemberCalls } from "../pocketbase/memberCalls.ts";
import { namesSuperusers } from "../pocketbase/routes.ts";
import type { Session } from "../sessions/liveSessions.ts";
import type { Sessions } from "../sessions/sessions.ts";
import type { Client } from "../utils/address.ts";
import { claimsOf } from "../utils/jwt.ts";

/** PocketBase's file tokens last 180 s by default and never less than 10. */
const KEPT_MS = 8_000;
const KEPT_MAX = 10_000;

interface FileTokenParts {
  readonly sessions: Sessions;
  readonly memberCalls: MemberCalls;
  readonly collections: LiveSchema;
  readonly fileKey: FileKey;
  readonly isAdminClient: (client: Client) => boolean;
  /** Whether PocketBase's own file tokens are let through. */
  readonly adopts: boolean;
}

/** Exchanges the `token` parameter of an exchange's query, in place. */
export type SwapFileToken = (exchange: Exchange) => Promise<undefined>;

export const createSwapFileToken = (parts: FileTokenParts): SwapFileToken => {
  const { sessions, memberCalls, fileKey, isAdminClient, adopts } = parts;
  const isSignedFor = createSignedCheck(parts);
  const kept = new Map<string, { readonly token: string; readonly untilMs: number }>();

  const upstreamFileToken = async (session: Session, exchange: Exchange): Promise<string | undefined> => {
    const credential = sessions.upstreamToken(session);
    if (credential === undefined) return undefined;
    const nowMs = performance.now();
    const known = kept.get(session.id);
    if (known !== undefined && known.untilMs > nowMs) return known.token;
    const token = await memberCalls.fileToken(credential, exchange.client.address);
    if (token === undefined) return undefined;
    if (kept.size >= KEPT_MAX) kept.clear();
    kept.set(session.id, { token, untilMs: nowMs + KEPT_MS });
    return token;
  };

  const mintFor = async (exchange: Exchange, token: string): Promise<Mint> => {
    if (isSignedToken(token)) return isSignedFor(exchange, token) ? fileKey : mintNone;
    const verdict = await sessions.resolveFileToken(token);
    const cid = verdict.kind === "live" ? verdict.session.cid : (claimsOf(token)?.collectionId ?? "");
    // As with their other tokens: from outside a superuser's counts for nothing.
    const isRefused = namesSuperusers(cid) && !isAdminClient(exchange.client);
    if (adopts && verdict.kind === "invalid" && !isRefused) return () => Promise.resolve(token);
    if (verdict.kind !== "live" || isRefused) return mintNone;
    return () => upstreamFileToken(verdict.session, exchange);
  };

  return async (exchange) => {
    const asked = exchange.query;
    const token = firstToken(asked);
    if (token === undefined) return undefined;
    const mint = await mintFor(exchange, token);
    const renewQuery = async (): Promise<string> => withToken(asked, (await mint()) ?? "");
    exchange.query = await renewQuery();
    exchange.renewQuery = renewQuery;
    return undefined;
  };
};

/** A token of PocketBase's for whom a token in a URL stands for; undefined when that is nobody any more. */
type Mint = () => Promise<string | undefined>;

const mintNone: Mint = () => Promise.resolve(undefined);

const FILE_PATH = /^\/api\/files\/(\w+)\/(\w+)\/([\w.-]+)$/;

// The signer's right to the file was looked at when the URL was signed.
const createSignedCheck = ({ sessions, collections }: FileTokenParts) => {
  const signer = new UrlSigner(sessions.root.derive("files", "sign"));
  return ({ path }: Exchange, token: string): boolean => {
    const [, segment = "", recordId = "", name = ""] = FILE_PATH.exec(path) ?? [];
    const collectionId = collections.current().find(segment)?.id;
    return collectionId !== undefined && signer.verify(token, { collectionId, recordId, name }, Date.now());
  };
};

/** Whether a query has a `token` in some spelling. */
export const carriesToken = (query: string): boolean =>
  (query.includes("token") || query.includes("%")) && firstToken(query) !== undefined;

// Undefined without a `token` pair. PocketBase takes the first that it can decode, which may be another one than this: all
// of them are replaced.
const firstToken = (query: string): string | undefined => {
  for (const pair of query.split("&")) {
    const [name, value] = decoded(pair);
    if (name === "token") return value;
  }
  return undefined;
};

// Replaces every `token` pair by one, the others stay as they were written.
const withToken = (query: string, token: string): string => {
  const others = query.split("&").filter((pair) => decoded(pair)[0] !== "token");
  return [...others, `token=${encodeURIComponent(token)}`].join("&");
};

// The `&` keeps a leading question mark, which URLSearchParams would drop and PocketBase does not.
const decoded = (pair: string): readonly [string, string] =>
  new URLSearchParams(`&${pair}`).entries().next().value ?? ["", ""];
