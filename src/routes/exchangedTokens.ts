// Answers in which the app's own code hands out tokens, wherever in them: each that PocketBase accepts becomes a
// session's. Logins of PocketBase's own have a fixed shape and are authAnswers' business.
import { Refusal } from "../errors.ts";
import type { Exchange } from "../exchange.ts";
import { type Answer, isStreamed } from "../http/answer.ts";
import { refuseUnavailable } from "../middleware/identify.ts";
import type { Services } from "../services.ts";
import { withoutHeaders } from "../utils/headers.ts";
import { claimsOf, tokenTextOf } from "../utils/jwt.ts";
import { mayHoldTokens, upstreamTokensIn, withheldText } from "../utils/upstreamTokens.ts";
import { createKeepSession } from "./keepSession.ts";
import { sessionRequired } from "./sessionEnd.ts";
import { loginOf, upstreamTokenOf } from "./upstreamLogin.ts";

/** Tokens of one answer that PocketBase is asked about; the others leave worthless. */
const TOKENS_MAX = 4;

/** Exchanges the tokens in an answer that is whole, headers included; the same object when there are none. */
export type ExchangeTokens = (exchange: Exchange, answer: Answer) => Answer | Promise<Answer>;

export const createExchangeTokens = ({ sessions, memberCalls, settings }: Services): ExchangeTokens => {
  const keep = createKeepSession(settings.security);

  // What stands in for a token: the visitor's own, a new session's, the token itself when PocketBase knows it not.
  const standIn = async (exchange: Exchange, token: string): Promise<string> => {
    if (token === exchange.credential) return tokenTextOf(exchange.authorizations[0] ?? "");
    const found = upstreamTokenOf(token);
    if (found === undefined) return fileToken(exchange, token) ?? withheldText(token);
    // Not whether it would be renewed: one that the auth rule is against counts, too.
    const { kind } = await memberCalls.probe(token, "token");
    // Made up, expired, or another server's: not ours to change.
    if (kind === "dead") return token;
    if (kind === "unknown") throw new Refusal("upstream_unreachable");
    const opened = await sessions.open(loginOf(exchange, found)).catch(refuseUnavailable);
    if (opened.kind === "revoked") throw sessionRequired("revoked");
    return keep.login(exchange, opened);
  };

  const fileToken = ({ principal }: Exchange, token: string): string | undefined => {
    const session = principal.kind === "guest" ? undefined : principal.session;
    const { id, collectionId } = claimsOf(token) ?? {};
    const isOwn = session !== undefined && session.uid === id && session.cid === collectionId;
    return isOwn ? sessions.mintFileToken(session) : undefined;
  };

  const standIns = async (exchange: Exchange, texts: readonly string[]): Promise<[string, string][]> => {
    const tokens = new Set(texts.flatMap(upstreamTokensIn));
    const pairs: [string, string][] = [];
    for (const token of tokens) {
      const isAsked = pairs.length < TOKENS_MAX;
      pairs.push([token, isAsked ? await standIn(exchange, token) : withheldText(token)]);
    }
    return pairs;
  };

  return (exchange, answer) => {
    const { headers } = answer;
    const bytes = answer.body === null || isStreamed(answer.body) ? undefined : answer.body;
    const text = bytes === undefined ? "" : textWithTokens(bytes);
    const holds = text !== "";
    if (!holds && !headers.some((value) => upstreamTokensIn(value).length > 0)) return answer;
    return standIns(exchange, [...headers, text]).then((pairs) => {
      const written = (value: string): string =>
        pairs.reduce((now, [token, other]) => now.replaceAll(token, () => other), value);
      const changed = headers.map(written);
      if (!holds) return { ...answer, headers: changed };
      const body = Buffer.from(written(text), "latin1");
      return { ...answer, headers: withoutHeaders(changed, ["content-length"]), body };
    });
  };
};

const ESCAPE = Buffer.from("\\u00");
// An escaped backslash is a unit of its own: what follows it is no escape.
const ESCAPES = /\\(?:u00([2-7][0-9a-fA-F])|.)/g;

// The body as text when there are tokens in it, "" when not. An app's code may escape letters of a JSON text that need
// no escape; without tokens the body stays as it is written.
const textWithTokens = (bytes: Uint8Array): string => {
  // A view of its own is only made for what needs one: most answers have neither.
  const isEscaped = Buffer.prototype.includes.call(bytes, ESCAPE);
  if (!isEscaped && !mayHoldTokens(bytes)) return "";
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const text = isEscaped ? view.toString("latin1").replace(ESCAPES, plainly) : view.toString("latin1");
  return upstreamTokensIn(text).length > 0 ? text : "";
};

const plainly = (written: string, hex: string | undefined): string => {
  const character = hex === undefined ? "" : String.fromCharCode(Number.parseInt(hex, 16));
  return /[\w.-]/.test(character) ? character : written;
};
