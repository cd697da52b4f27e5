// Hapta's own OAuth2 paths, below /auth/oauth2: which of them is asked for, and how it says no.
import { SQLiteError } from "bun:sqlite";
import { ERRORS, Refusal, renderRefusal } from "../errors.ts";
import type { Exchange } from "../exchange.ts";
import type { Answer } from "../http/answer.ts";
import { renderDeviceEndPage } from "../oauth/pages/devicePages.ts";
import { renderRefusedPage } from "../oauth/pages/flowPages.ts";
import { renderDonePage, renderFailedPage } from "../oauth/pages/popupPages.ts";
import { OAuthBusy } from "../oauth/slips.ts";
import type { Services } from "../services.ts";
import { StoreUnavailable } from "../sessions/storeUnavailable.ts";
import { headerValue } from "../utils/headers.ts";
import { Approval } from "./oauthApproval.ts";
import { createCallbackRoute, type EndLogin, type Outcome } from "./oauthCallback.ts";
import { createCodeExchange, createEndInApp } from "./oauthCode.ts";
import { createDeliver } from "./oauthDelivery.ts";
import { createDeviceStart } from "./oauthDevice.ts";
import { DeviceWait } from "./oauthDeviceWait.ts";
import { createLinkRoutes } from "./oauthLink.ts";
import { bodyParamsOf } from "./oauthRequest.ts";
import { createBeginLogin, createStartRoute } from "./oauthStart.ts";

type Serve = (exchange: Exchange) => Answer | Promise<Answer>;

/**
 * - `GET {collection}/{provider}`: starts a login in this browser.
 * - `GET callback`, `POST callback`: the provider's answer.
 * - `POST token`: a one-time code, or a device's, for a session.
 * - `POST device`, `GET events`: a device that wants in. `GET device`, `POST approve`: whoever lets it in.
 * - `POST link`, `GET link`, `POST confirm`: a provider for the member who is signed in.
 * - `GET done`, `GET failed`: where the SDK's popup ends.
 */
export const createOAuthRoutes = (services: Services): ((exchange: Exchange) => Promise<Answer>) => {
  const begin = createBeginLogin(services);
  const start = createStartRoute(services, begin);
  const deliver = createDeliver(services);
  const exchangeCode = createCodeExchange(services, deliver);
  const askForDevice = createDeviceStart(services);
  const approval = new Approval(services, begin);
  const wait = new DeviceWait(services, deliver);
  const link = createLinkRoutes(services, begin);
  const { devices } = services.oauth;
  const endInApp = createEndInApp(services, deliver);
  const end: EndLogin = (exchange, flow, outcome) =>
    flow.end.kind === "device"
      ? endOnDevice(flow.end.device, outcome)
      : endInApp(exchange, flow.end, outcome);
  const endOnDevice = (device: string, outcome: Outcome): Answer => {
    if (outcome.kind === "done") return renderDeviceEndPage(devices.finish(device, outcome.result));
    devices.move(device, ["confirmed"], "denied");
    return renderDeviceEndPage(false);
  };
  const callback = createCallbackRoute(services, end);
  const token: Serve = (exchange) => {
    const param = bodyParamsOf(exchange);
    const [code, deviceCode] = [param("code"), param("device_code")];
    if (deviceCode !== undefined) return wait.poll(exchange, deviceCode);
    if (code === undefined) throw new Refusal("oauth_request_invalid");
    return exchangeCode(exchange, code, param);
  };
  const routes = new Map<string, Serve>([
    ["GET done", renderDonePage],
    ["GET failed", renderFailedPage],
    ["GET callback", callback],
    ["POST callback", callback],
    ["POST token", token],
    ["POST device", askForDevice],
    ["GET device", (exchange) => approval.show(exchange)],
    ["POST approve", (exchange) => approval.decide(exchange)],
    ["GET events", (exchange) => wait.events(exchange)],
    ["POST link", link.create],
    ["GET link", link.show],
    ["POST confirm", link.confirm],
  ]);

  const serve: Serve = (exchange) => {
    const [, , , place = "", provider, ...more] = exchange.path.split("/");
    const method = exchange.method === "HEAD" ? "GET" : exchange.method;
    if (more.length > 0) throw new Refusal("not_found");
    if (provider !== undefined && method === "GET") return start(exchange, [place, provider]);
    const route = provider === undefined ? routes.get(`${method} ${place}`) : undefined;
    if (route === undefined) throw new Refusal("not_found");
    return route(exchange);
  };

  return withRefusals(serve);
};

const withRefusals =
  (serve: Serve): ((exchange: Exchange) => Promise<Answer>) =>
  async (exchange) => {
    try {
      return await serve(exchange);
    } catch (error) {
      const refusal = refusalOf(error);
      if (refusal === undefined || !isForPeople(exchange)) throw refusal ?? error;
      return renderRefusedPage(renderRefusal(refusal.code, refusal.detail), ERRORS[refusal.code].message);
    }
  };

// What keeps a login from being stored passes: a full share, a database that is locked, a disk without room.
const refusalOf = (error: unknown): Refusal | undefined => {
  if (error instanceof Refusal) return error;
  if (error instanceof StoreUnavailable)
    return new Refusal("sessions_unavailable", { cause: error, retryAfterSeconds: 1 });
  if (!(error instanceof OAuthBusy || error instanceof SQLiteError)) return undefined;
  return new Refusal("oauth_busy", { cause: error, retryAfterSeconds: 30 });
};

// A browser that navigates, not a program that asks.
const isForPeople = ({ headers }: Exchange): boolean =>
  headerValue(headers, "accept")?.includes("text/html") === true;
