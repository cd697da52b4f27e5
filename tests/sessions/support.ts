// What the session tests share: Hapta in front of a real PocketBase, logins, and calls that show every byte.
import { afterAll, beforeAll, expect, setDefaultTimeout } from "bun:test";
import { SUPERUSER } from "../support/fixture/load.ts";
import { PASSWORD } from "../support/fixture/records.ts";
import { type Hapta, type HaptaOptions, startHapta } from "../support/hapta.ts";
import { type PocketBase, startPocketBase } from "../support/pocketbase.ts";
import { exchange } from "../support/wire.ts";
import { headOf, type WireResponse } from "../support/wireReader.ts";

/** Longer than any exchange may take. */
export const TEST_MS = 120_000;
export const START_MS = 60_000;

/** Hapta in front of a PocketBase of its own. */
export interface Pair extends AsyncDisposable {
  readonly pb: PocketBase;
  readonly hapta: Hapta;
  readonly url: string;
}

/** Starts both. `via` may put something between them: it gets PocketBase's address and returns another. */
export const startPair = async (options: HaptaOptions = {}): Promise<Pair> => {
  const pb = await startPocketBase();
  try {
    const hapta = await startHapta(pb, options);
    return {
      pb,
      hapta,
      url: hapta.url,
      async [Symbol.asyncDispose]() {
        await hapta[Symbol.asyncDispose]();
        await pb[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    await pb[Symbol.asyncDispose]();
    throw error;
  }
};

/**
 * One pair for all tests of a file: started before the first, stopped after the last. Read it inside tests and hooks only.
 */
export const sharedPair = (options: HaptaOptions = {}): Omit<Pair, typeof Symbol.asyncDispose> => {
  setDefaultTimeout(TEST_MS);
  let pair: Pair | undefined;
  beforeAll(async () => {
    pair = await startPair(options);
  }, START_MS);
  afterAll(() => pair?.[Symbol.asyncDispose](), START_MS);
  const running = (): Pair => {
    if (pair === undefined) throw new Error("the pair is not running");
    return pair;
  };
  return {
    get pb() {
      return running().pb;
    },
    get hapta() {
      return running().hapta;
    },
    get url() {
      return running().url;
    },
  };
};

/** One call; `token` becomes the Authorization header. */
export interface Call {
  readonly method?: string;
  readonly path: string;
  readonly token?: string | undefined;
  readonly json?: unknown;
  /** Sent as it is, when there is no `json`. */
  readonly body?: string;
  readonly headers?: readonly (readonly [string, string])[];
}

export const call = async (
  url: string,
  { method, path, token, json, body, headers }: Call,
): Promise<WireResponse> => {
  const all = [...(headers ?? [])];
  if (token !== undefined) all.push(["Authorization", token]);
  if (json !== undefined) all.push(["Content-Type", "application/json"]);
  return exchange(url, {
    method: method ?? (json === undefined ? "GET" : "POST"),
    path,
    headers: all,
    ...(json === undefined ? (body === undefined ? {} : { body }) : { body: JSON.stringify(json) }),
  });
};

export const jsonOf = (answer: WireResponse): Record<string, unknown> =>
  JSON.parse(answer.text) as Record<string, unknown>;

/** Status and stable error code in one text, for one assertion about both. */
export const verdictOf = (answer: WireResponse): string =>
  `${answer.status} ${headOf(answer, "x-hapta-error") ?? "-"}`;

export interface Account {
  readonly collection?: string;
  readonly email: string;
  readonly password?: string;
}

/** Logs in with a password; the whole answer. `token` and `headers` come along as they are. */
export const tryLogin = async (
  url: string,
  { collection = "members", email, password = PASSWORD }: Account,
  extra: Pick<Call, "token" | "headers"> = {},
): Promise<WireResponse> =>
  call(url, {
    path: `/api/collections/${collection}/auth-with-password`,
    json: { identity: email, password },
    ...extra,
  });

/** Logs in and returns the token. */
export const login = async (
  url: string,
  account: Account,
  extra: Pick<Call, "token" | "headers"> = {},
): Promise<string> => {
  const answer = await tryLogin(url, account, extra);
  expect(`${answer.status} ${answer.text.slice(0, 300)}`).toStartWith("200 ");
  return String(jsonOf(answer)["token"]);
};

export const ADA: Account = { email: "ada@example.com" };
export const BEN: Account = { email: "ben@example.com" };
export const ROOT: Account = { collection: "_superusers", ...SUPERUSER };

let made = 0;

/** Signs a new member up, for tests that change or delete one. */
export const createMember = async (url: string): Promise<Account & { readonly id: string }> => {
  made += 1;
  const email = `member${made}-${process.pid}@example.com`;
  const answer = await call(url, {
    path: "/api/collections/members/records",
    json: { email, password: PASSWORD, passwordConfirm: PASSWORD, name: `M${made}` },
  });
  expect(`${answer.status} ${answer.text.slice(0, 300)}`).toStartWith("200 ");
  return { email, id: String(jsonOf(answer)["id"]) };
};

export const refresh = async (url: string, token: string, collection = "members"): Promise<WireResponse> =>
  call(url, { method: "POST", path: `/api/collections/${collection}/auth-refresh`, token });

/** Refreshes and returns the new token. */
export const refreshed = async (url: string, token: string): Promise<string> => {
  const answer = await refresh(url, token);
  expect(`${answer.status} ${answer.text.slice(0, 300)}`).toStartWith("200 ");
  return String(jsonOf(answer)["token"]);
};

/** How many of Ada's private records a caller sees: 1 as Ada, 0 as anybody else. */
export const diariesSeen = async (url: string, token?: string): Promise<number> => {
  const answer = await call(url, { path: "/api/collections/diaries/records", token });
  expect(`${answer.status} ${answer.text.slice(0, 300)}`).toStartWith("200 ");
  return Number(jsonOf(answer)["totalItems"]);
};

/** `GET /auth/verify`: 200 while the token counts. */
export const verify = async (url: string, token: string): Promise<number> =>
  (await call(url, { path: "/auth/verify", token })).status;

export const logout = async (url: string, token: string): Promise<number> =>
  (await call(url, { method: "POST", path: "/auth/logout", token })).status;

/** The claims of a token, unverified. */
export const payloadOf = (token: string): Record<string, unknown> =>
  JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString("utf8")) as Record<string, unknown>;
