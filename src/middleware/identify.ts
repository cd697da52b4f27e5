// The only place that answers "who is this", and the only one that turns a client's token into the
// credential PocketBase gets. PocketBase's own tokens never leave Hapta, so they are not accepted from outside.
import { Refusal } from "../errors.ts";
import { addCookie, type Exchange, type Stage } from "../exchange.ts";
import { namesSuperusers } from "../pocketbase/routes.ts";
import type { Services } from "../services.ts";
import { labelOf, type Presenter, readDid } from "../sessions/device.ts";
import { clearSessionCookie } from "../sessions/sessionCookie.ts";
import type { Sessions } from "../sessions/sessions.ts";
import { StoreUnavailable } from "../sessions/storeUnavailable.ts";
import type { Verdict } from "../sessions/verdict.ts";
import { headerValue, sessionHeaders } from "../utils/headers.ts";
import { claimsOf } from "../utils/jwt.ts";
import { createReadAuthorization, type Presented, shaped } from "./authorization.ts";
import { createTakeCookieToken } from "./cookieToken.ts";
import { carriesToken, createSwapFileToken } from "./fileToken.ts";
import { createOperatorCheck, type OperatorExchange } from "./operator.ts";
import { createProvenKeys } from "./provenKeys.ts";
import { createSignedApps, type SignedApps } from "./signedApps.ts";
import { createCheckWrite } from "./writePolicy.ts";

const REFRESH = "auth-refresh";

/** A session that a token names, whether or not the token still counts. */
type Found = Extract<Verdict, { readonly kind: "live" | "stale" }>;

export const createIdentify = (services: Services): Stage => {
  const { settings, log, sessions } = services;
  const { writes } = settings.security;
  const recognise =
    writes.size === 0
      ? createRecognise(services)
      : withCheck(createRecognise(services), createCheckWrite({ ...services, writes }));
  const checkOperator = createOperatorCheck({
    adminKey: settings.security.adminKey,
    onWrongKey: (exchange) => {
      log("warn", "a wrong admin key", { id: exchange.id, client: exchange.client.address });
      sessions.note({ type: "authn_fail", detail: "admin key", ...originOf(exchange) });
    },
  });
  return (exchange) => {
    if (exchange.route.kind !== "control") return recognise(exchange);
    const recognised = recognise(exchange);
    return recognised instanceof Promise
      ? recognised.then(() => checkOperator(exchange))
      : checkOperator(exchange);
  };
};

const withCheck =
  (recognise: Stage, check: Stage): Stage =>
  (exchange) => {
    const recognised = recognise(exchange);
    return recognised instanceof Promise ? recognised.then(() => check(exchange)) : check(exchange);
  };

/** Reads the tokens of an exchange: who of PocketBase's records asks. */
const createRecognise = (services: Services): Stage => {
  const { sessions, settings } = services;
  const { cookies, upstreamTokens } = settings.security;
  const adopts = upstreamTokens === "adopt";
  const takeCookieToken = createTakeCookieToken(cookies.isEnabled);
  const dismiss = createDismiss(cookies);
  const swapFileToken = createSwapFileToken({ ...services, adopts });
  const signedApps = createSignedApps(settings.security.apps);
  const provenKeys = createProvenKeys(services);
  const accept = createAccept(services, { signedApps, dismiss });
  const readAuthorization = createReadAuthorization();

  return (exchange) => {
    if (carriesFileToken(exchange)) return swapFileToken(exchange).catch(refuseUnavailable);
    const presented = readAuthorization(exchange);
    if (exchange.isSigned) signedApps.verify(exchange);
    const token = tokenOf(exchange, presented);
    const proving = provenKeys.login(exchange, token);
    // Not a token to PocketBase either (it reads a guest), but the app's own routes may know what it is.
    if (token === undefined) exchange.credential = presented.value;
    if (token === undefined) return proving;
    return proving === undefined ? resolve(exchange, token) : proving.then(() => resolve(exchange, token));
  };

  function tokenOf(exchange: Exchange, { value, token }: Presented): string | undefined {
    // A signature covers the token in Authorization; another one that came in a cookie would be nobody's word.
    const kept = exchange.isSigned ? undefined : takeCookieToken?.(exchange, value);
    return kept === undefined ? token : shaped(kept);
  }

  function resolve(exchange: Exchange, token: string): undefined | Promise<undefined> {
    try {
      const verdict = sessions.resolve(token, presenterOf(exchange));
      if (!(verdict instanceof Promise)) return settle(exchange, { verdict, token });
      return verdict.then((later) => settle(exchange, { verdict: later, token }), refuseUnavailable);
    } catch (error) {
      return refuseUnavailable(error);
    }
  }

  function settle(
    exchange: Exchange,
    { verdict, token }: { verdict: Verdict; token: string },
  ): undefined | Promise<undefined> {
    if (verdict.kind === "live" || verdict.kind === "stale") return accept(exchange, verdict);
    if (verdict.kind === "unproven") {
      if (isLogin(exchange)) return undefined;
      // A login has shown its key already, and any other proof only counts once: this ends.
      return provenKeys.session(exchange, verdict.session, token).then(() => resolve(exchange, token));
    }
    if (verdict.kind === "invalid" && adopts && claimsOf(token)?.iss !== "hapta")
      return adopt(exchange, token);
    return dismiss(exchange, verdict.kind);
  }

  function adopt(exchange: Exchange, token: string): undefined | Promise<undefined> {
    const collection = claimsOf(token)?.collectionId;
    const isSuperuser = collection !== undefined && namesSuperusers(collection);
    if (isSuperuser && !services.isAdminClient(exchange.client)) refuseSuperuser(sessions, exchange);
    // Only PocketBase can tell whether the token is real: until it has, it opens nothing that Hapta decides about.
    exchange.principal = { kind: "record", session: undefined };
    exchange.credential = token;
    return isSuperuser || isLogin(exchange) ? undefined : provenKeys.adoption(exchange, token);
  }
};

type Dismiss = (exchange: Exchange, ended: "revoked" | "expired" | "invalid") => undefined;

// As in PocketBase, a token that counts for nothing makes a guest, not an error. A browser is told to forget it.
const createDismiss =
  ({ sameSite }: Services["settings"]["security"]["cookies"]): Dismiss =>
  (exchange, ended) => {
    exchange.principal = { kind: "guest", ended };
    const { isSecure } = exchange.client;
    if (exchange.cookieToken !== undefined) addCookie(exchange, clearSessionCookie({ isSecure, sameSite }));
    return undefined;
  };

type Accept = (exchange: Exchange, found: Found) => undefined;

/** Makes the holder of a session the principal, unless something about the session speaks against it. */
const createAccept = (
  { sessions, isAdminClient }: Services,
  { signedApps, dismiss }: { readonly signedApps: SignedApps; readonly dismiss: Dismiss },
): Accept => {
  return (exchange, found) => {
    const { session } = found;
    const isSuperuser = session.kind === "superuser" || namesSuperusers(session.cid);
    if (isSuperuser && !isAdminClient(exchange.client)) refuseSuperuser(sessions, exchange);
    const refusal = refusalOf(exchange, found);
    if (refusal !== undefined && isLogin(exchange)) return undefined;
    if (refusal !== undefined) throw refusal;
    const credential = sessions.upstreamToken(session);
    if (credential === undefined) return dismiss(exchange, "revoked");
    const kind = isSuperuser ? "superuser" : "record";
    exchange.principal = found.kind === "live" ? { kind, session } : { kind: "stale", session };
    exchange.credential = credential;
    return undefined;
  };

  function refusalOf(exchange: Exchange, { kind, session }: Found): Refusal | undefined {
    if (!signedApps.suits(exchange, session)) return new Refusal("app_required");
    const isStale = kind === "stale" && exchange.route.operation !== REFRESH;
    return isStale ? new Refusal("session_stale", { headers: sessionHeaders("stale") }) : undefined;
  }
};

// A login that happens to carry a token that does not count here is a login without one.
const isLogin = ({ route }: Exchange): boolean => route.kind === "auth" && route.operation !== REFRESH;

// PocketBase looks at no Authorization here, only at the parameter.
const carriesFileToken = ({ route, query, path }: Exchange): boolean =>
  route.body === "drop" && (route.kind === "file" || path.startsWith("/api/backups/")) && carriesToken(query);

const refuseSuperuser = (sessions: Sessions, exchange: Exchange): never => {
  sessions.note({ type: "authz_fail", detail: "superuser from outside", ...originOf(exchange) });
  throw new Refusal("superuser_refused");
};

/** Where a request comes from, for the event log. */
const originOf = ({ id, client, headers }: OperatorExchange) => ({
  request: id,
  ip: client.address,
  label: labelOf(headerValue(headers, "user-agent") ?? ""),
});

/** Who presents a token, as the request shows it. */
export const presenterOf = ({ client, cookie, headers, proven }: Exchange): Presenter => ({
  did: cookie === undefined ? undefined : readDid(cookie, client.isSecure),
  userAgent: headerValue(headers, "user-agent") ?? "",
  address: client.address,
  appId: proven.isConfidential === true ? proven.appId : undefined,
  jkt: proven.jkt,
});

/** @throws Refusal `sessions_unavailable` for a store that does not work, anything else as it is. */
export const refuseUnavailable = (error: unknown): never => {
  if (error instanceof StoreUnavailable)
    throw new Refusal("sessions_unavailable", { cause: error, retryAfterSeconds: 1 });
  throw error;
};
