// The schema with a clock of the test's own, before a small server that plays PocketBase.
import { afterAll, beforeEach, expect, test } from "bun:test";
import { eventually } from "../../tests/support/eventually.ts";
import { Secret } from "../utils/secret.ts";
import type { Clock } from "./clock.ts";
import { createLiveSchema } from "./liveSchema.ts";
import { type SuperuserAnswer, type SuperuserCall, SuperuserClient } from "./superuser.ts";

let answer: (page: number) => Response | Promise<Response>;
let mark: () => Response;
let pages: number[] = [];
let marks = 0;
const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  fetch: (request) => {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname.endsWith("auth-with-password")) return Response.json({ token: "a.b.c" });
    if (searchParams.get("perPage") === "1") {
      marks += 1;
      return mark();
    }
    const page = Number(searchParams.get("page"));
    pages.push(page);
    return answer(page);
  },
});
afterAll(() => server.stop(true));
const client = new SuperuserClient({
  url: `http://127.0.0.1:${server.port}`,
  email: "a@b.co",
  password: new Secret("x"),
});

type Row = Readonly<Record<string, unknown>>;
const NEW = "2026-11-22 12:00:00.000Z";
const row = (id: string, name: string, updated = NEW): Row => ({
  id,
  name,
  type: "base",
  fields: [],
  updated,
});
const list = (rows: readonly Row[], totalPages = 1): Response => Response.json({ items: rows, totalPages });
const marked = (updated: string, totalItems: number, date = "Sun, 22 Nov 2026 13:00:00 GMT"): Response =>
  Response.json({ items: [{ id: "a", updated }], totalItems }, { headers: { Date: date } });
const log = (): void => undefined;

/** Time and timers that move when the test says so. */
const createHandClock = () => {
  let nowMs = 0;
  const timers = new Map<() => void, number>();
  const clock: Clock = {
    now: () => nowMs,
    after: (delayMs, run) => {
      timers.set(run, delayMs);
      return () => timers.delete(run);
    },
  };
  return {
    ...clock,
    timers,
    /** Lets `ms` pass and runs what was set; each timer once. */
    pass: (ms: number): void => {
      nowMs += ms;
      const due = [...timers.keys()];
      timers.clear();
      for (const run of due) run();
    },
  };
};
beforeEach(() => {
  pages = [];
  marks = 0;
  mark = () => marked(NEW, 1);
});

test("createLiveSchema finds by exact id and by name whatever the case, and nothing else", async () => {
  answer = () => list([row("pbc_1", "Kisses"), row("pbc_2", "posts"), row("posts", "odd")]);
  const schema = createLiveSchema({ client, log, clock: createHandClock() });
  expect(schema.find("posts")).toBeUndefined();
  expect(await schema.refresh()).toBe(true);
  expect(schema.find("POSTS")?.id).toBe("pbc_2");
  expect(schema.find("pbc_1")?.name).toBe("Kisses");
  // Go's folding, which PocketBase compares by: the Kelvin sign is a k and the long s an s, no more.
  expect(schema.find("\u212ai\u017fses")?.id).toBe("pbc_1");
  for (const segment of ["PBC_1", "", "/posts", "k\u0131sses", "ki\u00dfes", "toString", "posts "])
    expect(schema.find(segment)).toBeUndefined();
  expect(schema.find("posts")?.id).toBe("posts");
  schema.close();
});

test("createLiveSchema reads all pages, and keeps the old list when a page fails", async () => {
  answer = (page) => list([row(`id${page}`, `name${page}`)], 3);
  const schema = createLiveSchema({ client, log, clock: createHandClock() });
  await schema.refresh();
  expect(schema.all().map(({ id }) => id)).toEqual(["id1", "id2", "id3"]);
  answer = (page) => (page === 2 ? new Response("", { status: 500 }) : list([row("x", "x")], 3));
  expect(await schema.refresh()).toBe(false);
  expect(schema.all()).toHaveLength(3);
  answer = () => list([{ id: "x" }]);
  expect(await schema.refresh()).toBe(false);
  expect(schema.find("NAME3")?.id).toBe("id3");
  schema.close();
});

test("refresh shares one reading among many callers, never one that began before the call", async () => {
  answer = () => list([row("a", "a")]);
  const schema = createLiveSchema({ client, log, clock: createHandClock() });
  await schema.refresh();
  pages = [];
  const held = Promise.withResolvers<Response>();
  answer = () => (pages.length === 1 ? held.promise : list([row("b", "b")]));
  const first = schema.refresh();
  const others = [schema.refresh(), schema.refresh(), schema.refresh()];
  held.resolve(list([row("a", "a")]));
  await first;
  expect(schema.find("a")?.id).toBe("a");
  expect(await Promise.all(others)).toEqual([true, true, true]);
  expect(schema.find("b")?.id).toBe("b");
  expect(pages).toEqual([1, 1]);
  schema.close();
});

test("createLiveSchema reads again after a minute, tells only differences, and stops", async () => {
  const clock = createHandClock();
  answer = () => list([row("a", "a")]);
  const schema = createLiveSchema({ client, log, clock });
  let changes = 0;
  schema.onChange(() => {
    changes += 1;
  });
  await schema.refresh();
  await schema.refresh();
  expect([changes, schema.current().version]).toEqual([1, 1]);
  answer = () => list([row("a", "renamed")]);
  pages = [];
  clock.pass(59_000);
  expect(pages).toEqual([]);
  clock.pass(2_000);
  await schema.refresh();
  expect([changes, schema.current().version]).toEqual([2, 2]);
  schema.close();
  expect(clock.timers.size).toBe(0);
  expect(await schema.refresh()).toBe(false);
});

test("a collection that stayed the same stays the same object", async () => {
  answer = () => list([row("a", "a"), row("b", "b")]);
  const schema = createLiveSchema({ client, log, clock: createHandClock() });
  await schema.refresh();
  const [a, b] = schema.all();
  answer = () => list([row("a", "a"), { ...row("b", "b"), listRule: "" }]);
  await schema.refresh();
  expect(schema.all()[0]).toBe(a as never);
  expect(schema.all()[1]).not.toBe(b as never);
  expect(schema.find("b")?.rules.list).toBe("");
  schema.close();
});

test("current keeps a schema fresh that is asked for, and asks nothing when nobody does", async () => {
  const clock = createHandClock();
  answer = () => list([row("a", "a")]);
  const schema = createLiveSchema({ client, log, clock });
  await schema.refresh();
  for (let tick = 0; tick < 20; tick += 1) clock.pass(1_520);
  expect(marks).toBe(0);
  // The first one to ask after a pause starts a check at once.
  schema.current();
  await eventually(() => marks === 1, 2_000);
  expect(await schema.confirm(10)).toBe(true);
  answer = () => list([row("a", "a"), row("b", "b", "2026-11-22 12:00:01.000Z")]);
  mark = () => marked("2026-11-22 12:00:01.000Z", 2);
  schema.current();
  clock.pass(1_520);
  await eventually(() => schema.current().version === 2, 2_000);
  expect(schema.current().find("b")?.id).toBe("b");
  schema.close();
});

test("PocketBase's log gets its pause of 3 s while a schema is in constant use", async () => {
  const clock = createHandClock();
  const asked: number[] = [];
  class NotingClient extends SuperuserClient {
    override call(call: SuperuserCall): Promise<SuperuserAnswer> {
      asked.push(clock.now());
      return super.call(call);
    }
  }
  answer = () => list([row("a", "a")]);
  const noting = new NotingClient({ url: client.url, email: "a@b.co", password: new Secret("x") });
  const schema = createLiveSchema({ client: noting, log, clock, refreshEveryMs: 1e9 });
  await schema.refresh();
  asked.length = 0;
  for (let tick = 0; tick < 40; tick += 1) {
    const before = asked.length;
    schema.current();
    clock.pass(1_520);
    // Waits for the answer to a question that was just put.
    if (asked.length > before) expect(await schema.confirm(1)).toBe(true);
  }
  const gaps = asked.slice(1).map((at, index) => at - (asked[index] ?? 0));
  expect(Math.max(...gaps)).toBeLessThan(3_100);
  expect(gaps.filter((gap) => gap > 3_000).length).toBeGreaterThan(2);
  schema.close();
});

test("confirm asks when the schema is older than that, reads when it changed, and fails when nobody answers", async () => {
  const clock = createHandClock();
  answer = () => list([row("a", "a")]);
  const schema = createLiveSchema({ client, log, clock });
  await schema.refresh();
  expect(await schema.confirm(0)).toBe(true);
  expect(marks).toBe(0);
  clock.pass(500);
  expect([await schema.confirm(500), marks]).toEqual([true, 0]);
  expect([await schema.confirm(499), marks]).toEqual([true, 1]);
  // A save with PocketBase's clock set back does not show in the newest stamp.
  mark = () => marked(NEW, 1, "Sun, 22 Nov 2026 11:00:00 GMT");
  clock.pass(500);
  pages = [];
  expect([await schema.confirm(0), pages.length]).toEqual([true, 1]);
  mark = () => new Response("", { status: 502 });
  clock.pass(500);
  expect(await schema.confirm(0)).toBe(false);
  schema.close();
});
