// What OAuth2 needs over many requests, built once: verifiers, the providers of a collection, logins under way.
// Speaks neither HTTP nor to PocketBase.
import { join } from "node:path";
import { type OfferedProvider, providersIn } from "./authMethods.ts";
import { createSealer, openOAuthDatabase } from "./database.ts";
import { createIssuedVerifiers, type IssuedVerifiers } from "./issuedVerifiers.ts";
import { Slips } from "./slips.ts";

/** Keys and calls from outside. */
export interface OAuthOptions {
  readonly dataDir: string;
  /** A key for each use that has a name. */
  readonly keyFor: (use: string) => Uint8Array;
  /** PocketBase's list of login methods for a visitor; undefined when it cannot be had. Never rejects. */
  readonly loginMethods: (collection: string, clientAddress: string) => Promise<unknown>;
  /** Whether one address may have only so many logins under way. */
  readonly isCapped: boolean;
  /** Unix time in ms. */
  readonly now: () => number;
}

export interface OAuth {
  readonly verifiers: IssuedVerifiers;
  readonly slips: Slips;
  /** The providers of a collection (name or id) as a visitor is offered them; undefined when PocketBase could not be asked. */
  providersOf(collection: string, clientAddress: string): Promise<OfferedProvider[] | undefined>;
  close(): void;
}

/** Logins that may be under way at a time: about 60 MB at worst. */
const ROWS_MAX = 100_000;
/** Of one address; a whole office may share it. */
const ROWS_PER_OWNER_MAX = 200;

/** Every read looks at the time itself; this only keeps the file small. */
const SWEEP_EVERY_MS = 300_000;

/** @throws what SQLite throws when the database cannot be opened. */
export const createOAuth = ({ dataDir, keyFor, loginMethods, isCapped, now }: OAuthOptions): OAuth => {
  const db = openOAuthDatabase(join(dataDir, "oauth.db"));
  const sealer = createSealer(keyFor("logins"));
  const rowsPerOwnerMax = isCapped ? ROWS_PER_OWNER_MAX : Number.POSITIVE_INFINITY;
  const slips = new Slips(db, { sealer, now, rowsMax: ROWS_MAX, rowsPerOwnerMax });
  const sweeper = setInterval(() => slips.sweep(), SWEEP_EVERY_MS);
  sweeper.unref();
  return {
    verifiers: createIssuedVerifiers(keyFor("verifiers"), now),
    slips,
    providersOf: async (collection, clientAddress) => {
      const methods = await loginMethods(collection, clientAddress);
      return methods === undefined ? undefined : providersIn(methods);
    },
    close: () => {
      clearInterval(sweeper);
      db.close();
    },
  };
};
