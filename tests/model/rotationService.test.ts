// RT2 of the security rules: several tabs over one store, real sessions, fake clock, fixed seeds. Nobody is logged
// out, and after quiet every tab's next call succeeds.
import { expect, test } from "bun:test";
import { startSessions } from "../support/sessionKit.ts";
import { playSchedule } from "./tabSchedules.ts";

const SCHEDULES = 250;

test(`RT2: ${SCHEDULES} schedules of refresh storms log nobody out`, async () => {
  using kit = startSessions();
  const problems: string[] = [];
  for (let seed = 1; seed <= SCHEDULES; seed++) problems.push(...(await playSchedule(kit, seed)));
  expect(problems).toEqual([]);
  expect(await kit.sessions.checkEvents()).toMatchObject({ ok: true });
});
