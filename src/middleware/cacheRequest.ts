// The request that the stage `cache` makes for an answer that is to be kept. Decides nothing about sharing.
import type { Exchange } from "../exchange.ts";

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
