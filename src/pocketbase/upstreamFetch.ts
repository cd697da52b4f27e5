// `fetch` to one PocketBase for the control plane, with what a guard hook there asks for (examples/pocketbase-guard).
import { GUARD_HEADER } from "../utils/headers.ts";
import type { Secret } from "../utils/secret.ts";

/** As `fetch`, with a path in place of the address. */
export type UpstreamFetch = (path: string, init: RequestInit) => Promise<Response>;

/** @param url - Base address without a trailing slash. @param guard - Undefined when PocketBase has no guard. */
export const createUpstreamFetch = (url: string, guard: Secret | undefined): UpstreamFetch => {
  if (guard === undefined) return (path, init) => fetch(`${url}${path}`, init);
  return (path, init) => {
    const headers = new Headers(init.headers);
    headers.set(GUARD_HEADER, guard.reveal());
    return fetch(`${url}${path}`, { ...init, headers });
  };
};
