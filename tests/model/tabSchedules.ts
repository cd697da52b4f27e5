// Schedules of several tabs over one store against the whole session service: refresh storms, lost answers, and late
// ones that overwrite newer tokens. A schedule is a pure function of its seed.
import { type Kit, LAPTOP, NO_DID, payloadOf } from "../support/sessionKit.ts";
import { createRandom } from "./rotationModel.ts";

const STEPS = 24;

/** Plays one schedule and returns what went wrong for the honest user. */
export const playSchedule = async (kit: Kit, seed: number): Promise<string[]> => {
  const random = createRandom(seed);
  const presenter = seed % 2 === 0 ? LAPTOP : NO_DID;
  // Without a did an answer that comes much later, over two newer tokens, may cost a login: the known limit.
  const delayMaxMs = presenter.did === undefined ? 8_000 : 300_000;
  const problems: string[] = [];
  let stored = await kit.login({ uid: `user${seed}`, presenter });
  const late: { readonly token: string; readonly atMs: number }[] = [];
  const save = (): void => {
    for (const one of late.splice(0).sort((a, b) => a.atMs - b.atMs)) {
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
        late.push({ token: outcome.token, atMs: kit.clock.now() + random() ** 3 * delayMaxMs });
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
