// The list of collections with a clock of the test's own, before a small server that plays PocketBase.
import { afterAll, beforeEach, expect, test } from "bun:test";
import { Secret } from "../utils/secret.ts";
import type { Clock } from "./clock.ts";
import { createCollectionNames } from "./collectionNames.ts";
import { SuperuserClient } from "./superuser.ts";

let answer: (page: number) => Response | Promise<Response>;
let pages: number[] = [];
const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  fetch: (request) => {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname.endsWith("auth-with-password")) return Response.json({ token: "a.b.c" });
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

type Row = { readonly id: string; readonly name: string; readonly type: string };
const row = (id: string, name: string): Row => ({ id, name, type: "base" });
const list = (rows: readonly Row[], totalPages = 1): Response => Response.json({ items: rows, totalPages });
const log = (): void => undefined;

/** Timers that run when the test says so. */
const createHandClock = (): Clock & { readonly timers: Map<() => void, number> } => {
  const timers = new Map<() => void, number>();
  return {
    timers,
    now: () => 0,
    after: (delayMs, run) => {
      timers.set(run, delayMs);
      return () => timers.delete(run);
    },
  };
};
beforeEach(() => {
  pages = [];
});

test("createCollectionNames finds by exact id and by name whatever the case, and nothing else", async () => {
  answer = () => list([row("pbc_1", "Kisses"), row("pbc_2", "posts"), row("posts", "odd")]);
  const names = createCollectionNames({ client, log, clock: createHandClock() });
  expect(names.find("posts")).toBeUndefined();
  expect(await names.refresh()).toBe(true);
  expect(names.find("POSTS")?.id).toBe("pbc_2");
  expect(names.find("pbc_1")?.name).toBe("Kisses");
  // Go's folding, which PocketBase compares by: the Kelvin sign is a k and the long s an s, no more.
  expect(names.find("\u212ai\u017fses")?.id).toBe("pbc_1");
  for (const segment of ["PBC_1", "", "/posts", "k\u0131sses", "ki\u00dfes", "toString", "posts "])
    expect(names.find(segment)).toBeUndefined();
  expect(names.find("posts")?.id).toBe("posts");
  names.close();
});

test("createCollectionNames reads all pages, and keeps the old list when a page fails", async () => {
  answer = (page) => list([row(`id${page}`, `name${page}`)], 3);
  const names = createCollectionNames({ client, log, clock: createHandClock() });
  await names.refresh();
  expect(names.all().map(({ id }) => id)).toEqual(["id1", "id2", "id3"]);
  answer = (page) => (page === 2 ? new Response("", { status: 500 }) : list([row("x", "x")], 3));
  expect(await names.refresh()).toBe(false);
  expect(names.all()).toHaveLength(3);
  answer = () => list([{ id: "x" } as Row]);
  expect(await names.refresh()).toBe(false);
  expect(names.find("NAME3")?.id).toBe("id3");
  names.close();
});

test("refresh shares one reading among many callers, never one that began before the call", async () => {
  answer = () => list([row("a", "a")]);
  const names = createCollectionNames({ client, log, clock: createHandClock() });
  await names.refresh();
  pages = [];
  const held = Promise.withResolvers<Response>();
  answer = () => (pages.length === 1 ? held.promise : list([row("b", "b")]));
  const first = names.refresh();
  const others = [names.refresh(), names.refresh(), names.refresh()];
  held.resolve(list([row("a", "a")]));
  await first;
  expect(names.find("a")?.id).toBe("a");
  expect(await Promise.all(others)).toEqual([true, true, true]);
  expect(names.find("b")?.id).toBe("b");
  expect(pages).toEqual([1, 1]);
  names.close();
});

test("createCollectionNames reads again after a minute, sooner after a failure, tells only differences, and stops", async () => {
  const clock = createHandClock();
  answer = () => list([row("a", "a")]);
  const names = createCollectionNames({ client, log, clock });
  let changes = 0;
  names.onChange(() => {
    changes += 1;
  });
  await names.refresh();
  await names.refresh();
  expect(changes).toBe(1);
  expect([...clock.timers.values()]).toEqual([60_000]);
  answer = () => new Response("", { status: 502 });
  const [due] = clock.timers.keys();
  due?.();
  expect(await names.refresh()).toBe(false);
  expect([...clock.timers.values()]).toEqual([5_000]);
  answer = () => list([row("a", "renamed")]);
  await names.refresh();
  expect(changes).toBe(2);
  names.close();
  expect(clock.timers.size).toBe(0);
  expect(await names.refresh()).toBe(false);
});
