// PocketBase's own answers to logins and refreshes: their token is locked into a session, and Hapta's leaves in its
// place. Tokens anywhere else in an answer are not looked for here.
import { readBody } from "../bodies/readBody.ts";
import { Refusal } from "../errors.ts";
import type { Exchange } from "../exchange.ts";
import { type Answer, isStreamed } from "../http/answer.ts";
import { presenterOf, refuseUnavailable } from "../middleware/identify.ts";
import type { Services } from "../services.ts";
import type { Session } from "../sessions/liveSessions.ts";
import type { NewUpstream, RefreshOutcome } from "../sessions/refresher.ts";
import { withoutHeaders } from "../utils/headers.ts";
import { tokenTextOf } from "../utils/jwt.ts";
import { createKeepSession } from "./keepSession.ts";
import { createLearnRefresh } from "./learnRefresh.ts";
import { sessionRequired } from "./sessionEnd.ts";
import { askedMsOf, loginOf, upstreamTokenOf } from "./upstreamLogin.ts";

const AUTH_ANSWER_BYTES_MAX = 8_388_608;
const TIMEOUT_MS = 30_000;

export interface AuthAnswers {
  /** Replaces the `token` of an answer that opens a session; an answer without one leaves as it is. */
  open(exchange: Exchange, answer: Answer): Promise<Answer>;
  /** Rolls the session with PocketBase's answer to its refresh. */
  refresh(exchange: Exchange, answer: Answer): Promise<Answer>;
}

export const createAuthAnswers = (services: Services): AuthAnswers => {
  const { sessions, collections, settings } = services;
  const keep = createKeepSession(settings.security);
  const learn = createLearnRefresh(services);

  const open: AuthAnswers["open"] = async (exchange, answer) => {
    const { whole, json } = await readJson(answer);
    const found = json === undefined ? undefined : upstreamTokenOf(json.token);
    if (json === undefined || found === undefined) return whole;
    const opened = await sessions.open(loginOf(exchange, found)).catch(refuseUnavailable);
    if (opened.kind === "revoked") throw sessionRequired("revoked");
    return withToken(whole, json, keep.login(exchange, opened));
  };

  /** @param upstream - Undefined when PocketBase gave no token, or was not asked. */
  const roll = async (exchange: Exchange, upstream: NewUpstream | undefined): Promise<string> => {
    const token = exchange.cookieToken ?? tokenTextOf(exchange.authorizations[0] ?? "");
    const outcome: RefreshOutcome = await sessions
      .refresh(token, presenterOf(exchange), upstream)
      .catch(refuseUnavailable);
    if (outcome.kind !== "minted" && outcome.kind !== "same") throw sessionRequired(outcome.kind);
    return keep.refresh(exchange, outcome);
  };

  const rollAsked = async (exchange: Exchange, answer: Answer, session: Session): Promise<Answer> => {
    const { whole, json } = await readJson(answer);
    const found = json === undefined ? undefined : upstreamTokenOf(json.token);
    // Without a token in it (fields=record) the answer is passed on; the client keeps what it has.
    if (json === undefined || found === undefined) {
      await roll(exchange, undefined);
      return whole;
    }
    const { token, expMs } = found;
    const shown = await roll(exchange, { token, expMs, askedMs: askedMsOf(exchange) });
    learn(exchange, { whole, json, token, session });
    return withToken(whole, json, shown);
  };

  // A 403 from another collection's refresh says nothing; from the session's own it is the auth rule speaking.
  const isOwnCollection = ({ route }: Exchange, { cid }: Session): boolean =>
    route.collection === cid.toLowerCase() || collections.find(route.collection ?? "")?.id === cid;

  const refresh: AuthAnswers["refresh"] = async (exchange, answer) => {
    const { principal, id } = exchange;
    const session = principal.kind === "guest" ? undefined : principal.session;
    // A token of PocketBase's own that was adopted: from here on there is a session.
    if (session === undefined) return answer.status === 200 ? await open(exchange, answer) : answer;
    if (exchange.refresh?.kind === "kept") {
      const { before, behind } = exchange.refresh.kept;
      const text = `${before}"${await roll(exchange, undefined)}"${behind}`;
      return { ...answer, body: Buffer.from(text) };
    }
    if (answer.status === 200) return await rollAsked(exchange, answer, session);
    // PocketBase no longer knows this login: neither does Hapta. Anything else says nothing about it.
    if (answer.status === 401 || (answer.status === 403 && isOwnCollection(exchange, session))) {
      await sessions
        .revoke({ kind: "login", id: session.id }, { reason: "upstream", request: id })
        .catch(refuseUnavailable);
    }
    return answer;
  };

  return { open, refresh };
};

interface ReadAnswer {
  /** The answer with its body at hand. */
  readonly whole: Answer;
  /** Its JSON object; undefined when it is none. */
  readonly json: { token?: unknown } | undefined;
}

const readJson = async (answer: Answer): Promise<ReadAnswer> => {
  if (answer.body === null) return { whole: answer, json: undefined };
  const body = isStreamed(answer.body)
    ? await readBody(answer.body, { bytesMax: AUTH_ANSWER_BYTES_MAX, timeoutMs: TIMEOUT_MS }).catch(refuseCut)
    : answer.body;
  const whole = { ...answer, body };
  try {
    const json: unknown = JSON.parse(Buffer.from(body).toString("utf8"));
    return {
      whole,
      json: typeof json === "object" && json !== null && !Array.isArray(json) ? json : undefined,
    };
  } catch {
    return { whole, json: undefined };
  }
};

// What the reader says of bodies is meant for clients; this one was PocketBase's.
const refuseCut = (cause: unknown): never => {
  const isSlow = cause instanceof Refusal && cause.code === "body_too_slow";
  throw new Refusal(isSlow ? "upstream_timeout" : "upstream_invalid", { cause });
};

// Only the token's text is exchanged, so that everything else stays as PocketBase wrote it; unless the app wrote it
// with escapes.
const withToken = (answer: Answer, json: { token?: unknown }, token: string): Answer => {
  const upstream = String(json.token);
  const text = Buffer.from(answer.body instanceof Uint8Array ? answer.body : []).toString("utf8");
  const isPlain = text.includes(`"${upstream}"`);
  const exchanged = isPlain ? text.replaceAll(upstream, token) : JSON.stringify({ ...json, token });
  const headers = withoutHeaders(answer.headers, ["content-length"]);
  return { status: answer.status, headers, body: Buffer.from(exchanged) };
};
