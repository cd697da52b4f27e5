// A schema of 200 collections with every field type, read anew from a real PocketBase and made ready to judge bodies, while
// somebody else wants a turn all the time.
import { createLiveSchema, type LiveSchema } from "../../src/pocketbase/liveSchema.ts";
import { SuperuserClient } from "../../src/pocketbase/superuser.ts";
import { validateBody } from "../../src/schema/validateBody.ts";
import { Secret } from "../../src/utils/secret.ts";
import { EVERYTHING } from "../../tests/schema/everything.ts";
import { SUPERUSER } from "../../tests/support/fixture/load.ts";
import { startPocketBase } from "../../tests/support/pocketbase.ts";
import { cpuUsOf } from "./judging.ts";

/** Collections that are read. */
export const COLLECTIONS = 200;

/** One round: of this process only, PocketBase's own time left out. */
export interface RebuildRun {
  /** Reading all collections after a change of each, until the new schema is there. */
  readonly readCpuMs: number;
  /** Judging the first body of every collection. */
  readonly judgeCpuMs: number;
  /** The longest time in which nothing else had a turn. */
  readonly pauseMs: number;
}

/** Takes `rounds` rounds, and one before that does not count. */
export const measureRebuild = async (rounds: number): Promise<readonly RebuildRun[]> => {
  await using pb = await startPocketBase();
  const client = new SuperuserClient({
    url: pb.url,
    email: SUPERUSER.email,
    password: new Secret(SUPERUSER.password),
  });
  await importAll(client, 0);
  const schema = createLiveSchema({ client, log: () => undefined });
  const runs: RebuildRun[] = [];
  for (let round = 0; round <= rounds; round++) {
    await importAll(client, round + 1);
    runs.push(await rebuild(schema));
  }
  schema.close();
  return runs.slice(1);
};

// Each import changes every collection.
const importAll = async (client: SuperuserClient, round: number): Promise<void> => {
  const collections = Array.from({ length: COLLECTIONS }, (_, at) => ({
    ...EVERYTHING,
    id: `pbc_bench${at}`,
    name: `bench${at}`,
    listRule: `id != "${round}"`,
  }));
  const { status } = await client.call({
    method: "PUT",
    path: "/api/collections/import",
    body: { collections, deleteMissing: false },
    deadlineMs: 120_000,
  });
  if (status !== 204) throw new Error(`the import was answered ${status}`);
};

const rebuild = async (schema: LiveSchema): Promise<RebuildRun> => {
  const { version } = schema.current();
  const watch = watchPauses();
  const before = process.cpuUsage();
  if (!(await schema.refresh()) || schema.current().version === version) throw new Error("nothing was read");
  const readCpuMs = cpuUsOf(before) / 1_000;
  const judged = process.cpuUsage();
  for (const collection of schema.all()) {
    validateBody(collection, {}, { action: "create", isSuperuser: false, wording: "0.39" });
    // Bodies come one at a time.
    await new Promise((resolve) => setImmediate(resolve));
  }
  return { readCpuMs, judgeCpuMs: cpuUsOf(judged) / 1_000, pauseMs: watch.end() };
};

// Takes a turn whenever it gets one; what it does in between is part of the figures, and little.
const watchPauses = (): { end(): number } => {
  let [isOver, longestMs, lastMs] = [false, 0, performance.now()];
  const turn = (): void => {
    const nowMs = performance.now();
    longestMs = Math.max(longestMs, nowMs - lastMs);
    lastMs = nowMs;
    if (!isOver) setTimeout(turn, 0);
  };
  turn();
  return {
    end: () => {
      isOver = true;
      return longestMs;
    },
  };
};
