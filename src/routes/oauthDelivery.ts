// Hands a finished login to whoever may have it: opens the session, for the device that fetches it.
import { Refusal } from "../errors.ts";
import type { Exchange } from "../exchange.ts";
import type { Answer } from "../http/answer.ts";
import type { LoginResult } from "../oauth/flow.ts";
import type { Services } from "../services.ts";
import { createAuthAnswers } from "./authAnswers.ts";

/**
 * PocketBase's answer with Hapta's token in it, or its 401 with `mfaId` when a second factor is missing.
 *
 * @throws Refusal `oauth_code_invalid` when PocketBase no longer accepts the login, `upstream_unreachable`
 */
export type Deliver = (exchange: Exchange, result: LoginResult) => Promise<Answer>;

const JSON_HEADERS = ["Content-Type", "application/json", "Cache-Control", "no-store"];

export const createDeliver = (services: Services): Deliver => {
  const answers = createAuthAnswers(services);
  return async (exchange, { status, body, atMs }) => {
    const bytes = Buffer.from(`${JSON.stringify(body)}\n`);
    const answer: Answer = { status, headers: [...JSON_HEADERS], body: bytes };
    if (status !== 200) return answer;
    // The record may have changed while the result waited, and nobody would have told a session that was not there.
    const { kind } = await services.memberCalls.probe(String(body["token"]), "login");
    if (kind === "unknown") throw new Refusal("upstream_unreachable");
    if (kind === "dead") throw new Refusal("oauth_code_invalid");
    // To the sessions this is the login itself: a sign-out everywhere since then ends it.
    const startedMs = performance.now() - (Date.now() - atMs);
    const login = { ...exchange, startedMs, route: { ...exchange.route, operation: "auth-with-oauth2" } };
    const opened = await answers.open(login, answer);
    exchange.setCookies = login.setCookies;
    return opened;
  };
};
