import { describe, expect, test } from "bun:test";
import { DAY, HOUR, MINUTE, SECOND } from "../../tests/support/sessionKit.ts";
import type { DeviceKey } from "./device.ts";
import { compareDevice, type Family } from "./replay.ts";
import {
  BALANCED_RULES,
  fastForward,
  firstRotation,
  judgeRefresh,
  judgeUse,
  type Rotation,
} from "./rotation.ts";
import { readRotation, writeRotation } from "./rotationText.ts";

const START_MS = Date.UTC(2026, 0, 15);
const HOME: DeviceKey = { did: "home", platform: "chrome/windows", network: "4:home" };
const THIEF: DeviceKey = { did: "thief", platform: "chrome/windows", network: "4:thief" };
const BARE: DeviceKey = { did: undefined, platform: "chrome/windows", network: "4:home" };
const BARE_AWAY: DeviceKey = { ...BARE, network: "4:away" };
const BARE_MAC: DeviceKey = { ...BARE, platform: "safari/macos" };

interface Step {
  readonly atMs?: number;
  readonly gen: number;
  readonly device?: DeviceKey;
  readonly isStrict?: boolean;
}

/** A session driven by hand; verdicts that change it are applied. */
const drive = (device: DeviceKey) => {
  let rotation: Rotation = firstRotation(device);
  const args = ({ atMs = 0, gen, device: by = device, isStrict = false }: Step) =>
    [
      rotation,
      { gen, issuedAtMs: START_MS, device: by },
      { nowMs: START_MS + atMs, rules: { ...BALANCED_RULES, isStrict } },
    ] as const;
  const apply = <T extends { readonly next?: Rotation }>(verdict: T): T => {
    if (verdict.next !== undefined) rotation = verdict.next;
    return verdict;
  };
  return {
    use: (step: Step): string => {
      const verdict = judgeUse(...args(step));
      if (verdict.kind === "current") apply(verdict);
      return verdict.kind === "revoke" ? verdict.reason : verdict.kind;
    },
    refresh: (step: Step): string => {
      const verdict = judgeRefresh(...args(step));
      if (verdict.kind === "advance" || verdict.kind === "reissue") apply(verdict);
      return verdict.kind === "revoke" ? verdict.reason : verdict.kind;
    },
    get rotation() {
      return rotation;
    },
  };
};

/** A session at generation 3, each used when it came. */
const atThree = (device: DeviceKey) => {
  const session = drive(device);
  for (const gen of [1, 2]) {
    session.use({ gen, atMs: gen * SECOND });
    session.refresh({ gen, atMs: gen * SECOND });
  }
  session.use({ gen: 3, atMs: 3 * SECOND });
  return session;
};

describe("judgeUse", () => {
  test("rule 2: the predecessor serves without limit while its successor is unused (RT4)", () => {
    const session = drive(HOME);
    session.refresh({ gen: 1 });
    for (const atMs of [0, HOUR, 6 * DAY])
      expect(session.use({ gen: 1, atMs, device: THIEF })).toBe("predecessor");
  });

  test("rule 3: RT5 grace runs from the first use of the successor", () => {
    const session = drive(HOME);
    session.refresh({ gen: 1 });
    session.use({ gen: 2, atMs: HOUR });
    expect(session.use({ gen: 1, atMs: HOUR + 60 * SECOND })).toBe("grace");
    expect(session.use({ gen: 1, atMs: HOUR + 61 * SECOND })).toBe("stale");
  });

  test("RT9: a grace is not opened again by later rotations", () => {
    const session = atThree(HOME);
    for (const gen of [1, 2]) expect(session.use({ gen, atMs: 30 * SECOND })).toBe("grace");
    session.refresh({ gen: 3, atMs: 70 * SECOND });
    session.use({ gen: 4, atMs: 71 * SECOND });
    expect(session.use({ gen: 3, atMs: 90 * SECOND })).toBe("grace");
    for (const gen of [1, 2]) expect(session.use({ gen, atMs: 90 * SECOND })).toBe("stale");
  });

  test("RT12: a replay by the same device or from another network without a did keeps the family", () => {
    expect(atThree(HOME).use({ gen: 2, atMs: 2 * HOUR })).toBe("stale");
    expect(atThree(BARE).use({ gen: 2, atMs: 2 * HOUR, device: BARE_AWAY })).toBe("stale");
  });

  test("RT6: a replay by another device ends the family", () => {
    expect(atThree(HOME).use({ gen: 2, atMs: 2 * MINUTE, device: THIEF })).toBe("token_replay");
    expect(atThree(HOME).use({ gen: 2, atMs: 2 * MINUTE, device: BARE })).toBe("token_replay");
    expect(atThree(BARE).use({ gen: 2, atMs: 2 * MINUTE, device: BARE_MAC })).toBe("token_replay");
    expect(atThree(HOME).use({ gen: 2, atMs: 2 * MINUTE, isStrict: true })).toBe("token_replay");
  });

  test("RT7: whoever rotated first, the victim's old token ends both", () => {
    const session = drive(HOME);
    session.use({ gen: 1 });
    expect(session.refresh({ gen: 1, device: THIEF })).toBe("advance");
    session.use({ gen: 2, atMs: MINUTE, device: THIEF });
    expect(session.use({ gen: 1, atMs: 3 * MINUTE })).toBe("token_replay");
  });

  test("a newer generation than the stored one is told apart", () => {
    expect(atThree(HOME).use({ gen: 4 })).toBe("ahead");
    expect(atThree(HOME).refresh({ gen: 4 })).toBe("ahead");
  });

  test("ST9: a superseding time in the future is no endless grace", () => {
    const session = drive(HOME);
    session.refresh({ gen: 1, atMs: 2 * HOUR });
    session.use({ gen: 2, atMs: 2 * HOUR });
    expect(session.use({ gen: 1, atMs: HOUR })).toBe("stale");
  });
});

describe("judgeRefresh", () => {
  test("RT1, RT15: the current generation mints, everybody else gets the same one again", () => {
    const session = drive(HOME);
    expect(session.refresh({ gen: 1 })).toBe("advance");
    for (let racer = 0; racer < 19; racer++) expect(session.refresh({ gen: 1 })).toBe("reissue");
    expect(session.rotation.gen).toBe(2);
  });

  test("RT8: an unused successor asked for by another device is a fork", () => {
    const session = drive(HOME);
    session.use({ gen: 1 });
    session.refresh({ gen: 1, device: THIEF });
    expect(session.refresh({ gen: 1, atMs: MINUTE })).toBe("fork");
  });

  test("the same device fetches the current token with its predecessor for 24 hours", () => {
    expect(atThree(HOME).refresh({ gen: 2, atMs: 23 * HOUR })).toBe("reissue");
    expect(atThree(HOME).refresh({ gen: 2, atMs: 25 * HOUR })).toBe("token_replay");
    expect(atThree(BARE).refresh({ gen: 2, atMs: 23 * HOUR })).toBe("reissue");
  });

  test("older generations: 24 hours with the did, 10 minutes without", () => {
    expect(atThree(HOME).refresh({ gen: 1, atMs: 23 * HOUR })).toBe("reissue");
    expect(atThree(BARE).refresh({ gen: 1, atMs: 9 * MINUTE })).toBe("reissue");
    expect(atThree(BARE).refresh({ gen: 1, atMs: 11 * MINUTE })).toBe("token_replay");
  });

  test("from another network without a did the predecessor branches off", () => {
    const session = atThree(BARE);
    expect(session.refresh({ gen: 2, atMs: HOUR, device: BARE_AWAY })).toBe("advance");
    expect(session.rotation).toMatchObject({ gen: 4, confirmedAtMs: undefined });
    expect(session.rotation.alternationsMs).toHaveLength(1);
    expect(atThree(BARE).refresh({ gen: 1, atMs: HOUR, device: BARE_AWAY })).toBe("token_replay");
  });

  test("RT20: two holders on two networks end in pingpong", () => {
    const session = drive(BARE);
    let [mine, his, atMs] = [1, 1, 0];
    const verdicts: string[] = [];
    while (atMs < HOUR && !verdicts.includes("pingpong")) {
      atMs += 5 * MINUTE;
      const isMine = verdicts.length % 2 === 0;
      const device = isMine ? BARE : BARE_AWAY;
      verdicts.push(session.refresh({ gen: isMine ? mine : his, atMs, device }));
      if (isMine) mine = session.rotation.gen;
      else his = session.rotation.gen;
      session.use({ gen: session.rotation.gen, atMs: atMs + SECOND, device });
    }
    expect(verdicts.at(-1)).toBe("pingpong");
    expect(atMs).toBeLessThan(HOUR);
  });

  test("strict sessions have no second chance", () => {
    expect(atThree(HOME).refresh({ gen: 2, atMs: 2 * MINUTE, isStrict: true })).toBe("token_replay");
  });

  test("RT19: the store of an honest client went backwards", () => {
    for (const [device, later] of [
      [HOME, HOME],
      [BARE, BARE],
      [BARE, BARE_AWAY],
    ] as const) {
      const session = atThree(device);
      // Generation 2 has overwritten 3 in the store; 11 minutes later it is used.
      expect(session.use({ gen: 2, atMs: 11 * MINUTE, device: later })).toBe("stale");
      expect(session.refresh({ gen: 2, atMs: 11 * MINUTE, device: later })).toBe(
        later === BARE_AWAY ? "advance" : "reissue",
      );
    }
  });

  test("RT18: an app that renders for browsers makes a session mixed", () => {
    const app: DeviceKey = { did: undefined, platform: "app:shop", network: "4:server" };
    const session = drive(BARE);
    session.use({ gen: 1 });
    for (let page = 0; page < 50; page++) {
      const gen = session.rotation.gen;
      for (let prefetch = 0; prefetch < 4; prefetch++) {
        expect(session.refresh({ gen, device: app, atMs: page * 12 * SECOND })).toBe(
          prefetch === 0 ? "advance" : "reissue",
        );
      }
      expect(session.use({ gen: session.rotation.gen, device: app, atMs: page * 12 * SECOND })).toBe(
        "current",
      );
    }
    const atMs = 15 * MINUTE;
    expect(session.use({ gen: 1, atMs })).toBe("stale");
    expect(session.refresh({ gen: 1, atMs })).toBe("reissue");
    expect(session.refresh({ gen: 1, atMs, device: BARE_MAC })).toBe("token_replay");
  });
});

test("fastForward keeps a grace for what it overtakes (RT16)", () => {
  const moment = { nowMs: START_MS + HOUR, rules: BALANCED_RULES };
  const next = fastForward(atThree(HOME).rotation, 5, moment);
  expect(next).toMatchObject({ gen: 5, confirmedAtMs: undefined });
  for (const gen of [3, 4]) {
    const presented = { gen, issuedAtMs: START_MS, device: HOME };
    expect(["grace", "predecessor"]).toContain(judgeUse(next, presented, moment).kind);
  }
});

test("compareDevice follows the table", () => {
  const none: Family = { familyDid: undefined, isMixed: false, seen: [] };
  const home: Family = { ...none, familyDid: "home" };
  expect(compareDevice(home, HOME, HOME)).toBe("same");
  expect(compareDevice(home, { ...HOME, network: "4:x", platform: "y" }, HOME)).toBe("same");
  expect(compareDevice(home, THIEF, HOME)).toBe("diff");
  expect(compareDevice(home, BARE, HOME)).toBe("diff");
  expect(compareDevice(home, HOME, { ...BARE, did: "" })).toBe("diff");
  expect(compareDevice(none, BARE, BARE)).toBe("same");
  expect(compareDevice(none, BARE_AWAY, BARE)).toBe("far");
  expect(compareDevice(none, BARE_MAC, BARE)).toBe("diff");
  // A did that was learnt after the reference does not make its owner a stranger.
  expect(compareDevice(home, HOME, BARE)).toBe("same");
});

test("rotationText keeps everything and stays small", () => {
  const session = drive(BARE);
  for (let gen = 1; gen <= 60; gen++) {
    const device = { ...BARE, network: `4:${gen % 7}` };
    session.use({ gen, atMs: gen * MINUTE, device });
    session.refresh({ gen, atMs: gen * MINUTE + 500, device });
  }
  const { rotation } = session;
  expect(rotation.history).toHaveLength(32);
  const text = writeRotation(rotation);
  expect(readRotation(text, rotation)).toEqual(rotation);
  expect(text.length).toBeLessThan(900);
  expect(writeRotation(firstRotation(HOME)).length).toBeLessThan(80);
});
