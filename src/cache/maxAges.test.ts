// Leases on collections with a greatest age break at its end, others do not.
import { expect, test } from "bun:test";
import { startMaxAges } from "./maxAges.ts";
import { Versions } from "./versions.ts";
import { recordsOf } from "./written.ts";

test("what depends on a collection ends at its age", () => {
  const versions = new Versions();
  const tasks = new Map<number, () => void>();
  startMaxAges({
    changes: versions,
    maxAgesMs: new Map([
      ["reports", 5_000],
      ["gone", 7_000],
    ]),
    idOf: (name) => (name === "reports" ? "pbc_reports" : undefined),
    every: (ms, task) => tasks.set(ms, task),
  });
  const reports = versions.lease([recordsOf("pbc_reports"), recordsOf("other")]);
  const other = versions.lease([recordsOf("other")]);
  tasks.get(7_000)?.();
  expect(reports.holds()).toBe(true);
  tasks.get(5_000)?.();
  expect([reports.holds(), other.holds()]).toEqual([false, true]);
  expect(versions.look(recordsOf("pbc_reports"))?.cause).toBe("its MaxAge");
});
