// The keys that clients prove to hold (DPoP): which one a login is bound to, and that the client of a bound session has
// its key. What is proven is noted on the exchange; whose session it is, is said elsewhere.
import { Refusal } from "../errors.ts";
import type { Exchange } from "../exchange.ts";
import { createProofCheck, PROOF_ALGORITHMS, type Proof, type ProofFault } from "../proofs/dpop.ts";
import { createServerNonces } from "../proofs/serverNonces.ts";
import { UsedNonces } from "../proofs/usedNonces.ts";
import type { Services } from "../services.ts";
import type { Session } from "../sessions/liveSessions.ts";

/** How far the time of a proof may lie from now. */
const WINDOW_MS = 60_000;
/** 150 requests a second of one session. */
const NONCES = { windowMs: WINDOW_MS, perOwnerMax: 20_000, totalMax: 500_000 };
/** Apart, so that nobody who just makes up keys can fill what sessions need. 800 logins a second. */
const LOGIN_NONCES = { windowMs: WINDOW_MS, perOwnerMax: 100_000, totalMax: 100_000 };
const LOGINS = "logins";
/** Where a login that Hapta runs itself hands out its session. */
const OAUTH_LOGINS = new Set(["/auth/oauth2/token", "/auth/oauth2/events"]);

/** Each refuses a proof that is there and wrong: `dpop_invalid`, or `dpop_nonce` when it only lacks a nonce. */
export interface ProvenKeys {
  /** The key that a login is to be bound to; undefined when there is nothing to check. @throws Refusal `dpop_required` */
  login(exchange: Exchange, token: string | undefined): Promise<undefined> | undefined;
  /** The same for a token of PocketBase's own, which only its refresh makes a session of. */
  adoption(exchange: Exchange, token: string): Promise<undefined> | undefined;
  /** That the client holds a session's key. @throws Refusal `dpop_required` */
  session(exchange: Exchange, session: Session, token: string): Promise<undefined>;
}

export const createProvenKeys = ({ settings, sessions }: Services): ProvenKeys => {
  const { dpop } = settings.security;
  const { verify, use } = createProofUse(sessions.root.derive("dpop"));

  const bind = (exchange: Exchange, token: string | undefined, isDemanded: boolean) => {
    if (hasProof(exchange)) return verify(exchange, token).then((proof) => use(exchange, proof, LOGINS));
    if (isDemanded) throw required();
    return undefined;
  };

  return {
    login: (exchange, token) => {
      if (dpop === "off") return undefined;
      if (OAUTH_LOGINS.has(exchange.path)) return bind(exchange, token, dpop === "required");
      if (exchange.route.body === "drop") return undefined;
      const { kind, operation, isAdmin } = exchange.route;
      // A route of the app's own may be a login when no session asks.
      if (kind === "custom") return token === undefined ? bind(exchange, token, false) : undefined;
      if (operation?.startsWith("auth-with-") !== true) return undefined;
      return bind(exchange, token, dpop === "required" && isAdmin !== true);
    },
    adoption: (exchange, token) => {
      if (dpop === "off") return undefined;
      if (exchange.route.operation === "auth-refresh") return bind(exchange, token, dpop === "required");
      if (dpop === "required") throw required();
      return undefined;
    },
    session: async (exchange, { jkt }, token) => {
      if (dpop === "off" || jkt === undefined || !hasProof(exchange)) throw required();
      const proof = await verify(exchange, token);
      if (proof.jkt !== jkt) throw invalid("key");
      return use(exchange, proof, jkt);
    },
  };
};

interface ProofUse {
  verify(exchange: Exchange, token: string | undefined): Promise<Proof>;
  /** Last of all, so that a proof which is refused for another reason is not used up. */
  use(exchange: Exchange, proof: Proof, owner: string): undefined;
}

const createProofUse = (nonceKey: Uint8Array): ProofUse => {
  const now = (): number => Date.now();
  const nonces = createServerNonces(nonceKey);
  const check = createProofCheck({ nonces, now, windowMs: WINDOW_MS });
  const usedByKeys = new UsedNonces(NONCES, now());
  const usedByLogins = new UsedNonces(LOGIN_NONCES, now());
  const askAgain = (): Refusal =>
    new Refusal("dpop_nonce", {
      data: reasonOf("nonce"),
      headers: [...challenge("use_dpop_nonce"), "DPoP-Nonce", nonces.mint(now())],
    });

  return {
    verify: async (exchange, token) => {
      const { method, host = "", path, client } = exchange;
      const proof = soleProof(exchange);
      if (proof === undefined) throw invalid("form");
      const result = await check({ proof, method, host, path, isSecure: client.isSecure, token });
      if (result.ok) return result.proof;
      throw result.fault === "nonce" ? askAgain() : invalid(result.fault);
    },
    use: (exchange, { jkt, jti, createdMs, nextNonce }, owner) => {
      const used = owner === LOGINS ? usedByLogins : usedByKeys;
      const verdict = used.take({ owner, nonce: `${jkt}.${jti}`, createdMs, nowMs: now() });
      // Made before this process began: with a new nonce it can be made again.
      if (verdict === "closed") throw askAgain();
      if (verdict !== "fresh") throw invalid(verdict === "full" ? "full" : "replay");
      exchange.proven = { ...exchange.proven, jkt, nextNonce };
      return undefined;
    },
  };
};

type Fault = ProofFault | "replay" | "full";

const invalid = (fault: Fault): Refusal =>
  new Refusal("dpop_invalid", { data: reasonOf(fault), headers: challenge("invalid_dpop_proof") });

const required = (): Refusal => new Refusal("dpop_required", { headers: challenge(undefined) });

// RFC 9449 sections 7.1 and 8; exposed, because browsers hide both fields from scripts of other origins.
const challenge = (error: string | undefined): string[] => [
  "WWW-Authenticate",
  `DPoP algs="${PROOF_ALGORITHMS.join(" ")}"${error === undefined ? "" : `, error="${error}"`}`,
  "Access-Control-Expose-Headers",
  "DPoP-Nonce, WWW-Authenticate",
];

const proofsOf = ({ headers }: Exchange): string[] =>
  headers.filter((_, at) => at % 2 === 1 && headers[at - 1]?.toLowerCase() === "dpop");

const hasProof = (exchange: Exchange): boolean => proofsOf(exchange).length > 0;

const soleProof = (exchange: Exchange): string | undefined => {
  const found = proofsOf(exchange);
  return found.length === 1 ? found[0] : undefined;
};

const reasonOf = (fault: Fault): Record<string, unknown> => ({
  proof: { code: `proof_${fault}`, message: REASONS[fault] },
});

const REASONS: Readonly<Record<Fault, string>> = {
  form: "It is present twice, or no DPoP proof in a form that is taken.",
  key: "It was made with another key, or shows a private one.",
  method: "It was made for another method.",
  target: "It was made for another address.",
  token: "It was made for another token.",
  time: "It was not made within a minute of the server's time.",
  nonce: "It lacks the server's nonce.",
  replay: "It was used before.",
  full: "Too many proofs were used within the last minutes.",
};
