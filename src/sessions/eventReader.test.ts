import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { join } from "node:path";
import { DAY, NO_DID, startSessions } from "../../tests/support/sessionKit.ts";
import type { EventQuery } from "./eventReader.ts";

test("a search pages through a log that is longer than what it looks at in one go", async () => {
  using kit = startSessions();
  const made: Promise<void>[] = [];
  for (let at = 0; at < 9_990; at++) made.push(kit.sessions.record({ type: "limit_hit", uid: "u1" }));
  await Promise.all(made);
  for (const uid of ["u2", "u1", "u2"]) await kit.sessions.record({ type: "authn_fail", uid });
  for (let at = 0; at < 30; at++) await kit.sessions.record({ type: "limit_hit", uid: "u3" });
  const seen: number[] = [];
  for (let next: number | undefined, page = 0; page === 0 || next !== undefined; page++) {
    const found = await kit.sessions.searchEvents({ type: "authn_fail", limit: 2, beforeSeq: next });
    seen.push(...found.events.map(({ seq }) => seq));
    next = found.next;
  }
  expect(seen).toEqual([9_993, 9_992, 9_991]);
  const oldest = await kit.sessions.searchEvents({ uid: "u1", beforeSeq: 3 });
  expect([oldest.events.map(({ seq }) => seq), oldest.next]).toEqual([[2, 1], undefined]);
  const last = await kit.sessions.searchEvents({ uid: "u1", type: "authn_fail" });
  expect(last.events.map(({ seq }) => seq)).toEqual([9_992]);
});

test("a search that is called off says where it stopped", async () => {
  using kit = startSessions();
  for (let round = 0; round < 2; round++)
    await Promise.all(Array.from({ length: 6_000 }, () => kit.sessions.record({ type: "limit_hit" })));
  const gone = AbortSignal.abort();
  const page = await kit.sessions.searchEvents({ type: "authn_fail" }, gone);
  expect(page).toEqual({ events: [], next: 2_001 });
});

test("time, user and session narrow the search", async () => {
  using kit = startSessions();
  const startMs = kit.clock.now();
  for (const uid of ["a", "b"]) {
    await kit.sessions.record({ type: "authn_fail", uid, session: `s${uid}` });
    kit.clock.advance(DAY);
  }
  const uidsOf = async (query: EventQuery): Promise<(string | undefined)[]> =>
    (await kit.sessions.searchEvents(query)).events.map(({ uid }) => uid);
  expect(await uidsOf({})).toEqual(["b", "a"]);
  expect(await uidsOf({ fromMs: startMs + 1 })).toEqual(["b"]);
  expect(await uidsOf({ toMs: startMs + DAY })).toEqual(["a"]);
  expect(await uidsOf({ session: "sa" })).toEqual(["a"]);
  expect(await uidsOf({ uid: "a", type: "limit_hit" })).toEqual([]);
});

test("the log keeps to its bound while it is written, and its chain holds", async () => {
  using kit = startSessions({ eventsMax: 1_500 });
  for (let round = 0; round < 5; round++)
    await Promise.all(
      Array.from({ length: 1_000 }, () => kit.sessions.record({ type: "limit_hit", detail: String(round) })),
    );
  const check = await kit.sessions.checkEvents();
  expect(check.ok && check.events >= 1_500 && check.events < 2_600).toBe(true);
  const { events } = await kit.sessions.searchEvents({ beforeSeq: 2_400 });
  expect(events).toEqual([]);
});

test("old events go at a sweep, and the chain holds", async () => {
  using kit = startSessions({ eventsKeptMs: 10 * DAY });
  for (let at = 0; at < 20; at++) {
    await kit.login({ presenter: NO_DID, uid: `u${at}` });
    kit.clock.advance(DAY);
  }
  await kit.sessions.sweep();
  expect(await kit.sessions.checkEvents()).toEqual({ ok: true, events: 10 });
  await kit.sessions.record({ type: "limit_hit" });
  expect(await kit.sessions.checkEvents()).toEqual({ ok: true, events: 11 });
});

test("a database that has an index of its events by record loses it, and is searched as ever", async () => {
  using kit = startSessions();
  await kit.sessions.record({ type: "authn_fail", cid: "pbc_users", uid: "u1" });
  const db = new Database(join(kit.dataDir, "sessions.db"));
  db.run("CREATE INDEX events_subject ON events (cid, uid, seq)");
  kit.restart();
  const indexes = db
    .query<{ name: string }, []>("SELECT name FROM pragma_index_list('events')")
    .all()
    .map(({ name }) => name);
  db.close();
  expect(indexes).toEqual([]);
  const { events } = await kit.sessions.searchEvents({ cid: "pbc_users", uid: "u1" });
  expect(events.map(({ type }) => type)).toEqual(["authn_fail"]);
});
