// What a token turns out to be. Types only.
import type { Live, Session } from "./liveSessions.ts";
import type { Claims } from "./token.ts";

/**
 * Who presents a token. `stale`: not accepted, but the family lives (401 everywhere). `revoked`, `expired`: was a
 * session. `invalid`: never was one here. `unproven`: a session that is bound to a key which the presenter has not
 * proven to hold, or one without a key where keys are required; nothing was noted or judged.
 */
export type Verdict =
  | {
      readonly kind: "live";
      readonly session: Session;
      readonly standing: "current" | "predecessor" | "grace";
    }
  | { readonly kind: "stale"; readonly session: Session }
  | { readonly kind: "unproven"; readonly session: Session }
  | { readonly kind: "revoked"; readonly reason: string }
  | { readonly kind: "expired" }
  | { readonly kind: "invalid" };

/** A token that was verified, and the session it names. */
export interface Verified {
  readonly claims: Claims;
  readonly kid: string;
  readonly live: Live;
}
