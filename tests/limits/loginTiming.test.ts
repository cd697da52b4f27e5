// RL11: how long an answer takes tells nobody whether an identity exists, by a rank test over interleaved samples.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { type Hapta, startHapta } from "../support/hapta.ts";
import { mannWhitney } from "../support/mannWhitney.ts";
import { type PocketBase, startPocketBase } from "../support/pocketbase.ts";
import { WireConnection } from "../support/wire.ts";

setDefaultTimeout(300_000);

/** Of each kind in one round. Many at a time, because each answer is held back. */
const SAMPLES = 32;
const LANES = 8;
/** Below this a difference is no chance; a round that is below it by chance is followed by two that are not. */
const P_MIN = 0.01;
const ROUNDS = 3;

let upstream: PocketBase;
let hapta: Hapta;
beforeAll(async () => {
  upstream = await startPocketBase();
  // In shadow mode nobody is delayed for trying often, which is not what this is about.
  const ratelimit = { Max: 100_000, Duration: 60_000, IP: true, isEnabled: true, Message: "-", Shadow: true };
  hapta = await startHapta(upstream, { config: { ratelimit } });
});
afterAll(async () => {
  await hapta[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});

type Body = (email: string) => unknown;

const BODIES: readonly (readonly [string, Body])[] = [
  ["auth-with-password", (email) => ({ identity: email, password: "wrong" })],
  ["request-otp", (email) => ({ email })],
  ["request-password-reset", (email) => ({ email })],
  ["request-verification", (email) => ({ email })],
];
const KNOWN = ["ada@example.com", "ben@example.com", "cyd@example.com"];

/** How long known and unknown identities waited, in ms; each lane asks for both in turns, in an order of its own. */
const measure = async (
  url: string,
  operation: string,
  body: Body,
): Promise<Record<"known" | "unknown", number[]>> => {
  const times = { known: [] as number[], unknown: [] as number[] };
  const lane = async (index: number): Promise<void> => {
    using connection = new WireConnection(url);
    for (let at = 0; at < SAMPLES / LANES; at++) {
      const kinds = ["known", "unknown"] as const;
      for (const kind of (at + index) % 2 === 0 ? kinds : kinds.toReversed()) {
        const email = kind === "known" ? KNOWN[at % KNOWN.length] : `nobody-${index}-${at}@example.com`;
        const startedMs = performance.now();
        await connection.send({
          method: "POST",
          path: `/api/collections/members/${operation}`,
          headers: [["Content-Type", "application/json"]],
          body: JSON.stringify(body(email ?? "")),
        });
        times[kind].push(performance.now() - startedMs);
      }
    }
  };
  await Promise.all(Array.from({ length: LANES }, (_, index) => lane(index)));
  return times;
};

const likeness = async (url: string, operation: string, body: Body): Promise<number> => {
  const { known, unknown } = await measure(url, operation, body);
  return mannWhitney(known, unknown);
};

test("the measure tells what PocketBase itself gives away", async () => {
  const [operation, body] = BODIES[1] ?? ["", () => ({})];
  // What else the machine does may hide it for a round.
  let lowest = 1;
  for (let round = 0; round < ROUNDS && lowest >= P_MIN; round++)
    lowest = Math.min(lowest, await likeness(upstream.url, operation, body));
  expect(lowest).toBeLessThan(P_MIN);
});

test.each(BODIES)("%s", async (operation, body) => {
  // What really differs, differs in all rounds.
  let highest = 0;
  for (let round = 0; round < ROUNDS && highest <= P_MIN; round++)
    highest = Math.max(highest, await likeness(hapta.url, operation, body));
  expect(highest).toBeGreaterThan(P_MIN);
});
