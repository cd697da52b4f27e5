// A device without a browser asks to be logged in (RFC 8628): it gets a secret of its own and a short code to show.
// Who lets it in, and what it gets in the end, is decided elsewhere.
import { Refusal } from "../errors.ts";
import type { Exchange } from "../exchange.ts";
import type { Answer } from "../http/answer.ts";
import type { OfferedProvider } from "../oauth/authMethods.ts";
import { DEVICE_MS } from "../oauth/devices.ts";
import { newSecret } from "../oauth/pkce.ts";
import { newUserCode } from "../oauth/userCode.ts";
import type { Services } from "../services.ts";
import { labelOf } from "../sessions/device.ts";
import { headerValue } from "../utils/headers.ts";
import { bodyParamsOf, jsonAnswer, publicBaseOf } from "./oauthRequest.ts";

/** Seconds between two questions of a device that does not listen to events (RFC 8628 section 3.2). */
export const POLL_SECONDS = 5;
const LABEL_MAX = 64;

/** @throws Refusal `not_found` where `OAuth2.DeviceLogin` is off. */
export const requireDeviceLogin = ({ settings }: Services): void => {
  if (!settings.oauth2.isDeviceLoginEnabled) throw new Refusal("not_found");
};

/** The providers a device may be let in with: the one it named, or all. @throws Refusal when there is none */
export const providersFor = async (
  { oauth }: Services,
  { cid, provider, address }: { readonly cid: string; readonly provider: string; readonly address: string },
): Promise<OfferedProvider[]> => {
  const offered = await oauth.providersOf(cid, address);
  if (offered === undefined) throw new Refusal("upstream_unreachable");
  const fitting = offered.filter(({ name }) => provider === "" || name === provider);
  if (fitting.length === 0) throw new Refusal("oauth_provider_unknown");
  return fitting;
};

/** `POST device` with `collection`, and `provider` and `label` if the device likes: its codes. */
export const createDeviceStart = (services: Services): ((exchange: Exchange) => Promise<Answer>) => {
  const { collections, oauth } = services;
  return async (exchange) => {
    requireDeviceLogin(services);
    const param = bodyParamsOf(exchange);
    const cid = collections.find(param("collection") ?? "")?.id;
    if (cid === undefined) throw new Refusal("oauth_provider_unknown");
    const [provider, { address }] = [param("provider") ?? "", exchange.client];
    await providersFor(services, { cid, provider, address });
    const [device, user] = [newSecret(), newUserCode()];
    const label = shownText(param("label") ?? "");
    const kind = labelOf(headerValue(exchange.headers, "user-agent") ?? "");
    const info = { cid, provider, label, address, kind, startedMs: Date.now() };
    oauth.devices.add({ device, user, owner: exchange.client.block }, info);
    const page = `${publicBaseOf(exchange, services)}/auth/oauth2/device`;
    return jsonAnswer({
      device_code: device,
      user_code: user,
      verification_uri: page,
      verification_uri_complete: `${page}?user_code=${user}`,
      expires_in: DEVICE_MS / 1000,
      interval: POLL_SECONDS,
    });
  };
};

// What a device calls itself, without what could disguise it: control, format and private-use characters.
const shownText = (text: string): string =>
  text
    .replaceAll(/[\p{C}\p{Z}]+/gu, " ")
    .trim()
    .slice(0, LABEL_MAX);
