// The rotation machine against honest and hostile clients, in virtual time with fixed seeds.
import { expect, test } from "bun:test";
import { HONEST, type Outcome, playMany, type Scenario, sum } from "./rotationModel.ts";

const RUNS = 200;

const caughtAfter = (outcomes: readonly Outcome[]): number[] =>
  outcomes
    .flatMap(({ caughtAfterS }) => (caughtAfterS === undefined ? [] : [caughtAfterS]))
    .sort((a, b) => a - b);

const honest: readonly (readonly [string, Partial<Scenario>])[] = [
  ["5 tabs, one store, did, answers up to 300 s late", { delayS: 300 }],
  ["5 tabs, one store, no did, answers up to 8 s late", { hasDid: false }],
  ["3 instances with their own stores, did", { clients: 3, isShared: false }],
  ["5 tabs, one answer in three lost, did", { lossShare: 0.33 }],
];

for (const [name, scenario] of honest) {
  test(`honest: ${name}: nobody is logged out`, () => {
    const outcomes = playMany({ ...HONEST, ...scenario }, RUNS);
    // The seeds that failed, to be played again.
    const unlucky = outcomes.flatMap(({ logouts }, at) => (logouts > 0 ? [HONEST.seed + at] : []));
    expect(unlucky).toEqual([]);
    expect(sum(outcomes, "rotations")).toBeGreaterThan(10_000);
  });
}

test("honest: late answers without a did and a change of network are the known limit", () => {
  const outcomes = playMany({ ...HONEST, hasDid: false, lateShare: 0.002 }, RUNS);
  expect(sum(outcomes, "rotations")).toBeGreaterThan(20_000);
  // One logout in about 3 500 rotations is what the documentation says.
  expect(sum(outcomes, "logouts")).toBeLessThan(sum(outcomes, "rotations") / 3_000);
});

const thieves: readonly (readonly [string, Partial<Scenario>, number])[] = [
  ["with another did", { thief: "otherDid" }, 400],
  ["without the did", { thief: "missingDid" }, 400],
  ["on another platform", { thief: "otherPlatform", hasDid: false }, 400],
  ["on a forged platform where no did is set", { thief: "forged", hasDid: false }, 1_800],
];

for (const [name, scenario, medianMaxS] of thieves) {
  test(`thief ${name}: always revoked`, () => {
    const caught = caughtAfter(playMany({ ...HONEST, sleepS: 600, ...scenario }, RUNS));
    expect(caught).toHaveLength(RUNS);
    expect(caught[RUNS / 2] ?? Number.POSITIVE_INFINITY).toBeLessThan(medianMaxS);
  });
}

const weakened: readonly (readonly [string, Partial<Scenario>])[] = [
  ["no re-sync", { delayS: 300, rules: { resyncMs: 0, resyncOldMs: 0 } }],
  ["strict rules for everybody", { delayS: 300, rules: { isStrict: true } }],
  ["two alternations are two holders", { hasDid: false, rules: { alternationsMax: 2 }, lossShare: 0.33 }],
];

for (const [name, scenario] of weakened) {
  test(`the model notices a worse machine: ${name}`, () => {
    expect(sum(playMany({ ...HONEST, ...scenario }, RUNS), "logouts")).toBeGreaterThan(0);
  });
}
