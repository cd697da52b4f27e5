// What OAuth2 needs over many requests, built once: verifiers, the providers of a collection, logins under way.
// Speaks neither HTTP nor to PocketBase.
import { join } from "node:path";
import { type OfferedProvider, providersIn } from "./authMethods.ts";
import { createSealer, openOAuthDatabase } from "./database.ts";
import { Devices } from "./devices.ts";
import { Guesses } from "./guesses.ts";
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
  readonly devices: Devices;
  readonly guesses: Guesses;
  /** The providers of a collection (name or id) as a visitor is offered them; undefined when PocketBase could not be asked. */
  providersOf(collection: string, clientAddress: string): Promise<OfferedProvider[] | undefined>;
  close(): void;
}

/** Logins that may be under way at a time: about 60 MB at worst. */
const ROWS_MAX = 100_000;
/** Of one address; a whole office may share it. */
const ROWS_PER_OWNER_MAX = 200;

/** Devices that may wait at a time. */
const DEVICES_MAX = 10_000;
const DEVICES_PER_OWNER_MAX = 20;
/** Wrong user codes in ten minutes: of one address, of all. */
const WRONG_CODES_MAX = 10;
const WRONG_CODES_TOTAL_MAX = 1_000;
/** Every read looks at the time itself; this only keeps the file small. */
const SWEEP_EVERY_MS = 300_000;

/** @throws what SQLite throws when the database cannot be opened. */
export const createOAuth = ({ dataDir, keyFor, loginMethods, isCapped, now }: OAuthOptions): OAuth => {
  const db = openOAuthDatabase(join(dataDir, "oauth.db"));
  const sealer = createSealer(keyFor("logins"));
  const rowsPerOwnerMax = isCapped ? ROWS_PER_OWNER_MAX : Number.POSITIVE_INFINITY;
  const slips = new Slips(db, { sealer, now, rowsMax: ROWS_MAX, rowsPerOwnerMax });
  const devices = new Devices(db, {
    sealer,
    now,
    rowsMax: DEVICES_MAX,
    rowsPerOwnerMax: isCapped ? DEVICES_PER_OWNER_MAX : Number.POSITIVE_INFINITY,
  });
  const sweeper = setInterval(() => slips.sweep() + devices.sweep(), SWEEP_EVERY_MS);
  sweeper.unref();
  return {
    verifiers: createIssuedVerifiers(keyFor("verifiers"), now),
    slips,
    devices,
    guesses: new Guesses(
      { perOwnerMax: isCapped ? WRONG_CODES_MAX : WRONG_CODES_TOTAL_MAX, totalMax: WRONG_CODES_TOTAL_MAX },
      now,
    ),
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
