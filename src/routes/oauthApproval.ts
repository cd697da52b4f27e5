// Where somebody lets a device in: a page that shows what asks, and its form. The login itself is any other login.
import { Refusal } from "../errors.ts";
import type { Exchange } from "../exchange.ts";
import type { Answer } from "../http/answer.ts";
import type { Device } from "../oauth/devices.ts";
import { renderApprovePage, renderDeviceEndPage, renderTypeCodePage } from "../oauth/pages/devicePages.ts";
import { renderLeavingPage } from "../oauth/pages/flowPages.ts";
import { readUserCode } from "../oauth/userCode.ts";
import type { Services } from "../services.ts";
import { providersFor, requireDeviceLogin } from "./oauthDevice.ts";
import { bodyParamsOf, checkCsrf, csrfOf, paramsOf, publicBaseOf, tieBrowser } from "./oauthRequest.ts";
import type { BeginLogin } from "./oauthStart.ts";

const UNKNOWN = "No device waits with this code. Codes last ten minutes.";
const USED = "This code was used already. Ask the device for another one.";

interface ShownDevice extends Device {
  readonly userCode: string;
}

export class Approval {
  readonly #services: Services;
  readonly #begin: BeginLogin;

  constructor(services: Services, begin: BeginLogin) {
    this.#services = services;
    this.#begin = begin;
  }

  /** `GET device`: asks for the code, or shows the device that waits with it. */
  async show(exchange: Exchange): Promise<Answer> {
    requireDeviceLogin(this.#services);
    const typed = paramsOf(exchange.query)("user_code");
    if (typed === undefined) return renderTypeCodePage();
    const device = this.#deviceOf(exchange, typed);
    if (device === undefined) return renderTypeCodePage(UNKNOWN);
    const { id, info, status, userCode } = device;
    if (status !== "pending" && status !== "opened") return renderTypeCodePage(USED);
    const { cid, provider } = info;
    const { address } = exchange.client;
    const providers = await providersFor(this.#services, { cid, provider, address });
    this.#services.oauth.devices.move(id, ["pending"], "opened");
    const { hash, setCookie } = tieBrowser(exchange, publicBaseOf(exchange, this.#services));
    const csrf = csrfOf(hash, userCode);
    const headers = ["Set-Cookie", setCookie];
    return renderApprovePage({ userCode, csrf, info, providers, nowMs: Date.now(), headers });
  }

  /** `POST approve`: its form. Whoever is first goes on; the device then waits for the login of that browser. */
  async decide(exchange: Exchange): Promise<Answer> {
    const { devices } = this.#services.oauth;
    const param = bodyParamsOf(exchange);
    const device = this.#deviceOf(exchange, param("user_code") ?? "");
    if (device === undefined) throw new Refusal("expired_token");
    const { id, info, userCode } = device;
    const base = publicBaseOf(exchange, this.#services);
    checkCsrf(exchange, { base, about: userCode, csrf: param("csrf") });
    if (param("deny") !== undefined) {
      devices.move(id, ["pending", "opened"], "denied");
      return renderDeviceEndPage(false);
    }
    if (!devices.move(id, ["pending", "opened"], "confirmed")) throw new Refusal("expired_token");
    const provider = info.provider === "" ? (param("provider") ?? "") : info.provider;
    const end = { kind: "device", device: id } as const;
    try {
      const begun = await this.#begin(exchange, { collection: info.cid, provider, end });
      return renderLeavingPage(begun.location, ["Set-Cookie", begun.setCookie]);
    } catch (error) {
      devices.move(id, ["confirmed"], "opened");
      throw error;
    }
  }

  // A short code can be guessed: wrong ones count. @throws Refusal `oauth_busy` after too many
  #deviceOf(exchange: Exchange, typed: string): ShownDevice | undefined {
    const { devices, guesses } = this.#services.oauth;
    const owner = exchange.client.block;
    if (!guesses.mayGuess(owner)) throw new Refusal("oauth_busy", { retryAfterSeconds: 600 });
    const userCode = readUserCode(typed);
    const device = userCode === undefined ? undefined : devices.byUserCode(userCode);
    if (device !== undefined && userCode !== undefined) return { ...device, userCode };
    guesses.miss(owner);
    return undefined;
  }
}
