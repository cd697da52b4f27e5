// AN1 to AN5: what honest devices do that looks odd ends nothing, and what only two holders do ends the session.
import { expect, test } from "bun:test";
import {
  idOf,
  type Kit,
  kindOf,
  LAPTOP,
  MINUTE,
  NO_DID,
  payloadOf,
  refresh,
  SECOND,
  startSessions,
  THIEF,
} from "../../tests/support/sessionKit.ts";
import type { Presenter } from "./device.ts";

const ENDINGS = ["session_revoked", "sessions_revoked", "token_replay"] as const;

const endingsIn = ({ sessions }: Kit): number =>
  ENDINGS.reduce((sum, type) => sum + sessions.events({ type }).length, 0);

const ON_WIFI: Presenter = { ...NO_DID, address: "203.0.113.7" };
const ON_LTE: Presenter = { ...NO_DID, address: "198.51.100.40" };

test("AN1: from one network to the next in the middle of a session: its events say so, and nothing else happens", async () => {
  using kit = startSessions();
  const token = await kit.login({ presenter: ON_WIFI });
  // The first to present it: nothing about the token is remembered yet.
  expect(await kindOf(kit, token, ON_LTE)).toBe("live");
  const id = await idOf(kit, token);
  const next = await refresh(kit, token, ON_LTE);
  expect(await kindOf(kit, next, ON_LTE)).toBe("live");
  const [rotated] = kit.sessions.events({ type: "session_rotated" });
  expect(rotated).toMatchObject({ session: id, ip: ON_LTE.address });
  expect(endingsIn(kit)).toBe(0);
});

test("AN2: of two platforms within ten seconds, the one that renews a token the other has renewed ends the session", async () => {
  using kit = startSessions();
  const token = await kit.login();
  const next = await refresh(kit, token);
  expect(await kindOf(kit, next)).toBe("live");
  kit.clock.advance(10 * SECOND);
  expect(await kit.sessions.refresh(token, THIEF)).toEqual({ kind: "revoked", reason: "fork" });
  expect(await kindOf(kit, next)).toBe("revoked");
});

// A page that a server renders, and a browser that shows the desktop's page, are other platforms with the same token.
test("AN2: that two platforms use the current token ends nothing", async () => {
  using kit = startSessions();
  const token = await kit.login();
  expect(await kindOf(kit, token, THIEF)).toBe("live");
  expect(await kindOf(kit, token)).toBe("live");
  expect(endingsIn(kit)).toBe(0);
});

test("AN3: a hundred users behind one address disturb nobody", async () => {
  using kit = startSessions();
  const all = await Promise.all(
    Array.from({ length: 100 }, async (_, at) => {
      const token = await kit.login({ uid: `user${String(at).padStart(11, "0")}`, presenter: ON_WIFI });
      return await refresh(kit, token, ON_WIFI);
    }),
  );
  const kinds = await Promise.all(all.map((token) => kindOf(kit, token, ON_WIFI)));
  expect(new Set(kinds)).toEqual(new Set(["live"]));
  expect(endingsIn(kit)).toBe(0);
});

test("AN5: a device that takes IPv4 and IPv6 in turns, with every request and every refresh, stays signed in", async () => {
  using kit = startSessions();
  const ways = [ON_WIFI, { ...NO_DID, address: "2001:db8:1:2::7" }] as const;
  let token = await kit.login({ presenter: ON_WIFI });
  for (let at = 0; at < 40; at++) {
    const [presenter = LAPTOP, other = LAPTOP] = at % 2 === 0 ? ways : ways.toReversed();
    expect(await kindOf(kit, token, presenter)).toBe("live");
    expect(await kindOf(kit, token, other)).toBe("live");
    token = await refresh(kit, token, presenter);
    kit.clock.advance(MINUTE);
  }
  expect(payloadOf(token)["gen"]).toBe(41);
  expect(endingsIn(kit)).toBe(0);
  expect(kit.sessions.events({ type: "token_alternation" })).toEqual([]);
});
