// The keys of the config file about apps and proofs: who may sign requests, whether sessions are bound to keys, and
// what a write to a collection takes. What they say together is judged in checks.ts.
import { z } from "zod";
import { Secret } from "../utils/secret.ts";
import { choiceNote } from "./pieces.ts";

/** Fewest characters of an app's secret: 32 random ones outlast any guessing. */
const SECRET_CHARACTERS_MIN = 32;
const APPS_MAX = 64;
const SECRETS_MAX = 4;
const COLLECTIONS_MAX = 256;

/** What an app's id looks like; it stands in headers, logs and device keys. */
const appId = z.string().regex(/^[a-z0-9][a-z0-9_-]{0,31}$/);
const secret = z
  .string()
  .min(SECRET_CHARACTERS_MIN)
  .max(1024)
  .transform((text) => new Secret(text));

const app = z.strictObject({
  Id: appId,
  Secret: secret.optional(),
  Secrets: z.array(secret).min(1).max(SECRETS_MAX).optional(),
  Name: z.string().min(1).max(64).optional(),
  isConfidential: z.boolean().default(false),
  isRequired: z.boolean().default(false),
});

/** `Security.Apps`. */
export const apps = z
  .array(app)
  .max(APPS_MAX)
  .default([])
  .meta({
    description:
      "The apps that sign their requests (docs/apps.md). isConfidential: a server of yours that acts for several browsers; isRequired: a session that the app opened counts only in requests that the app signed. Several Secrets let one be replaced by the next.",
    allowed: `a list of at most ${APPS_MAX} entries { Id, Secret or Secrets, Name?, isConfidential?, isRequired? }; an Id of 1 to 32 lower-case letters, digits, - and _; a Secret of at least ${SECRET_CHARACTERS_MIN} characters, random`,
  });

const DPOP = ["off", "optional", "required"] as const;

/** `Security.DPoP`. */
export const dpop = z
  .enum(DPOP)
  .default("off")
  .meta(
    choiceNote(
      DPOP,
      "Whether a login that brings a DPoP proof (RFC 9449) is bound to the key of that proof, and whether records must log in so (docs/apps.md). Off also refuses the sessions that were bound before.",
    ),
  );

const write = z.strictObject({
  Apps: z.array(appId).min(1).max(APPS_MAX).optional(),
  DPoP: z.boolean().optional(),
  Session: z.boolean().optional(),
});

/** `Security.Collections`. */
export const collections = z
  .record(z.string().regex(/^\w{1,255}$/), z.strictObject({ Write: write.prefault({}) }))
  .refine((value) => Object.keys(value).length <= COLLECTIONS_MAX)
  .default({})
  .meta({
    description:
      "What a write to a collection's records takes besides PocketBase's own rules: a signature of one of these apps, a session bound to a key, a session at all (docs/apps.md). Superusers are exempt.",
    allowed: `an object of at most ${COLLECTIONS_MAX} collection names or ids, each with { Write: { Apps?: [ids of Security.Apps], DPoP?: true, Session?: true } }`,
  });

/** An app that signs its requests. */
export interface AppSettings {
  readonly id: string;
  /** Any of them counts. */
  readonly secrets: readonly Secret[];
  /** A server that acts for several browsers: the sessions it touches have several honest devices. */
  readonly isConfidential: boolean;
  /** A session that this app opened counts only in requests that it signed. */
  readonly isRequired: boolean;
}

/** What a write takes besides PocketBase's rules. */
export interface WriteSettings {
  /** Ids of the apps that may write; undefined = any, or none at all. */
  readonly appIds: readonly string[] | undefined;
  readonly needsBoundSession: boolean;
  readonly needsSession: boolean;
}

/** What requests must prove besides a session. */
export interface ProofSettings {
  readonly apps: readonly AppSettings[];
  readonly dpop: (typeof DPOP)[number];
  /** What writes to a collection take, by its name or id as the config file spells it. */
  readonly writes: ReadonlyMap<string, WriteSettings>;
}

/** Gives the settings their inner names. */
export const toProofs = (group: {
  readonly Apps: z.output<typeof apps>;
  readonly DPoP: z.output<typeof dpop>;
  readonly Collections: z.output<typeof collections>;
}): ProofSettings => ({
  apps: group.Apps.map(({ Id, Secret: one, Secrets = [], isConfidential, isRequired }) => ({
    id: Id,
    secrets: one === undefined ? Secrets : [one, ...Secrets],
    isConfidential,
    isRequired,
  })),
  dpop: group.DPoP,
  writes: new Map(
    Object.entries(group.Collections).map(([name, { Write }]) => [
      name,
      {
        appIds: Write.Apps,
        needsBoundSession: Write.DPoP === true,
        needsSession: Write.Session === true,
      },
    ]),
  ),
});
