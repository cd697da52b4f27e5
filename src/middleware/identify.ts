// The only place that answers "who is this", and the only one that turns a client's token into the
// credential PocketBase gets. PocketBase's own tokens never leave Hapta, so they are not accepted from outside.
import { Refusal } from "../errors.ts";
import type { Exchange, Stage } from "../exchange.ts";
import { namesSuperusers } from "../pocketbase/routes.ts";
import type { Services } from "../services.ts";
import type { Presenter } from "../sessions/device.ts";
import type { Session } from "../sessions/liveSessions.ts";
import type { Verdict } from "../sessions/resolver.ts";
import { StoreUnavailable } from "../sessions/storeUnavailable.ts";
import { headerValue, sessionHeaders } from "../utils/headers.ts";
import { claimsOf, isPocketBaseShaped, tokenTextOf } from "../utils/jwt.ts";
import { createSwapFileToken, mayCarryToken } from "./fileToken.ts";
import { createOperatorCheck } from "./operator.ts";

/** Longest Authorization value that is looked at. */
const AUTHORIZATION_BYTES_MAX = 4096;
// Visible ASCII and single blanks; a comma would be two values joined by a proxy (RFC 9110 section 5.2).
const AUTHORIZATION = /^[\x21-\x2b\x2d-\x7e]+(?: [\x21-\x2b\x2d-\x7e]+)*$/;

const REFRESH = "auth-refresh";

export const createIdentify = (services: Services): Stage => {
  const { settings, log } = services;
  const recognise = createRecognise(services);
  const checkOperator = createOperatorCheck({
    adminKey: settings.security.adminKey,
    onWrongKey: ({ id, client }) => log("warn", "a wrong admin key", { id, client: client.address }),
  });
  return (exchange) => {
    if (exchange.route.kind !== "control") return recognise(exchange);
    const recognised = recognise(exchange);
    return recognised instanceof Promise
      ? recognised.then(() => checkOperator(exchange))
      : checkOperator(exchange);
  };
};

/** Reads the tokens of an exchange: who of PocketBase's records asks. */
const createRecognise = (services: Services): Stage => {
  const { sessions, settings } = services;
  const adopts = settings.security.upstreamTokens === "adopt";

  const swapFileToken = createSwapFileToken({ ...services, adopts });

  return (exchange) => {
    if (carriesFileToken(exchange)) return swapFileToken(exchange).catch(refuseUnavailable);
    const authorization = soleAuthorization(exchange.authorizations);
    if (authorization === undefined) return undefined;
    const token = tokenTextOf(authorization);
    if (!isPocketBaseShaped(token)) {
      // Not a token to PocketBase either (it reads a guest), but the app's own routes may know what it is.
      exchange.credential = authorization;
      return undefined;
    }
    try {
      const verdict = sessions.resolve(token, presenterOf(exchange));
      if (!(verdict instanceof Promise)) return settle(exchange, { verdict, token });
      return verdict.then((later) => settle(exchange, { verdict: later, token }), refuseUnavailable);
    } catch (error) {
      return refuseUnavailable(error);
    }
  };

  function settle(exchange: Exchange, { verdict, token }: { verdict: Verdict; token: string }): undefined {
    if (verdict.kind === "live" || verdict.kind === "stale") return accept(exchange, verdict);
    if (verdict.kind === "invalid" && adopts && claimsOf(token)?.iss !== "hapta")
      return adopt(exchange, token);
    if (verdict.kind === "unproven") throw new Refusal("dpop_required");
    // As in PocketBase, a token that counts for nothing makes a guest, not an error.
    exchange.principal = { kind: "guest", ended: verdict.kind };
    return undefined;
  }

  function accept(exchange: Exchange, verdict: Verdict & { readonly session: Session }): undefined {
    const { session } = verdict;
    const isSuperuser = session.kind === "superuser" || namesSuperusers(session.cid);
    if (isSuperuser && !services.isAdminClient(exchange.client)) throw new Refusal("superuser_refused");
    const credential = sessions.upstreamToken(session);
    if (credential === undefined) {
      exchange.principal = { kind: "guest", ended: "revoked" };
    } else if (verdict.kind === "live") {
      exchange.principal = { kind: isSuperuser ? "superuser" : "record", session };
      exchange.credential = credential;
    } else if (exchange.route.operation === REFRESH) {
      exchange.principal = { kind: "stale", session };
      exchange.credential = credential;
    } else if (exchange.route.kind !== "auth") {
      throw new Refusal("session_stale", { headers: sessionHeaders("stale") });
    }
    // A login that happens to carry a superseded token is a login without one.
    return undefined;
  }

  function adopt(exchange: Exchange, token: string): undefined {
    const collection = claimsOf(token)?.collectionId;
    const isSuperuser = collection !== undefined && namesSuperusers(collection);
    if (isSuperuser && !services.isAdminClient(exchange.client)) throw new Refusal("superuser_refused");
    exchange.principal = { kind: isSuperuser ? "superuser" : "record", session: undefined };
    exchange.credential = token;
    return undefined;
  }
};

// PocketBase looks at no Authorization here, only at the parameter.
const carriesFileToken = ({ route, query, path }: Exchange): boolean =>
  mayCarryToken(query) &&
  route.body === "drop" &&
  (route.kind === "file" || path.startsWith("/api/backups/"));

/** Who presents a token, as the request shows it. */
export const presenterOf = ({ client, headers }: Exchange): Presenter => ({
  userAgent: headerValue(headers, "user-agent") ?? "",
  address: client.address,
});

/** @throws Refusal `sessions_unavailable` for a store that does not work, anything else as it is. */
export const refuseUnavailable = (error: unknown): never => {
  if (error instanceof StoreUnavailable)
    throw new Refusal("sessions_unavailable", { cause: error, retryAfterSeconds: 1 });
  throw error;
};

const soleAuthorization = (authorizations: readonly string[]): string | undefined => {
  const authorization = authorizations[0] ?? "";
  if (authorizations.length > 1) throw new Refusal("authorization_invalid");
  if (authorization === "") return undefined;
  if (authorization.length > AUTHORIZATION_BYTES_MAX || !AUTHORIZATION.test(authorization)) {
    throw new Refusal("authorization_invalid");
  }
  return authorization;
};
