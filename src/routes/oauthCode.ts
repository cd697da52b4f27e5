// The end of a login towards an app: a one-time code on a listed URL, and the exchange of that code for the session.
import { Refusal } from "../errors.ts";
import type { Exchange } from "../exchange.ts";
import type { Answer } from "../http/answer.ts";
import type { AppEnd, LoginResult } from "../oauth/flow.ts";
import { isSameText, newSecret, sha256 } from "../oauth/pkce.ts";
import type { Services } from "../services.ts";
import { withParams } from "../utils/redirectUrl.ts";
import type { Outcome } from "./oauthCallback.ts";
import type { Deliver } from "./oauthDelivery.ts";
import { type Params, redirectTo } from "./oauthRequest.ts";

/** How long an app has to fetch what was meant for it. */
const CODE_MS = 60_000;

interface Kept {
  readonly result: LoginResult;
  readonly challenge: string | undefined;
}

/** Sends the browser back to the app with a code, with a session in a cookie, or with what went wrong. */
export const createEndInApp = ({ oauth }: Services, deliver: Deliver) => {
  // The session is this browser's: the login was begun in it.
  const keepHere = async (
    exchange: Exchange,
    { redirect, state }: AppEnd,
    result: LoginResult,
  ): Promise<Answer> => {
    if (result.status !== 200) return redirectTo(withParams(redirect, { error: "mfa_required", state }));
    const keeping = { ...exchange, wantsCookie: true };
    await deliver(keeping, result);
    exchange.setCookies = keeping.setCookies;
    return redirectTo(state === undefined ? redirect : withParams(redirect, { state }));
  };

  return (exchange: Exchange, end: AppEnd, outcome: Outcome): Answer | Promise<Answer> => {
    const { redirect, challenge, state } = end;
    if (outcome.kind === "failed") return redirectTo(withParams(redirect, { error: outcome.error, state }));
    if (end.kind === "cookie") return keepHere(exchange, end, outcome.result);
    const code = newSecret();
    const value: Kept = { result: outcome.result, challenge };
    oauth.slips.put("code", code, { value, ttlMs: CODE_MS, owner: exchange.client.block });
    return redirectTo(withParams(redirect, { code, state }));
  };
};

/**
 * `POST /auth/oauth2/token` with `code` and, if there was a challenge, its `verifier`. A wrong verifier spends the
 * code: whoever sends one has stolen the code, or the app is broken.
 *
 * @throws Refusal `oauth_code_invalid`
 */
export const createCodeExchange = ({ oauth }: Services, deliver: Deliver) => {
  return async (exchange: Exchange, code: string, param: Params): Promise<Answer> => {
    const kept = oauth.slips.take("code", code) as Kept | undefined;
    if (kept === undefined) throw new Refusal("oauth_code_invalid");
    const verifier = param("verifier");
    const isProven = isSameText(kept.challenge ?? "", verifier === undefined ? "" : sha256(verifier));
    if (!isProven) throw new Refusal("oauth_code_invalid");
    return await deliver(exchange, kept.result);
  };
};
