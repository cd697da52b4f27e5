import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { join } from "node:path";
import { startSessions } from "../../tests/support/sessionKit.ts";
import { SessionTable } from "./sessionTable.ts";

test("SessionTable.rotate swaps only what was judged: generation, epoch, status, not-before marks", async () => {
  const cases: readonly (readonly [string, boolean])[] = [
    ["", true],
    ["UPDATE sessions SET gen = gen + 1", false],
    ["UPDATE sessions SET epoch = epoch + 1", false],
    ["UPDATE sessions SET status = 1", false],
    ["UPDATE sessions SET status = 2", false],
    ["INSERT INTO subject VALUES ('pbc_users', 'user00000000001', 9000000000000000)", false],
    ["INSERT INTO subject VALUES ('pbc_users', '', 9000000000000000)", false],
    ["INSERT INTO subject VALUES ('', '', 9000000000000000)", false],
    ["INSERT INTO subject VALUES ('pbc_staff', '', 9000000000000000)", true],
  ];
  for (const [sql, isWritten] of cases) {
    using kit = startSessions();
    await kit.login();
    const [view] = kit.sessions.list({ cid: "", uid: "" });
    const db = new Database(join(kit.dataDir, "sessions.db"));
    const table = new SessionTable(db);
    const row = table.read(view?.id ?? "")?.row;
    if (row === undefined) throw new Error("no row");
    if (sql !== "") db.run(sql);
    const { id, epoch, rotation, genIat, genExp, kid, lastSeenMs, endsAtMs } = row;
    const next = { ...rotation, gen: rotation.gen + 1 };
    const write = {
      id,
      expected: { gen: rotation.gen, epoch },
      next,
      genIat,
      genExp,
      kid,
      lastSeenMs,
      endsAtMs,
    };
    expect([sql, table.rotate(write)]).toEqual([sql, isWritten]);
    expect([sql, table.rotate(write)]).toEqual([sql, false]);
    table.close();
    db.close();
  }
});
