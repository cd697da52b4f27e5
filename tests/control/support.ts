// What the tests of the admin API share: Hapta with a key, and calls that carry it.
import { expect } from "bun:test";
import { type Call, call, type Pair, sharedPair, startPair } from "../sessions/support.ts";
import type { HaptaOptions } from "../support/hapta.ts";
import type { WireResponse } from "../support/wireReader.ts";

export const ADMIN_KEY = "an-admin-key-of-the-tests";
export const BEARER = `Bearer ${ADMIN_KEY}`;

/** Hapta with an admin key in front of a PocketBase of its own. */
export const startWithKey = (options: HaptaOptions = {}): Promise<Pair> => startPair(withKey(options));

const withKey = (options: HaptaOptions): HaptaOptions => ({
  ...options,
  env: { HAPTA_ADMIN_KEY: ADMIN_KEY, ...options.env },
});

/** Such a pair for all tests of a file. */
export const sharedPairWithKey = (options: HaptaOptions = {}): ReturnType<typeof sharedPair> =>
  sharedPair(withKey(options));

/** A call with the admin key. */
export const ask = (
  url: string,
  path: string,
  more: Omit<Call, "path" | "token"> = {},
): Promise<WireResponse> => call(url, { ...more, path, token: BEARER });

/** The JSON of a call that must be answered 200. */
export const askJson = async <T>(
  url: string,
  path: string,
  more: Omit<Call, "path" | "token"> = {},
): Promise<T> => {
  const answer = await ask(url, path, more);
  expect(`${path} ${answer.status} ${answer.text.slice(0, 300)}`).toStartWith(`${path} 200 `);
  return JSON.parse(answer.text) as T;
};

export interface SessionItem {
  readonly id: string;
  readonly collection: string;
  readonly collectionId: string;
  readonly user: string;
  readonly kind: string;
  readonly status: string;
  readonly label: string;
  readonly ip: string;
  readonly created: string;
  readonly amr: readonly string[];
}

export interface EventItem {
  readonly seq: number;
  readonly at: string;
  readonly type: string;
  readonly session?: string;
  readonly collection?: string;
  readonly user?: string;
  readonly ip?: string;
  readonly label?: string;
  readonly detail?: string;
}

export interface Page<T> {
  readonly items: readonly T[];
  readonly cursor?: string | number;
}
