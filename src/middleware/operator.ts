// Who may use the admin API: the holder of the admin key, or a superuser with a live session. Opens no session and
// grants nothing at PocketBase.
import { timingSafeEqual } from "node:crypto";
import { Refusal } from "../errors.ts";
import type { Exchange } from "../exchange.ts";
import type { Client } from "../utils/address.ts";
import { BackOff, type BackOffOptions } from "../utils/backOff.ts";
import type { Secret } from "../utils/secret.ts";

/** Wrong keys of one client. What keeps the key from being guessed is its length; this keeps the event log readable. */
const BACK_OFF = { freeMax: 5, firstMs: 1_000, longestMs: 30_000, forgetMs: 600_000, namesMax: 4_096 };

/** The part of an exchange that matters here. */
export interface OperatorExchange extends Pick<Exchange, "id" | "authorizations" | "headers"> {
  readonly client: Pick<Client, "address" | "block">;
  principal: Exchange["principal"];
  credential: Exchange["credential"];
}

export interface OperatorCheckOptions {
  /** `HAPTA_ADMIN_KEY`. Without it only superusers are let in, and to others the admin API does not exist. */
  readonly adminKey: Secret | undefined;
  /** Called for every wrong key that was compared. */
  readonly onWrongKey: (exchange: OperatorExchange) => void;
  readonly now?: BackOffOptions["now"];
}

/**
 * Sets the principal of an exchange of the admin API that carries the admin key; a superuser's stays as it is.
 *
 * @throws Refusal `admin_key_required`, `admin_key_blocked` (with `Retry-After`; never for the right key), or `not_found`
 * when there is no key.
 */
export const createOperatorCheck = (
  options: OperatorCheckOptions,
): ((exchange: OperatorExchange) => undefined) => {
  const { adminKey, onWrongKey, now = () => performance.now() } = options;
  const expected = adminKey === undefined ? undefined : digest(adminKey.reveal());
  const backOff = new BackOff({ ...BACK_OFF, now });

  // Also where the right key was presented meanwhile: it may be somebody else's at the same address.
  const refuseWrong = (exchange: OperatorExchange): Refusal => {
    const { block } = exchange.client;
    const waitMs = backOff.waitMs(block);
    if (waitMs > 0) return new Refusal("admin_key_blocked", { retryAfterSeconds: Math.ceil(waitMs / 1000) });
    backOff.fail(block);
    onWrongKey(exchange);
    return new Refusal("admin_key_required");
  };

  return (exchange) => {
    const { principal } = exchange;
    if (principal.kind === "superuser") return undefined;
    exchange.principal = { kind: "guest" };
    exchange.credential = undefined;
    if (expected === undefined) throw new Refusal("not_found");
    const presented = /^bearer (.+)$/i.exec(exchange.authorizations[0] ?? "")?.[1];
    if (presented === undefined) throw new Refusal("admin_key_required");
    // First of all: whoever shares the operator's address must not be able to shut the operator out.
    if (!timingSafeEqual(digest(presented), expected)) throw refuseWrong(exchange);
    exchange.principal = { kind: "operator", session: undefined };
    return undefined;
  };
};

// Of equal length whatever was sent, so that the comparison takes the same time.
const digest = (text: string): Buffer => new Bun.CryptoHasher("sha256").update(text).digest();
