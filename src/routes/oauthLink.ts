// Linking a provider to the member who is signed in, for apps whose browser does not send their token: a ticket, a page
// that says whose account it is about, and a yes.
import { Refusal } from "../errors.ts";
import type { Exchange } from "../exchange.ts";
import type { Answer } from "../http/answer.ts";
import type { AppEnd } from "../oauth/flow.ts";
import { renderLinkPage } from "../oauth/pages/devicePages.ts";
import { renderLeavingPage } from "../oauth/pages/flowPages.ts";
import { newSecret } from "../oauth/pkce.ts";
import type { Services } from "../services.ts";
import {
  bodyParamsOf,
  checkCsrf,
  csrfOf,
  jsonAnswer,
  paramsOf,
  publicBaseOf,
  tieBrowser,
} from "./oauthRequest.ts";
import { type BeginLogin, endOf } from "./oauthStart.ts";

/** From the app's call to the yes in the browser. */
const TICKET_MS = 120_000;

interface Ticket {
  readonly cid: string;
  readonly provider: string;
  readonly account: string;
  readonly session: string;
  readonly end: AppEnd;
}

export interface LinkRoutes {
  /** `POST link` with a session, `provider` and what a start takes: `{ url }` to open in a browser. */
  readonly create: (exchange: Exchange) => Promise<Answer>;
  /** `GET link`: the page behind that URL. */
  readonly show: (exchange: Exchange) => Answer;
  /** `POST confirm`: its form. */
  readonly confirm: (exchange: Exchange) => Promise<Answer>;
}

export const createLinkRoutes = (services: Services, begin: BeginLogin): LinkRoutes => {
  const { oauth, oauthCalls } = services;

  const create = async (exchange: Exchange): Promise<Answer> => {
    const { principal, credential } = exchange;
    const session = principal.kind === "record" ? principal.session : undefined;
    if (session === undefined || credential === undefined) throw new Refusal("session_required");
    const param = bodyParamsOf(exchange);
    const end = endOf(param, services);
    const account = await oauthCalls.accountOf(session.cid, credential);
    if (account === undefined) throw new Refusal("upstream_unreachable");
    const ticket = newSecret();
    const value: Ticket = {
      cid: session.cid,
      provider: param("provider") ?? "",
      account,
      session: session.id,
      end,
    };
    oauth.slips.put("ticket", ticket, { value, ttlMs: TICKET_MS, owner: exchange.client.block });
    return jsonAnswer({ url: `${publicBaseOf(exchange, services)}/auth/oauth2/link?ticket=${ticket}` });
  };

  const show = (exchange: Exchange): Answer => {
    const ticket = paramsOf(exchange.query)("ticket") ?? "";
    const found = oauth.slips.read("ticket", ticket) as Ticket | undefined;
    if (found === undefined) throw new Refusal("oauth_state_invalid");
    const { hash, setCookie } = tieBrowser(exchange, publicBaseOf(exchange, services));
    const { account, provider } = found;
    return renderLinkPage({
      ticket,
      csrf: csrfOf(hash, ticket),
      account,
      provider,
      headers: ["Set-Cookie", setCookie],
    });
  };

  const confirm = async (exchange: Exchange): Promise<Answer> => {
    const param = bodyParamsOf(exchange);
    const ticket = param("ticket") ?? "";
    checkCsrf(exchange, { base: publicBaseOf(exchange, services), about: ticket, csrf: param("csrf") });
    const found = oauth.slips.take("ticket", ticket) as Ticket | undefined;
    if (found === undefined) throw new Refusal("oauth_state_invalid");
    const { cid, provider, session, end } = found;
    const { location, setCookie } = await begin(exchange, { collection: cid, provider, end, link: session });
    return renderLeavingPage(location, ["Set-Cookie", setCookie]);
  };

  return { create, show, confirm };
};
