// What Hapta asks PocketBase in a member's name: whether a login still counts, and for file tokens.
// Control-plane calls with a deadline; the data plane has its own client.
import { claimsOf } from "../utils/jwt.ts";
import type { Secret } from "../utils/secret.ts";
import { createUpstreamFetch } from "./upstreamFetch.ts";

const DEADLINE_MS = 10_000;

/** Whether an upstream token still counts. `unknown`: PocketBase could not be asked. */
export type TokenState =
  | { readonly kind: "alive"; readonly upstream?: { readonly token: string; readonly expMs: number } }
  | { readonly kind: "dead" }
  | { readonly kind: "unknown" };

export interface MemberCalls {
  /**
   * Whether the token still counts. `login` refreshes it: a refusal means that PocketBase would not have its holder log in
   * again. `token` asks for a file token, which runs no code about logins; dead is only what PocketBase does not accept at
   * all. Never rejects.
   */
  probe(token: string, depth: "token" | "login"): Promise<TokenState>;
  /** A file token for the holder of `token`; undefined when PocketBase gives none. Never rejects. */
  fileToken(token: string, clientAddress: string): Promise<string | undefined>;
  /** Whether a GET of this path answers 200 to the holder of `token`; undefined when nobody can say. Never rejects. */
  maySee(token: string, path: string, clientAddress: string): Promise<boolean | undefined>;
  /** The record that a GET of this path shows the holder of `token`, of at most 1 MB; undefined for none. Never rejects. */
  view(
    token: string,
    path: string,
    clientAddress: string,
  ): Promise<Readonly<Record<string, unknown>> | undefined>;
  /** Whether the holder of `token` may read the file at this path; undefined when nobody can say. Never rejects. */
  mayReadFile(token: string, path: string, clientAddress: string): Promise<boolean | undefined>;
}

/** @param url - Base address of PocketBase, without a trailing slash. @param guard - For a guard hook there. */
export const createMemberCalls = (url: string, guard?: Secret): MemberCalls => {
  const ask = createUpstreamFetch(url, guard);
  const post = async (
    path: string,
    token: string,
    headers: Record<string, string> = {},
  ): Promise<Response | undefined> => {
    try {
      return await ask(path, {
        method: "POST",
        headers: { Authorization: token, ...headers },
        redirect: "manual",
        signal: AbortSignal.timeout(DEADLINE_MS),
      });
    } catch {
      return undefined; // unreachable or too slow: the caller knows no more than before
    }
  };

  const isOk = createIsOk(ask);

  const fileToken: MemberCalls["fileToken"] = async (token, clientAddress) => {
    const response = await post("/api/files/token", token, { "X-Forwarded-For": clientAddress });
    return response?.status === 200 ? await tokenIn(response) : undefined;
  };

  return {
    fileToken,
    maySee: (token, path, clientAddress) =>
      isOk(path, { Authorization: token, "X-Forwarded-For": clientAddress }),
    view: createView(ask),
    mayReadFile: async (token, path, clientAddress) => {
      const shown = await fileToken(token, clientAddress);
      if (shown === undefined) return undefined;
      return await isOk(
        `${path}?token=${encodeURIComponent(shown)}`,
        { "X-Forwarded-For": clientAddress },
        "HEAD",
      );
    },
    probe: async (token, depth) => {
      const collection = claimsOf(token)?.collectionId;
      if (collection === undefined) return { kind: "dead" };
      const refresh = () =>
        post(`/api/collections/${encodeURIComponent(collection)}/auth-refresh?fields=token`, token);
      if (depth === "login") return await stateOf(await refresh(), [401, 403, 404]);
      const response = await post("/api/files/token", token);
      // Code of the app's has something against file tokens.
      const isElse = response !== undefined && response.status !== 401 && isRefusal(response.status);
      if (isElse) await response.body?.cancel();
      return await stateOf(isElse ? await refresh() : response, [401]);
    },
  };
};

const isRefusal = (status: number): boolean => status >= 400 && status < 500 && status !== 429;

/** What an answer says of the token it was asked with, and the one it brings. @param refusals - Statuses that mean it is dead. */
const stateOf = async (response: Response | undefined, refusals: readonly number[]): Promise<TokenState> => {
  if (response === undefined) return { kind: "unknown" };
  if (response.status === 200) {
    const renewed = await tokenIn(response);
    const { exp, type } = renewed === undefined ? {} : (claimsOf(renewed) ?? {});
    if (renewed === undefined || exp === undefined || type !== "auth") return { kind: "alive" };
    return { kind: "alive", upstream: { token: renewed, expMs: exp * 1000 } };
  }
  await response.body?.cancel();
  // Everything else (429, 5xx, a proxy's own page) says nothing about the login.
  return refusals.includes(response.status) ? { kind: "dead" } : { kind: "unknown" };
};

const tokenIn = async (response: Response): Promise<string | undefined> => {
  try {
    const json: unknown = await response.json();
    const token: unknown = typeof json === "object" && json !== null ? Reflect.get(json, "token") : undefined;
    return typeof token === "string" ? token : undefined;
  } catch {
    return undefined; // cut off or not JSON
  }
};

/** Asks whether a request without a body is answered 200; undefined when nobody can say. */
const createIsOk =
  (ask: ReturnType<typeof createUpstreamFetch>) =>
  async (path: string, headers: Record<string, string>, method = "GET"): Promise<boolean | undefined> => {
    try {
      const signal = AbortSignal.timeout(DEADLINE_MS);
      const response = await ask(path, { method, headers, redirect: "manual", signal });
      await response.body?.cancel();
      return response.status < 500 ? response.status === 200 : undefined;
    } catch {
      return undefined; // unreachable or too slow
    }
  };

/** Longer records are left unread. */
const RECORD_BYTES_MAX = 1_048_576;

const createView =
  (ask: ReturnType<typeof createUpstreamFetch>): MemberCalls["view"] =>
  async (token, path, clientAddress) => {
    try {
      const headers = { Authorization: token, "X-Forwarded-For": clientAddress };
      const signal = AbortSignal.timeout(DEADLINE_MS);
      const response = await ask(path, { headers, redirect: "manual", signal });
      const text = response.status === 200 ? await shortText(response) : undefined;
      // Ends what is still coming, too.
      if (text === undefined) await response.body?.cancel();
      const json: unknown = JSON.parse(text ?? "null");
      return typeof json === "object" && json !== null ? { ...json } : undefined;
    } catch {
      return undefined; // unreachable, too slow, cut off or not JSON
    }
  };

const shortText = async ({ body }: Response): Promise<string | undefined> => {
  const chunks: Uint8Array[] = [];
  let length = 0;
  const reader = body?.getReader();
  for (let read = await reader?.read(); read?.done === false; read = await reader?.read()) {
    chunks.push(read.value);
    length += read.value.length;
    if (length > RECORD_BYTES_MAX) break;
  }
  reader?.releaseLock();
  return length > RECORD_BYTES_MAX ? undefined : Buffer.concat(chunks).toString("utf8");
};
