// The keys of the config file about rate limits and caps, and their making into rules. What they do is in
// src/limits; what they say together is judged in checks.ts.
import { z } from "zod";
import { ACTIONS } from "../limits/actions.ts";
import { type Audience, type Rule, readPathPattern } from "../limits/rules.ts";
import { line, toggle, wholeNumber } from "./pieces.ts";

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] as const;
const DIMENSIONS = ["address", "user", "session", "app", "class", "collection", "global"] as const;
const AUDIENCES = ["guest", "user", "superuser"] as const;
const RULES_MAX = 100;
const MAX_MAX = 1_000_000_000;

/** Bounds of Duration, in ms. */
const DURATION = { min: 100, max: 86_400_000 } as const;

/** One word or a list of them. */
const oneOrMore = <T extends z.ZodType>(word: T, max: number) =>
  z.union([word.transform((value) => [value]), z.array(word).min(1).max(max)]);

const rule = z.strictObject({
  Name: z.string().regex(/^[A-Za-z0-9][\w-]{0,63}$/),
  Method: oneOrMore(z.enum(METHODS), METHODS.length).optional(),
  Path: z
    .string()
    .refine((text) => readPathPattern(text) !== undefined)
    .optional(),
  Collection: oneOrMore(z.string().regex(/^\w{1,255}$/), 100).optional(),
  Action: oneOrMore(
    z.string().refine((text) => ACTIONS.includes(text)),
    ACTIONS.length,
  ).optional(),
  Audience: oneOrMore(z.enum(AUDIENCES), AUDIENCES.length).optional(),
  Max: z.int().min(1).max(MAX_MAX),
  Duration: z.int().min(DURATION.min).max(DURATION.max).default(60_000),
  Burst: z.int().min(1).max(MAX_MAX).optional(),
  By: oneOrMore(z.enum(DIMENSIONS), 3).default(["address"]),
  Cost: z.union([z.number().min(0.001).max(1_000_000), z.literal("weight")]).default(1),
  Shadow: z.boolean().default(false),
});

const words = (list: readonly string[]): string => list.map((word) => `"${word}"`).join(", ");

const rules = z
  .array(rule)
  .max(RULES_MAX)
  .default([])
  .meta({
    description:
      "Further rules beside Max and Duration (docs/limits.md): which requests they mean, how many of them, counted by what. All rules that mean a request must allow it. Empty: PocketBase's own rules are taken over instead.",
    allowed: [
      `a list of at most ${RULES_MAX} entries { Name, Max, Duration?, Burst?, By?, Cost?, Shadow?, Method?, Path?, Collection?, Action?, Audience? };`,
      "a Name of letters, digits, - and _, each its own;",
      `Duration in ms from ${DURATION.min} to ${DURATION.max};`,
      `By one or more of ${words(DIMENSIONS)};`,
      'Cost a number or "weight";',
      `Method of ${words(METHODS)}; a Path such as "/custom/*" or "/custom/**"; Collection names or ids;`,
      `Action of ${words(ACTIONS)};`,
      `Audience of ${words(AUDIENCES)}`,
    ].join(" "),
  });

/** `ratelimit`. */
export const ratelimit = z.strictObject({
  Max: wholeNumber({ min: 1, max: MAX_MAX, fallback: 1000, sentence: "Requests allowed per Duration." }),
  Duration: wholeNumber({
    ...DURATION,
    fallback: 60_000,
    unit: "ms",
    sentence: "The time over which Max is counted.",
  }),
  IP: toggle({
    fallback: false,
    sentence:
      "true counts everybody by address; false counts signed-in callers by user and guests by address.",
  }),
  isEnabled: toggle({
    fallback: true,
    sentence: "false switches off every rate limit and every cap per address or session.",
  }),
  Message: line({ max: 1024, fallback: "Too many requests.", sentence: "The message of the 429 answer." }),
  Shadow: toggle({
    fallback: false,
    sentence: "true decides and counts, but lets every rule allow everything: for trying rules out.",
  }),
  Rules: rules,
  MaxKeys: wholeNumber({
    min: 1000,
    max: 100_000_000,
    fallback: 1_000_000,
    sentence:
      "Callers whose spending is remembered at the same time, about 20 bytes each; further ones share.",
  }),
  MaxConnectionsPerAddress: wholeNumber({
    min: 1,
    max: 1_000_000,
    fallback: 1024,
    sentence: "Connections of one address at a time, trusted proxies left out; further ones are closed.",
  }),
  MaxInFlightPerAddress: wholeNumber({
    min: 1,
    max: 65_536,
    fallback: 128,
    sentence: "Requests of one address under way at a time; the ones above are answered 429.",
  }),
  MaxInFlightPerUser: wholeNumber({
    min: 1,
    max: 65_536,
    fallback: 64,
    sentence: "Requests of one user under way at a time; the ones above are answered 429.",
  }),
});

type RateLimitGroup = z.output<typeof ratelimit>;

/** Rates, and what one address, user or session may have at a time. */
export interface RateLimitSettings {
  readonly isEnabled: boolean;
  /** Every rule is a shadow rule. */
  readonly isShadow: boolean;
  readonly message: string;
  /** The default rule first. */
  readonly rules: readonly Rule[];
  /** The user has written none, so PocketBase's own count. */
  readonly importsRules: boolean;
  readonly keysMax: number;
  readonly connectionsPerAddressMax: number;
  readonly inFlightPerAddressMax: number;
  readonly inFlightPerUserMax: number;
  readonly streamsPerAddressMax: number;
  readonly streamsPerSessionMax: number;
}

/** Gives the settings their inner names. @param streams - The group `Realtime`, whose bounds of one client are limits, too. */
export const toRateLimit = (
  group: RateLimitGroup,
  streams: { readonly MaxClientsPerAddress: number; readonly MaxClientsPerSession: number },
): RateLimitSettings => ({
  isEnabled: group.isEnabled,
  isShadow: group.Shadow,
  message: group.Message,
  rules: [defaultRule(group), ...group.Rules.map(toRule)],
  importsRules: group.Rules.length === 0,
  keysMax: group.MaxKeys,
  connectionsPerAddressMax: group.MaxConnectionsPerAddress,
  inFlightPerAddressMax: group.MaxInFlightPerAddress,
  inFlightPerUserMax: group.MaxInFlightPerUser,
  streamsPerAddressMax: streams.MaxClientsPerAddress,
  streamsPerSessionMax: streams.MaxClientsPerSession,
});

const ANYTHING = { methods: [], path: undefined, collections: [], actions: [], audience: [] } as const;

const defaultRule = ({ Max, Duration, IP }: RateLimitGroup): Rule => ({
  ...ANYTHING,
  name: "default",
  unitsMax: Max,
  windowMs: Duration,
  burst: undefined,
  by: [IP ? "address" : "user"],
  cost: "weight",
  isShadow: false,
  group: undefined,
});

const toRule = (row: RateLimitGroup["Rules"][number]): Rule => ({
  name: row.Name,
  methods: row.Method ?? [],
  path: row.Path === undefined ? undefined : readPathPattern(row.Path),
  collections: (row.Collection ?? []).map((name) => name.toLowerCase()),
  actions: row.Action ?? [],
  audience: (row.Audience ?? []) satisfies readonly Audience[],
  unitsMax: row.Max,
  windowMs: row.Duration,
  burst: row.Burst,
  by: row.By,
  cost: row.Cost,
  isShadow: row.Shadow,
  group: undefined,
});
