// The apps that sign their requests: whose signature an exchange carries, and whether a session needs one. Decides
// nothing about records and their sessions otherwise.
import { Refusal } from "../errors.ts";
import type { Exchange } from "../exchange.ts";
import { createSignatureCheck, type SignatureFault } from "../proofs/signature.ts";
import { UsedNonces } from "../proofs/usedNonces.ts";
import type { Session } from "../sessions/liveSessions.ts";
import type { AppSettings } from "../settings/proofsSchema.ts";

/** How far the time of a signature may lie from now. */
const WINDOW_MS = 60_000;
/** 2,000 signed requests a second of one app. */
const NONCES = { windowMs: WINDOW_MS, perOwnerMax: 250_000, totalMax: 500_000 };

export interface SignedApps {
  /** Notes which app has signed an exchange that carries a signature. @throws Refusal `signature_invalid` */
  verify(exchange: Exchange): void;
  /** Whether a session counts in this exchange as far as the app that opened it is concerned. */
  suits(exchange: Exchange, session: Session): boolean;
}

export const createSignedApps = (apps: readonly AppSettings[]): SignedApps => {
  const now = (): number => Date.now();
  const byId = new Map(apps.map((app) => [app.id, app]));
  const check = createSignatureCheck({
    apps: apps.map(({ id, secrets }) => ({ id, secrets: secrets.map((secret) => secret.reveal()) })),
    used: new UsedNonces(NONCES, now()),
    now,
    windowMs: WINDOW_MS,
  });
  return {
    verify: (exchange) => {
      const { method, path, query, headers, authorizations, body, asSigned } = exchange;
      const hasBody = body.kind !== "none";
      const message = { method, path, query, headers, authorizations, hasBody, bodyDigest: undefined };
      const result = check({ ...message, ...asSigned });
      if (!result.ok) {
        const signature = { code: `signature_${result.fault}`, message: REASONS[result.fault] };
        throw new Refusal("signature_invalid", { data: { signature } });
      }
      const { appId } = result;
      exchange.proven = { appId, isConfidential: byId.get(appId)?.isConfidential === true };
    },
    suits: ({ proven }, { appId }) => {
      if (appId === undefined) return true;
      const app = byId.get(appId);
      // An app that was taken out of the settings takes its sessions with it.
      return app !== undefined && (!app.isRequired || proven.appId === appId);
    },
  };
};

const REASONS: Readonly<Record<SignatureFault, string>> = {
  form: "Signature-Input or Signature is missing, present twice, or not in the form that is taken.",
  coverage: "It does not cover the whole request.",
  time: "It was not made within a minute of the server's time.",
  app: "The app is not known.",
  signature: "It was made for another request or with another key.",
  digest: "The body is not the one whose digest was signed.",
  replay: "It was used before.",
  full: "The app has signed too many requests within the last minutes.",
};
