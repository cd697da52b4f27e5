import { Database } from "bun:sqlite";
import { afterEach, expect, test } from "bun:test";
import { GroupCommit } from "./groupCommit.ts";
import { StoreUnavailable } from "./storeUnavailable.ts";

const opened: Database[] = [];
afterEach(() => {
  for (const db of opened.splice(0)) db.close();
});

/** A queue on a table of numbers, and how many transactions it has committed. */
const start = (options: { readonly finish?: () => void } = {}) => {
  const db = new Database(":memory:");
  opened.push(db);
  db.run("CREATE TABLE numbers (n INTEGER PRIMARY KEY)");
  let commits = 0;
  const queue = new GroupCommit<Database>({
    db,
    begin: () => db,
    finish: options.finish ?? (() => undefined),
    committed: () => {
      commits++;
    },
    failed: () => undefined,
    monotonic: () => performance.now(),
    pauseMaxMs: 0,
    busyTimeoutMs: 1_000,
  });
  return {
    add: (n: number) => queue.run((tx) => tx.query("INSERT INTO numbers VALUES (?)").run(n).changes),
    fail: (n: number, error: Error) =>
      queue.run((tx) => {
        tx.query("INSERT INTO numbers VALUES (?)").run(n);
        throw error;
      }),
    numbers: () =>
      db
        .query<{ n: number }, []>("SELECT n FROM numbers ORDER BY n")
        .all()
        .map(({ n }) => n),
    commits: () => commits,
  };
};

const outcomesOf = async (jobs: readonly Promise<unknown>[]): Promise<unknown[]> =>
  (await Promise.allSettled(jobs)).map((one) => (one.status === "fulfilled" ? one.value : one.reason));

test("what is asked for in one turn shares a transaction", async () => {
  const queue = start();
  expect(await outcomesOf([queue.add(1), queue.add(2), queue.add(3)])).toEqual([1, 1, 1]);
  expect([queue.numbers(), queue.commits()]).toEqual([[1, 2, 3], 1]);
});

test("a job that fails takes back its own changes only, and nobody's are made twice", async () => {
  const queue = start();
  const wrong = new RangeError("mine alone");
  const outcomes = await outcomesOf([queue.add(1), queue.fail(2, wrong), queue.add(3), queue.add(3)]);
  expect(outcomes.slice(0, 3)).toEqual([1, wrong, 1]);
  expect(outcomes[3]).toMatchObject({ code: "SQLITE_CONSTRAINT_PRIMARYKEY" });
  expect(queue.numbers()).toEqual([1, 3]);
});

test("a store that does not work fails all of them, and keeps nothing", async () => {
  const full = Object.assign(new Error("full"), { code: "SQLITE_FULL" });
  let isFull = true;
  const queue = start({
    finish: () => {
      if (isFull) throw full;
    },
  });
  const outcomes = await outcomesOf([queue.add(1), queue.add(2)]);
  for (const outcome of outcomes) expect(outcome).toBeInstanceOf(StoreUnavailable);
  expect([queue.numbers(), queue.commits()]).toEqual([[], 0]);
  isFull = false;
  expect(await outcomesOf([queue.add(1), queue.add(2)])).toEqual([1, 1]);
  expect(queue.numbers()).toEqual([1, 2]);
});
