// Which web page sent a request, by what its browser says, and the refusal of pages nobody listed. A page cannot forge
// these headers; anything but a browser can, so this tells pages apart and proves nothing about anybody else.
import { Refusal } from "../errors.ts";
import type { Page } from "../exchange.ts";
import { readOrigin } from "../utils/webOrigin.ts";

/** What a browser tells about the sender; all as received. */
export interface Sender {
  readonly origin: string | undefined;
  /** `Sec-Fetch-Site` (Fetch Metadata): how the page's origin relates to the one it asks. */
  readonly fetchSite: string | undefined;
  readonly host: string | undefined;
}

/** The request the sender makes. */
export interface Sent {
  readonly path: string;
  /** The client came by https. */
  readonly isSecure: boolean;
  /** It may change something; or opens a WebSocket, which may read and which no browser keeps from foreign pages. */
  readonly isUnsafe: boolean;
}

/** The POSTs that pages of others make on purpose: an identity provider's `form_post`. They carry no session. */
const OAUTH_ANSWERS = new Set(["/api/oauth2-redirect", "/auth/oauth2/callback"]);

/**
 * Makes the judge for a list of origins in the spelling of `readOrigin`. With a list, it refuses what a foreign page
 * sends to change something; without one every page may, as at PocketBase. About 0.2 us with an Origin, else nothing.
 *
 * @throws Refusal `origin_denied`
 */
export const createPageOf = (origins: readonly string[]): ((sender: Sender, sent: Sent) => Page) => {
  const listed = new Set(origins);

  const judge = ({ origin, fetchSite, host }: Sender, { isUnsafe, isSecure }: Sent): Page => {
    if (fetchSite === "same-origin") {
      // The browser's own comparison; it also holds behind a proxy that changes `Host`.
      return "own";
    }
    if (origin === undefined) {
      // Browsers name the origin with everything that may change something. Navigations and pictures have none.
      return isUnsafe && (fetchSite === "cross-site" || fetchSite === "same-site") ? "foreign" : "none";
    }
    const canonical = readOrigin(origin);
    if (canonical === undefined) return "foreign";
    if (listed.has(canonical)) return "listed";
    return isOwn(canonical, host, isSecure) ? "own" : "foreign";
  };

  return (sender, sent) => {
    if (sender.origin === undefined && sender.fetchSite === undefined) return "none";
    const page = judge(sender, sent);
    if (page === "foreign" && listed.size > 0 && sent.isUnsafe && !OAUTH_ANSWERS.has(sent.path))
      throw new Refusal("origin_denied");
    return page;
  };
};

// Where no trusted proxy says https the scheme is unknown; where one does, a page that came by http is another's.
const isOwn = (origin: string, host: string | undefined, isSecure: boolean): boolean => {
  const scheme = origin.slice(0, origin.indexOf(":"));
  if (host === undefined || (scheme !== "https" && (scheme !== "http" || isSecure))) return false;
  return readOrigin(`${scheme}://${host}`) === origin;
};
