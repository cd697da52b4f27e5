// The provider's answer to a login that Hapta began: checked against what was promised, redeemed at PocketBase, and
// handed to whoever waits. The token itself leaves elsewhere.
import { outcomeOf } from "../cache/underway.ts";
import { awaitedOf } from "../cache/written.ts";
import { writtenByLogin } from "../cache/writtenBy.ts";
import { Refusal } from "../errors.ts";
import type { Exchange } from "../exchange.ts";
import type { Answer } from "../http/answer.ts";
import { presenterOf } from "../middleware/identify.ts";
import { type Flow, isIssuerRight, type LoginResult, loginResultOf } from "../oauth/flow.ts";
import { isSameText } from "../oauth/pkce.ts";
import { type TakeOnce, useCode } from "../oauth/usedCodes.ts";
import type { Services } from "../services.ts";
import { labelOf } from "../sessions/device.ts";
import { headerValue } from "../utils/headers.ts";
import { bodyParamsOf, browserOf, type Params, paramsOf, publicBaseOf, redirectTo } from "./oauthRequest.ts";

const ERROR = /^[a-z0-9_.-]{1,64}$/;

/** What happened, for whoever waits for it: RFC 6749 section 4.1.2.1 names for what went wrong. */
export type Outcome =
  | { readonly kind: "done"; readonly result: LoginResult }
  | { readonly kind: "failed"; readonly error: string };

/** Ends a login towards the browser. */
export type EndLogin = (exchange: Exchange, flow: Flow, outcome: Outcome) => Answer | Promise<Answer>;

/** `GET /auth/oauth2/callback`, and `POST` for providers that send a form (Apple), which leads on to the GET. */
export const createCallbackRoute = (
  services: Services,
  end: EndLogin,
): ((exchange: Exchange) => Promise<Answer>) => {
  const { oauth, oauthCalls, sessions, settings } = services;

  const takeOnce: TakeOnce = (name, expMs) => sessions.takeOnce(name, expMs);

  // Only the browser that began a login may end it; another one leaves it as it is.
  const takeFlow = (exchange: Exchange, state: string): Flow => {
    const browser = browserOf(exchange, publicBaseOf(exchange, services));
    const seen = oauth.slips.read("flow", state) as Flow | undefined;
    if (seen === undefined || browser === undefined || !isSameText(seen.browser, browser))
      throw new Refusal("oauth_state_invalid");
    const flow = oauth.slips.take("flow", state) as Flow | undefined;
    if (flow === undefined) throw new Refusal("oauth_state_invalid");
    return flow;
  };

  const redeem = async (exchange: Exchange, flow: Flow, code: string): Promise<Outcome> => {
    const { cid, provider, verifier, callbackUrl, link, nonce } = flow;
    const mayLink = link !== undefined && sessions.isLive({ id: link });
    const credential = mayLink ? sessions.upstreamToken({ id: link }) : undefined;
    // A link whose session has ended must not become somebody's login.
    if (link !== undefined && credential === undefined) return { kind: "failed", error: "access_denied" };
    if (!(await useCode(takeOnce, { provider, code }))) return { kind: "failed", error: "access_denied" };
    const atMs = Date.now();
    const answer = await noteLogin(services, cid, () =>
      oauthCalls.redeem({
        collection: cid,
        provider,
        code,
        codeVerifier: verifier,
        redirectUrl: callbackUrl,
        credential,
        visitor: presenterOf(exchange),
      }),
    );
    if (answer === undefined || answer.status >= 500)
      return { kind: "failed", error: "temporarily_unavailable" };
    const result = loginResultOf(answer, { nonce, atMs });
    return result === undefined ? { kind: "failed", error: "access_denied" } : { kind: "done", result };
  };

  const judge = async (exchange: Exchange, flow: Flow, param: Params): Promise<Outcome> => {
    const [error, code, iss] = [param("error"), param("code"), param("iss")];
    const issuer = settings.oauth2.issuers[flow.provider];
    if (error !== undefined) return { kind: "failed", error: ERROR.test(error) ? error : "server_error" };
    // Not the same: a mix-up, the answer came from somebody else than the browser was sent to.
    const isRight = isIssuerRight(iss, { authOrigin: flow.authOrigin, issuer });
    if (code === undefined || !isRight) return { kind: "failed", error: "server_error" };
    return await redeem(exchange, flow, code);
  };

  return async (exchange) => {
    if (exchange.method === "POST") return repeatAsGet(exchange);
    const param = paramsOf(exchange.query);
    const flow = takeFlow(exchange, param("state") ?? "");
    const outcome = await judge(exchange, flow, param);
    if (outcome.kind === "failed") noteFailure(services, exchange, { flow, error: outcome.error });
    return await end(exchange, flow, outcome);
  };
};

// PocketBase may make an account, or fill one in: that counts for the cache before anybody hears of the login.
const noteLogin = async <T extends { readonly status: number }>(
  { cache, collections }: Services,
  cid: string,
  redeem: () => Promise<T | undefined>,
): Promise<T | undefined> => {
  const names = writtenByLogin({ id: cid }, collections);
  const write = cache.underway.begin(names, awaitedOf(names), "an OAuth2 login");
  write.whole();
  let status: number | undefined;
  try {
    const answer = await redeem();
    status = answer?.status;
    return answer;
  } finally {
    write.end(outcomeOf(status));
  }
};

// Apple posts its answer: it is asked for once more by GET, which brings the browser's cookie along.
const repeatAsGet = (exchange: Exchange): Answer => {
  const param = bodyParamsOf(exchange);
  const query = new URLSearchParams();
  for (const name of ["state", "code", "error", "iss"]) query.set(name, param(name) ?? "");
  return redirectTo(`callback?${query}`);
};

const noteFailure = (
  { sessions }: Services,
  { client, headers, id }: Exchange,
  { flow, error }: { readonly flow: Flow; readonly error: string },
): void =>
  sessions.note({
    type: "authn_fail",
    cid: flow.cid,
    ip: client.address,
    label: labelOf(headerValue(headers, "user-agent") ?? ""),
    request: id,
    detail: `oauth2 ${flow.provider} ${error}`,
  });
