import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { NO_DID, startSessions } from "../../tests/support/sessionKit.ts";

describe("SE4: the event log", () => {
  const edits: readonly (readonly [string, string, number])[] = [
    ["edited", "UPDATE events SET ip = '192.0.2.66' WHERE seq = 2", 2],
    ["deleted", "DELETE FROM events WHERE seq = 2", 2],
    ["cut at its end", "DELETE FROM events WHERE seq = (SELECT MAX(seq) FROM events)", 4],
    ["cut at its beginning", "DELETE FROM events WHERE seq = 1", 1],
    [
      "emptied with its mark",
      "DELETE FROM events; UPDATE meta SET value = '0..' WHERE key = 'events_head'",
      0,
    ],
  ];
  for (const [name, sql, seq] of edits) {
    test(`shows when it was ${name}`, async () => {
      using kit = startSessions();
      for (let at = 0; at < 4; at++) await kit.login({ presenter: NO_DID });
      expect(await kit.sessions.checkEvents()).toEqual({ ok: true, events: 4 });
      const db = new Database(join(kit.dataDir, "sessions.db"));
      for (const one of sql.split(";")) db.run(one);
      db.close();
      expect(await kit.sessions.checkEvents()).toEqual({ ok: false, seq });
    });
  }

  test("SE3: keeps hostile texts on one short line and pages through", async () => {
    using kit = startSessions();
    await kit.sessions.record({
      type: "authn_fail",
      detail: `x\n{"forged":1}\u001b[31m\u202e${"y".repeat(10_000)}`,
    });
    for (let at = 0; at < 5; at++) await kit.sessions.record({ type: "limit_hit", detail: `${at}` });
    const [event] = kit.sessions.events({ type: "authn_fail" });
    expect(event?.detail).toHaveLength(200);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: their absence is the point.
    expect(event?.detail).not.toMatch(/[\x00-\x1f\u202e]/);
    const page = kit.sessions.events({ limit: 2 });
    expect(page.map(({ detail }) => detail)).toEqual(["4", "3"]);
    const rest = kit.sessions.events({ beforeSeq: page[1]?.seq ?? 0, limit: 1_000 });
    expect(rest).toHaveLength(4);
  });
});
