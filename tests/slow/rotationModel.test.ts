// The rotation model at full length, with a seed of its own each time; the seed of a failure is printed.
import { expect, test } from "bun:test";
import { HONEST, playMany, type Scenario, sum } from "../model/rotationModel.ts";

const RUNS = 3_000;
const seed = Math.floor(Math.random() * 1e9);

const honest: readonly (readonly [string, Partial<Scenario>])[] = [
  ["one store, did, answers up to 300 s late", { delayS: 300 }],
  ["one store, no did, answers up to 8 s late", { hasDid: false }],
  ["own stores, did", { clients: 3, isShared: false }],
  ["ten tabs, did, half of the answers lost", { clients: 10, lossShare: 0.5 }],
];

for (const [name, scenario] of honest) {
  test(`honest: ${name}: nobody is logged out in ${RUNS} runs`, () => {
    const outcomes = playMany({ ...HONEST, ...scenario, seed }, RUNS);
    const unlucky = outcomes.flatMap(({ logouts }, at) => (logouts > 0 ? [seed + at] : []));
    expect(unlucky).toEqual([]);
    expect(sum(outcomes, "rotations")).toBeGreaterThan(150_000);
  }, 120_000);
}

for (const thief of ["otherDid", "missingDid", "otherPlatform", "forged"] as const) {
  test(`thief ${thief}: revoked in each of ${RUNS} runs`, () => {
    const hasDid = thief === "otherDid" || thief === "missingDid";
    const outcomes = playMany({ ...HONEST, sleepS: 600, hasDid, thief, seed }, RUNS);
    const free = outcomes.flatMap(({ caughtAfterS }, at) => (caughtAfterS === undefined ? [seed + at] : []));
    expect(free).toEqual([]);
  }, 120_000);
}
