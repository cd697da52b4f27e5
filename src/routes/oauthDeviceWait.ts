// How a device learns that it was let in: events as they happen, or asking again and again. Whoever holds the device
// code gets the login, once.
import { ERRORS, type ErrorCode, Refusal } from "../errors.ts";
import type { Exchange } from "../exchange.ts";
import type { Answer } from "../http/answer.ts";
import type { Device } from "../oauth/devices.ts";
import type { Services } from "../services.ts";
import { tokenTextOf } from "../utils/jwt.ts";
import { type News, NewsStream } from "./newsStream.ts";
import type { Deliver } from "./oauthDelivery.ts";
import { POLL_SECONDS } from "./oauthDevice.ts";

const STREAMS_MAX = 1_000;
const STREAMS_PER_DEVICE_MAX = 2;

export class DeviceWait {
  readonly #services: Services;
  readonly #deliver: Deliver;
  readonly #streams = new Map<string, number>();
  #open = 0;

  constructor(services: Services, deliver: Deliver) {
    this.#services = services;
    this.#deliver = deliver;
  }

  /** `POST token` with a device code. @throws Refusal with the codes of RFC 8628 section 3.5 */
  async poll(exchange: Exchange, deviceCode: string): Promise<Answer> {
    const { oauth, settings } = this.#services;
    const device = oauth.devices.byDeviceCode(deviceCode);
    if (device === undefined) throw new Refusal("expired_token");
    if (device.status === "denied") throw new Refusal("access_denied");
    if (device.status === "done") return await this.#fetchResult(exchange, device);
    const isTooSoon = oauth.devices.poll(device.id) < POLL_SECONDS * 1000;
    throw new Refusal(isTooSoon && settings.rateLimit.isEnabled ? "slow_down" : "authorization_pending");
  }

  /** `GET events` with the device code as Bearer token: `status` events, then one of `login`, `mfa` and `failed`. */
  events(exchange: Exchange): Answer {
    const deviceCode = tokenTextOf(exchange.authorizations[0] ?? "");
    const device = this.#services.oauth.devices.byDeviceCode(deviceCode);
    if (device === undefined) throw new Refusal("expired_token");
    const { id } = device;
    if (this.#open >= STREAMS_MAX || (this.#streams.get(id) ?? 0) >= STREAMS_PER_DEVICE_MAX)
      throw new Refusal("oauth_busy", { retryAfterSeconds: POLL_SECONDS });
    const headers = [
      "Content-Type",
      "text/event-stream",
      "Cache-Control",
      "no-store",
      "X-Accel-Buffering",
      "no",
    ];
    if (exchange.method === "HEAD") return { status: 200, headers, body: null };
    this.#count(id, 1);
    let status = "";
    const next = async (): Promise<News | undefined> => {
      const news = await this.#newsFor(exchange, deviceCode, status);
      if (news?.event === "status") status = news.data.status;
      return news;
    };
    return { status: 200, headers, body: new NewsStream(next, () => this.#count(id, -1)) };
  }

  async #newsFor(exchange: Exchange, deviceCode: string, known: string): Promise<News | undefined> {
    const device = this.#services.oauth.devices.byDeviceCode(deviceCode);
    if (device === undefined) return failed("expired_token");
    if (device.status === "denied") return failed("access_denied");
    if (device.status === "done") return await this.#loginNews(exchange, device);
    return device.status === known ? undefined : { event: "status", data: { status: device.status } };
  }

  async #loginNews(exchange: Exchange, device: Device): Promise<News> {
    try {
      const { status, body } = await this.#fetchResult(exchange, device);
      const data: unknown = JSON.parse(Buffer.from(body instanceof Uint8Array ? body : []).toString("utf8"));
      return { event: status === 200 ? "login" : "mfa", data };
    } catch (error) {
      return failed(error instanceof Refusal ? error.code : "internal");
    }
  }

  // Of all who ask at the same instant one gets it.
  async #fetchResult(exchange: Exchange, { id }: Device): Promise<Answer> {
    const result = this.#services.oauth.devices.takeResult(id);
    if (result === undefined) throw new Refusal("expired_token");
    return await this.#deliver(exchange, result);
  }

  #count(id: string, step: 1 | -1): void {
    this.#open += step;
    const own = (this.#streams.get(id) ?? 0) + step;
    if (own > 0) this.#streams.set(id, own);
    else this.#streams.delete(id);
  }
}

const failed = (code: ErrorCode): News => ({
  event: "failed",
  data: { error: code, message: ERRORS[code].message },
});
