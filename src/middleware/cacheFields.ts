// The few request fields that the stage `cache` looks at, and the request it makes when it asks PocketBase for an answer
// that others may get. Decides nothing about sharing.
import type { Exchange } from "../exchange.ts";

/** Fields of a read. */
export interface ReadFields {
  /** Whose pages may read the answer stands in it. */
  readonly origin: string | undefined;
  readonly ifNoneMatch: string | undefined;
  /** The client does not want a kept answer (RFC 9111 section 5.2.1). */
  readonly isForced: boolean;
}

/** Looks through a flat list of headers once. */
export const readFieldsOf = (headers: readonly string[]): ReadFields => {
  let origin: string | undefined;
  let ifNoneMatch: string | undefined;
  let isForced = false;
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] ?? "";
    const value = headers[i + 1] ?? "";
    // By length first: most names are none of these.
    if (name.length === 6) {
      if (name.toLowerCase() === "origin") origin = origin === undefined ? value : `${origin},${value}`;
    } else if (name.length === 13) {
      const lower = name.toLowerCase();
      if (lower === "if-none-match") ifNoneMatch = ifNoneMatch === undefined ? value : `${ifNoneMatch},${value}`;
      else if (lower === "cache-control") isForced ||= /\bno-(?:cache|store)\b/i.test(value);
    }
  }
  return { origin, ifNoneMatch, isForced };
};

/** What an answer for others is asked with: nothing that could be about the one who asks. */
const SHARED = new Set(["accept", "origin", "user-agent"]);
/** An answer that is kept is whole, and new. */
const CONDITIONS = /^(?:if-.*|range|cache-control|pragma)$/;

/**
 * The request for an answer that is to be kept. It goes on when its client leaves: others may wait for it.
 *
 * @param how - `isShared`: others get the answer, so it carries no fields of this client's own. `isAnonymous`: everybody
 * does, so PocketBase is asked as by a guest.
 */
export const requestFor = (
  exchange: Exchange,
  { isShared, isAnonymous }: { readonly isShared: boolean; readonly isAnonymous: boolean },
): Exchange => {
  const headers: string[] = [];
  for (let i = 0; i < exchange.headers.length; i += 2) {
    const [name = "", value = ""] = [exchange.headers[i], exchange.headers[i + 1]];
    const lower = name.toLowerCase();
    if (isShared ? SHARED.has(lower) : !CONDITIONS.test(lower)) headers.push(name, value);
  }
  return {
    ...exchange,
    method: "GET",
    headers,
    credential: isAnonymous ? undefined : exchange.credential,
    presence: { isGone: false, whenGone: undefined, whenOver: undefined },
  };
};
