// What PocketBase says to somebody without a login, told apart by its digest: for comparing, not for showing.
import type { Secret } from "../utils/secret.ts";
import { createUpstreamFetch } from "./upstreamFetch.ts";

const DEADLINE_MS = 10_000;

/** The SHA-256 of a guest's 200 at this path; undefined for every other answer and without one. Never rejects. */
type GuestRead = (path: string) => Promise<string | undefined>;

/** @param url - Base address of PocketBase, without a trailing slash. @param guard - For a guard hook there. */
export const createGuestRead = (url: string, guard?: Secret): GuestRead => {
  const ask = createUpstreamFetch(url, guard);
  return async (path) => {
    try {
      const response = await ask(path, { redirect: "manual", signal: AbortSignal.timeout(DEADLINE_MS) });
      const hasher = new Bun.CryptoHasher("sha256");
      for await (const chunk of response.body ?? []) hasher.update(chunk);
      return response.status === 200 ? hasher.digest("hex") : undefined;
    } catch {
      return undefined; // unreachable or too slow
    }
  };
};
