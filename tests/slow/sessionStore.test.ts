// A million live sessions: they fit in one gigabyte, and the first request after a restart comes within 5 seconds.
import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { statSync } from "node:fs";
import { join } from "node:path";
import { DAY, LAPTOP, startSessions } from "../support/sessionKit.ts";

const ROWS = 1_000_000;
const GIGABYTE = 2 ** 30;

test("a million sessions fit in 1 GB and open in less than 5 s", async () => {
  using kit = startSessions();
  // PocketBase's tokens are about 240 characters long.
  const upstream = { token: "u".repeat(260), expMs: kit.clock.now() + 5 * DAY };
  let token = await kit.login({ upstream });
  // A session with a history, as a day of use leaves it.
  for (let at = 0; at < 4; at++) {
    await kit.sessions.resolve(token, LAPTOP);
    const outcome = await kit.sessions.refresh(token, LAPTOP);
    if ("token" in outcome) token = outcome.token;
    kit.clock.advance(60_000);
  }
  await kit.sessions.resolve(token, LAPTOP);
  kit.sessions.close();

  const path = join(kit.dataDir, "sessions.db");
  const db = new Database(path);
  db.run("PRAGMA synchronous = OFF");
  const columns = db.query<{ name: string }, []>("SELECT name FROM pragma_table_info('sessions')").all();
  const others = columns.map(({ name }) => name).filter((name) => name !== "id" && name !== "uid");
  db.run(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${ROWS})
    INSERT INTO sessions (id, uid, ${others}) SELECT substr(hex(randomblob(11)), 1, 22), printf('u%014d', i),
    ${others.map((name) => `s.${name}`)} FROM n, sessions s`);
  db.run("PRAGMA wal_checkpoint(TRUNCATE)");
  db.close();
  expect(statSync(path).size).toBeLessThan(GIGABYTE);

  const residentBefore = process.memoryUsage().rss;
  const startedMs = performance.now();
  kit.restart();
  expect(await kit.sessions.resolve(token, LAPTOP)).toMatchObject({ kind: "live" });
  const openedMs = performance.now() - startedMs;
  const grownBytes = process.memoryUsage().rss - residentBefore;
  process.stdout.write(
    `size ${Math.round(statSync(path).size / 2 ** 20)} MB, first answer ${openedMs.toFixed(1)} ms\n`,
  );
  expect(openedMs).toBeLessThan(5_000);
  expect(grownBytes).toBeLessThan(100 * 2 ** 20);
  expect(kit.sessions.list({ cid: "pbc_users", uid: "u00000000000007" })).toHaveLength(1);
}, 300_000);
