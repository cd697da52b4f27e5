// A million live sessions: how soon a Hapta that was stopped answers again, and what it holds in memory once many of them
// have been used. The rows are copies of a real one, but for those that are used.
import { Database } from "bun:sqlite";
import { mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { createSessions } from "../../src/sessions/createSessions.ts";
import { startHapta } from "../../tests/support/hapta.ts";
import { treePeakBytes } from "../support/processTree.ts";
import type { BenchUpstream } from "../support/upstream.ts";
import { goRound } from "./roundTrips.ts";

export interface MillionRun {
  readonly sessions: number;
  readonly fileBytes: number;
  /** From the start of the process to the first 200 to a request with a token. */
  readonly firstAnswerMs: number;
  readonly peakBytesAtFirstAnswer: number;
  /** Different sessions that were used before the last look at memory. */
  readonly used: number;
  readonly failed: number;
  readonly peakBytes: number;
}

const SESSIONS = 1_000_000;
/** More than the caches hold. */
const USED = 60_000;
const CLIENTS = 32;
const DAY_MS = 86_400_000;
const PRESENTER = { userAgent: "bench/1.0", address: "127.0.0.1" };

/** Makes the database, starts Hapta on it, uses some sessions. */
export const measureMillion = async (upstream: BenchUpstream): Promise<MillionRun> => {
  const dataDir = join(upstream.dir, "million");
  mkdirSync(dataDir, { mode: 0o700 });
  const tokens = await fill(dataDir);
  const startedMs = performance.now();
  await using hapta = await startHapta(upstream, { env: { HAPTA_DATA_DIR: dataDir } });
  await expectLive(hapta.url, tokens[0] ?? "");
  const firstAnswerMs = performance.now() - startedMs;
  const peakBytesAtFirstAnswer = treePeakBytes(hapta.child.pid);
  let next = 0;
  const client = (): string => {
    const token = tokens[next++ % tokens.length] ?? "";
    return `GET /auth/verify HTTP/1.1\r\nHost: bench\r\nAuthorization: ${token}\r\n\r\n`;
  };
  let failed = 0;
  while (next < tokens.length) {
    const clients = Array.from({ length: CLIENTS }, () => client);
    failed += (await goRound(hapta.url, clients, { seconds: 1 })).failed;
  }
  return {
    sessions: SESSIONS,
    fileBytes: statSync(join(dataDir, "sessions.db")).size,
    firstAnswerMs,
    peakBytesAtFirstAnswer,
    used: tokens.length,
    failed,
    peakBytes: treePeakBytes(hapta.child.pid),
  };
};

/** Opens the sessions that will be used and copies one of them up to a million rows. */
const fill = async (dataDir: string): Promise<string[]> => {
  const sessions = createSessions({ dataDir, warn: () => undefined, commitPauseMaxMs: 0 });
  const open = async (_: unknown, at: number): Promise<string> => {
    const opened = await sessions.open({
      cid: "pbc_bench_members",
      uid: `member${at}`,
      kind: "record",
      // As long as PocketBase's own.
      upstream: { token: "t".repeat(230), expMs: Date.now() + 5 * DAY_MS },
      presenter: PRESENTER,
      authTimeMs: Date.now(),
      amr: "pwd",
    });
    if (opened.kind !== "opened") throw new Error("a session was not opened");
    return opened.token;
  };
  const tokens: string[] = [];
  while (tokens.length < USED)
    tokens.push(
      ...(await Promise.all(Array.from({ length: 2_000 }, (_, at) => open(_, tokens.length + at)))),
    );
  sessions.close();
  using db = new Database(join(dataDir, "sessions.db"));
  const columns = db.query<{ name: string }, []>("SELECT name FROM pragma_table_info('sessions')").all();
  const names = columns.map(({ name }) => name).filter((name) => name !== "id" && name !== "uid");
  db.run("PRAGMA synchronous = OFF");
  db.run(
    `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${SESSIONS - USED})
    INSERT INTO sessions (id, uid, ${names.join(", ")})
    SELECT substr(hex(randomblob(11)), 1, 22), 'copy' || i, ${names.map((name) => `one.${name}`).join(", ")}
    FROM n, (SELECT * FROM sessions LIMIT 1) AS one`,
  );
  db.run("PRAGMA wal_checkpoint(TRUNCATE)");
  return tokens;
};

const expectLive = async (url: string, token: string): Promise<void> => {
  const answer = await fetch(`${url}/auth/verify`, { headers: { Authorization: token } });
  if (answer.status !== 200) throw new Error(`a stored session is ${answer.status} after the restart`);
};
