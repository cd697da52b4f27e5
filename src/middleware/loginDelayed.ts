// The refusal of a try that has to wait, and its event. A helper of the stage `meter`.
import type { Refusal } from "../errors.ts";
import type { Exchange } from "../exchange.ts";
import { limitRefusal } from "../limits/limitRefusal.ts";
import type { Begun } from "../limits/shield.ts";
import type { Services } from "../services.ts";

/** @returns Refusal `login_delayed`, for the caller to throw. */
export const loginDelayed = (
  { limits, sessions }: Services,
  { client, headers, id }: Exchange,
  { rule, waitMs }: Extract<Begun, { readonly ok: false }>,
): Refusal => {
  sessions.note({ type: "limit_hit", ip: client.address, request: id, detail: rule.name });
  const { message } = limits.config;
  return limitRefusal(headers, { code: "login_delayed", waitMs, policy: rule.name, message });
};
