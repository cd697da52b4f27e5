// The whole session service under the schedules of several tabs: real store, fake clock, seeded. RT2 of the
// security rules: nobody is logged out, and after quiet every tab's next call succeeds.
import { expect, test } from "bun:test";
import { type Kit, LAPTOP, NO_DID, payloadOf, startSessions } from "../support/sessionKit.ts";
import { createRandom } from "./rotationModel.ts";

const SCHEDULES = 250;
const STEPS = 24;

/** Tabs over one store; refreshes overlap, answers come late, get lost and overwrite newer ones. */
const playSchedule = async (kit: Kit, seed: number): Promise<string[]> => {
  const random = createRandom(seed);
  const presenter = seed % 2 === 0 ? LAPTOP : NO_DID;
  const problems: string[] = [];
  let stored = await kit.login({ uid: `user${seed}`, presenter });
  const late: { readonly token: string; readonly atMs: number }[] = [];
  const save = (): void => {
    for (const one of late.splice(0)) {
      if (one.atMs <= kit.clock.now()) stored = one.token;
      else late.push(one);
    }
  };
  for (let step = 0; step < STEPS; step++) {
    kit.clock.advance(random() < 0.1 ? random() * 400_000 : random() * 9_000);
    save();
    if (random() < 0.5) {
      await kit.sessions.resolve(stored, presenter);
      continue;
    }
    const storm = 1 + Math.floor(random() * 4);
    const outcomes = await Promise.all(
      Array.from({ length: storm }, () => kit.sessions.refresh(stored, presenter)),
    );
    for (const outcome of outcomes) {
      if (!("token" in outcome)) problems.push(`seed ${seed} step ${step}: ${JSON.stringify(outcome)}`);
      else if (random() > 0.1)
        late.push({ token: outcome.token, atMs: kit.clock.now() + random() ** 3 * 60_000 });
    }
    save();
  }
  kit.clock.advance(61_000);
  save();
  const last = await kit.sessions.refresh(stored, presenter);
  if (!("token" in last)) return [...problems, `seed ${seed}: the last refresh was refused`];
  const verdict = await kit.sessions.resolve(last.token, presenter);
  if (verdict.kind !== "live") problems.push(`seed ${seed}: ${verdict.kind} after quiet`);
  const { length } = kit.sessions.list({ cid: "pbc_users", uid: `user${seed}` });
  if (length !== 1) problems.push(`seed ${seed}: ${length} live sessions`);
  if (Number(payloadOf(last.token)["gen"]) < 2) problems.push(`seed ${seed}: nothing was rotated`);
  return problems;
};

test(`RT2: ${SCHEDULES} schedules of refresh storms log nobody out`, async () => {
  using kit = startSessions();
  const problems: string[] = [];
  for (let seed = 1; seed <= SCHEDULES; seed++) problems.push(...(await playSchedule(kit, seed)));
  expect(problems).toEqual([]);
  expect(await kit.sessions.checkEvents()).toMatchObject({ ok: true });
}, 20_000);
