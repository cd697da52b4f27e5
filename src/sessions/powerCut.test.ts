// ST2: the power goes, and with it every commit after the last sync. Nobody is logged out by that, and what was ended stays
// ended. Simulated with a copy of the files as they were when a commit was last synced.
import { afterEach, expect, test } from "bun:test";
import { cpSync, rmSync } from "node:fs";
import { FULL, watchCommits } from "../../tests/support/commits.ts";
import { createScratch } from "../../tests/support/scratch.ts";
import {
  idOf,
  type Kit,
  kindOf,
  LAPTOP,
  refresh,
  SECOND,
  startSessions,
  THIEF,
} from "../../tests/support/sessionKit.ts";

const disposables: Disposable[] = [];
afterEach(() => {
  for (const one of disposables.splice(0).reverse()) one[Symbol.dispose]();
});

interface Machine {
  readonly kit: Kit;
  /** The machine after its power came back: the same folder, without what was never synced. */
  readonly powerCut: () => Kit["sessions"];
}

const startMachine = (): Machine => {
  let folder = "";
  const synced = createScratch("synced");
  const watch = watchCommits((level) => {
    if (level !== FULL || folder === "") return;
    rmSync(synced.path, { recursive: true });
    cpSync(folder, synced.path, { recursive: true });
  });
  const kit = startSessions();
  folder = kit.dataDir;
  disposables.push(synced, watch, kit);
  const powerCut = (): Kit["sessions"] => {
    folder = "";
    return kit.other({ dataDir: synced.path });
  };
  return { kit, powerCut };
};

test("ST2: rotations that a power cut takes back log nobody out", async () => {
  const { kit, powerCut } = startMachine();
  const first = await Promise.all(Array.from({ length: 8 }, () => kit.login()));
  const second = await Promise.all(first.map((token) => refresh(kit, token)));
  for (const token of second) expect(await kindOf(kit, token)).toBe("live");
  const third = await Promise.all(second.map((token) => refresh(kit, token)));
  const after = powerCut();
  const kinds = await Promise.all(third.map(async (token) => (await after.resolve(token, LAPTOP)).kind));
  expect(kinds).toEqual(third.map(() => "live"));
  // The cut was one: each session had to be healed by its token.
  expect(after.events({ type: "generation_ahead" })).toHaveLength(third.length);
  // Tabs that still have the token before, and go on with it.
  for (const token of second) expect((await after.resolve(token, LAPTOP)).kind).toBe("live");
  for (const token of second) expect((await after.refresh(token, LAPTOP)).kind).toBe("same");
  for (const token of third) expect((await after.refresh(token, LAPTOP)).kind).toBe("minted");
  expect(await after.checkEvents()).toMatchObject({ ok: true });
});

test("ST2: who lost the answer of a rotation that was lost, too, just rotates again", async () => {
  const { kit, powerCut } = startMachine();
  const token = await kit.login();
  await refresh(kit, token);
  const after = powerCut();
  expect((await after.resolve(token, LAPTOP)).kind).toBe("live");
  const again = await after.refresh(token, LAPTOP);
  expect(again.kind).toBe("minted");
  expect("token" in again && (await after.resolve(again.token, LAPTOP)).kind).toBe("live");
});

test("ST2: what was ended before a power cut stays ended, whatever rotated around it", async () => {
  const { kit, powerCut } = startMachine();
  const [out, kept, stolen] = [await kit.login(), await kit.login(), await kit.login()];
  const rolled = await refresh(kit, out);
  const keptRolled = await refresh(kit, kept);
  await kit.sessions.revoke({ kind: "session", id: await idOf(kit, rolled) }, { reason: "logout" });
  const stolenRolled = await refresh(kit, stolen);
  expect(await kindOf(kit, stolenRolled)).toBe("live");
  kit.clock.advance(90 * SECOND);
  expect(await kindOf(kit, stolen, THIEF)).toBe("revoked");
  const last = await refresh(kit, keptRolled);
  const after = powerCut();
  for (const token of [out, rolled, stolen, stolenRolled])
    expect((await after.resolve(token, LAPTOP)).kind).toBe("revoked");
  for (const token of [keptRolled, last]) expect((await after.resolve(token, LAPTOP)).kind).toBe("live");
  // A sync takes everything along that was committed before it: only the last rotation was lost.
  expect(after.events({ type: "generation_ahead" })).toMatchObject([{ detail: "2 to 3" }]);
});
