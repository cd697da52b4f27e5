// What PocketBase takes for a URL, as far as that is certain.
import { toPatternTest } from "./goPattern.ts";

// A host by name: labels that may have hyphens and underscores inside, the last part with letters beyond ASCII, a port.
const LETTER = "a-zA-Z\\x{a1}-\\x{ffff}";
const ASCII_PARTS =
  "(?:[a-zA-Z0-9][a-zA-Z0-9_-]*[a-zA-Z0-9](?:[.-][a-zA-Z0-9]+)*|[a-zA-Z0-9]+(?:[._-]?[a-zA-Z0-9])*[a-zA-Z0-9]\\.[a-zA-Z0-9]+|www\\.)?";
const isNamedHost = toPatternTest(
  `^${ASCII_PARTS}[${LETTER}0-9]+(?:--?[${LETTER}0-9]+)*(?:\\.[${LETTER}]+)?\\.?(?::\\d{1,5})?$`,
);
const OCTET = "(?:\\d{1,2}|1\\d\\d|2[0-4]\\d|25[0-5])";
const isAddressHost = toPatternTest(
  `^(?:[1-9]\\d?|1\\d\\d|2[01]\\d|22[0-3]|24\\d|25[0-5])(?:\\.${OCTET}){3}\\.?(?::\\d{1,5})?$`,
);
/** Nearly all hosts: those of labels of two characters and more. What fits here fits above, and is quicker to see. */
const PLAIN_HOST = /^[a-zA-Z0-9]{2,}(?:[.-][a-zA-Z0-9]{2,})*\.[a-zA-Z]+(?::\d{1,5})?$/;
const isHostName = (host: string): boolean | undefined =>
  PLAIN_HOST.test(host) || isAddressHost(host) === true || isNamedHost(host);
/** Names and passwords, as far as Go surely takes them. */
const USER = /^[\w.~-]+(?::[\w.~-]*)?$/;
const SCHEME_OR_PATH = /^(?:[a-zA-Z][a-zA-Z0-9+.-]*:|[^:/?#]*[/?#])/;
const URL_CHARS_MAX = 2_083;

/** `host` with its port as written; "" without a scheme, undefined when it is not certain what PocketBase reads. */
type JudgedUrl = { readonly ok: true; readonly host: string | undefined } | { readonly ok: false };

/**
 * Judges a URL: `ok`, with its host, or not; undefined when that is not certain, as for escapes and numeric IPv6 hosts.
 * O(n).
 */
export const judgeUrl = (text: string): JudgedUrl | undefined => {
  if (Buffer.byteLength(text) <= 3 || NO_URL.test(text)) return { ok: false };
  const scheme = /^(?:ftp|tcp|udp|wss?|https?):\/\//.exec(text)?.[0] ?? "";
  const host = text.length >= URL_CHARS_MAX || /[%\\]/.test(text) ? undefined : hostOf(text, scheme);
  const isHost = host === undefined ? undefined : isHostName(host);
  if (host === undefined || isHost === undefined) return undefined;
  if (!isHost) return { ok: false };
  if (scheme !== "") return { ok: true, host };
  if (text.includes("://")) return undefined;
  // Go reads what stands before the colon as a scheme, when it can be one.
  if (text.includes(":")) return { ok: true, host: SCHEME_OR_PATH.test(text) ? "" : undefined };
  // Without a scheme and a colon the whole is a path, which needs a dot.
  return text.split(/[?#]/, 1)[0]?.includes(".") === true ? { ok: true, host: "" } : { ok: false };
};

/** What stands between the scheme, with a user, and the path; undefined when Go may read it otherwise. */
const hostOf = (text: string, scheme: string): string | undefined => {
  const [authority = ""] = /^[^/?#]*/.exec(text.slice(scheme.length)) ?? [];
  const at = authority.indexOf("@");
  if (text.lastIndexOf("@") > scheme.length + at) return undefined;
  if (at >= 0 && !USER.test(authority.slice(0, at))) return undefined;
  const host = authority.slice(at + 1);
  return host.includes("[") ? undefined : host;
};

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what makes it none.
const NO_URL = /[\x00-\x20\x7f]|^\./;
