// The check at the start: what it says of an app, and that an app whose records change by themselves is not cached.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "../support/eventually.ts";
import { type Hapta, startHapta } from "../support/hapta.ts";
import { type PocketBase, startPocketBase } from "../support/pocketbase.ts";
import { ADMIN_KEY } from "./kit.ts";

setDefaultTimeout(120_000);

/** A hook of an app: each look at a notice is another one. */
const HOOK = `
onRecordEnrich((e) => {
  e.record.withCustomData(true);
  e.record.set("drawn", $security.randomString(12));
  e.next();
}, "notices");
`;

let upstream: PocketBase;
let hapta: Hapta;
beforeAll(async () => {
  upstream = await startPocketBase({
    prepare: (dir) => writeFileSync(join(dir, "pb_hooks", "drawn.pb.js"), HOOK),
  });
  hapta = await startHapta(upstream, {
    config: {
      Cache: {
        VerifyRate: 0,
        Collections: { reports: { isEnabled: false }, Articles: { isEnabled: false } },
        Names: { "u/{id}": { Collection: "users", Record: "{id}" } },
      },
    },
    env: { HAPTA_ADMIN_KEY: ADMIN_KEY },
  });
}, 60_000);
afterAll(async () => {
  await hapta[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});

interface Check {
  readonly shared: number;
  readonly byCaller: number;
  readonly notKept: readonly { readonly collection: string; readonly reason: string }[];
  readonly unsteady: readonly string[];
  readonly unknown: readonly string[];
}

const statusOf = async (path: string): Promise<string | null> =>
  (await fetch(`${hapta.url}/api/collections/${path}`)).headers.get("cache-status");

test("says what the cache makes of an app, and keeps nothing that changes by itself", async () => {
  const check = await eventually(async () => {
    const response = await fetch(`${hapta.url}/hapta/cache`, {
      headers: { Authorization: `Bearer ${ADMIN_KEY}` },
    });
    return ((await response.json()) as { selfCheck?: Check }).selfCheck;
  }, 15_000);
  expect(check.unsteady).toEqual(["notices"]);
  expect(check.unknown).toEqual(["reports", "users"]);
  expect(check.shared).toBeGreaterThan(1);
  expect(check.byCaller).toBeGreaterThan(1);
  expect(check.notKept).toContainEqual({
    collection: "gates",
    reason: "gates's list rule reads @request.headers.x_gate",
  });
  expect(await statusOf("notices/records")).toBe("hapta; fwd=bypass; detail=unsteady");
  expect(await statusOf("comments/records?expand=article")).not.toContain("unsteady");
  await eventually(async () => (await statusOf("profiles/records"))?.includes("hit"), 5_000);
  await eventually(
    () => hapta.child.output().includes("PocketBase shows notices differently each time"),
    5_000,
  );
});

test("a collection that is switched off is asked for each time, however the settings spell its name", async () => {
  for (const path of ["articles/records", "ARTICLES/records", "comments/records?expand=article"])
    expect(await statusOf(path)).toBe("hapta; fwd=bypass; detail=off");
});
