// Logins, codes and mails under the login shield: who tries as whom, from which device, and how it ended. A helper of the
// stage `meter`.
import { readBody } from "../bodies/readBody.ts";
import { Refusal } from "../errors.ts";
import type { Exchange } from "../exchange.ts";
import { type Answer, type BodySource, isStreamed } from "../http/answer.ts";
import { EvenPace } from "../limits/evenPace.ts";
import { limitRefusal } from "../limits/limitRefusal.ts";
import type { Attempt, Begun, LoginTry, Outcome } from "../limits/shield.ts";
import type { Services } from "../services.ts";
import { readDid, toDevice } from "../sessions/device.ts";
import { claimsOf } from "../utils/jwt.ts";
import { RecentMap } from "../utils/recentMap.ts";
import { presenterOf } from "./identify.ts";

type Members = ReadonlyMap<string, unknown>;

/** What is tried, and which member of the body says as whom. */
interface Kind {
  readonly kind: LoginTry["kind"];
  readonly member: "identity" | "email" | "newemail" | "otpid" | "token";
}

const KINDS: Readonly<Record<string, Kind>> = {
  "auth-with-password": { kind: "guess", member: "identity" },
  "auth-with-otp": { kind: "guess", member: "otpid" },
  "request-otp": { kind: "mail", member: "email" },
  "request-password-reset": { kind: "mail", member: "email" },
  "request-verification": { kind: "mail", member: "email" },
  "request-email-change": { kind: "mail", member: "newemail" },
  // Beside the token from the mail it takes the password, which whoever stole a session would like to know.
  "confirm-email-change": { kind: "guess", member: "token" },
};

/** Codes whose identity is remembered; PocketBase's live for minutes. */
const CODES_MAX = 100_000;
const ANSWER_BYTES_MAX = 65_536;
const ANSWER_TIMEOUT_MS = 10_000;

export interface Logins {
  /** Notes a try and makes the exchange tell how it ends. @throws Refusal `login_delayed` */
  begin(exchange: Exchange, members: Members): void;
}

export const createLogins = (services: Services): Logins => {
  const { limits, collections } = services;
  const { shield } = limits;
  const otpIdentities = new RecentMap<string>(CODES_MAX);
  const paces = new Map(Object.keys(KINDS).map((operation) => [operation, new EvenPace()]));

  const tryOf = (exchange: Exchange, members: Members, { kind, member }: Kind): LoginTry => {
    const segment = exchange.route.collection ?? "";
    const cid = collections.find(segment)?.id ?? segment;
    const value = members.get(member);
    const text = typeof value === "string" ? value : undefined;
    return {
      kind,
      address: exchange.client.address,
      identity: identityIn(member, text, cid),
      otpId: member === "otpid" ? (text ?? "") : undefined,
      devices: devicesOf(exchange),
    };
  };

  const identityIn = (member: Kind["member"], text: string | undefined, cid: string): string | undefined => {
    if (member === "otpid") return otpIdentities.get(text ?? "");
    const name = member === "token" ? claimsOf(text ?? "")?.id : text;
    return name === undefined ? undefined : limits.identityOf(cid, name);
  };

  const settle = async (exchange: Exchange, attempt: Attempt, answer: Answer): Promise<Answer> => {
    const { operation = "" } = exchange.route;
    shield.end(attempt, outcomeOf(answer.status), newDeviceOf(exchange));
    const passed = operation === "request-otp" ? await noteCode(attempt, answer) : answer;
    // A login that worked tells nothing that its owner may not know.
    if (attempt.login.kind === "guess" && answer.status < 300) return passed;
    const holdMs = paces.get(operation)?.holdMs(performance.now() - attempt.begunMs) ?? 0;
    await Bun.sleep(holdMs);
    return passed;
  };

  // Who the code is for is known only now; the guesses that follow name nothing but the code.
  const noteCode = async ({ login }: Attempt, answer: Answer): Promise<Answer> => {
    if (answer.status >= 300 || answer.body === null || login.identity === undefined) return answer;
    const bytes = isStreamed(answer.body) ? await readWhole(answer.body) : answer.body;
    const otpId = otpIdIn(bytes);
    if (otpId !== undefined) otpIdentities.set(otpId, login.identity);
    return { ...answer, body: bytes };
  };

  return {
    begin: (exchange, members) => {
      const kind = KINDS[exchange.route.operation ?? ""];
      if (kind === undefined) return;
      const begun = shield.begin(tryOf(exchange, members, kind));
      if (!begun.ok) throw loginDelayed(services, exchange, begun);
      const { attempt } = begun;
      exchange.loginTry = {
        answered: (answer) => settle(exchange, attempt, answer),
        // Who leaves before the answer may have had it judged all the same.
        refused: () => {
          if (!exchange.presence.isGone) shield.end(attempt, "neither");
          return undefined;
        },
      };
    },
  };
};

/** The refusal of a try that has to wait, for the caller to throw: `login_delayed`. It is noted in the event log. */
export const loginDelayed = (
  { limits, sessions }: Services,
  { client, headers, id }: Exchange,
  { rule, waitMs }: Extract<Begun, { readonly ok: false }>,
): Refusal => {
  sessions.note({ type: "limit_hit", ip: client.address, request: id, detail: rule.name });
  const { message } = limits.config;
  return limitRefusal(headers, { code: "login_delayed", waitMs, policy: rule.name, message });
};

// 400: the secret is wrong. 401: it is right, and a second one is wanted. 403: right, but the rules keep the record out.
const outcomeOf = (status: number): Outcome => {
  if (status < 300) return "succeeded";
  return status === 400 || status === 429 ? "failed" : "neither";
};

// The cookie tells devices apart; where there is none it is what the device says of itself, and the network it is in.
const devicesOf = (exchange: Exchange): string[] => {
  const { did, platform, network } = toDevice(presenterOf(exchange));
  const place = `${platform} ${network}`;
  return did === undefined ? [place] : [did, place];
};

// A login may have given the device a cookie.
const newDeviceOf = (exchange: Exchange): string | undefined => {
  for (const cookie of exchange.setCookies ?? []) {
    const did = readDid(cookie.split(";", 1)[0] ?? "", exchange.client.isSecure);
    if (did !== undefined) return toDevice({ ...presenterOf(exchange), did }).did;
  }
  return undefined;
};

const readWhole = (body: BodySource): Promise<Uint8Array> =>
  readBody(body, { bytesMax: ANSWER_BYTES_MAX, timeoutMs: ANSWER_TIMEOUT_MS }).catch((cause: unknown) => {
    throw new Refusal("upstream_invalid", { cause });
  });

const otpIdIn = (bytes: Uint8Array): string | undefined => {
  try {
    const json: unknown = JSON.parse(Buffer.from(bytes).toString("utf8"));
    const found = typeof json === "object" && json !== null ? Reflect.get(json, "otpId") : undefined;
    return typeof found === "string" ? found : undefined;
  } catch {
    return undefined; // not an answer of PocketBase's
  }
};
