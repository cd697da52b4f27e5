// `bun run bench decide`: what a write costs PocketBase and Hapta while users listen, each to records of his own: once with a
// stream of PocketBase's for each of them, once decided by Hapta for all (`Realtime.Decide`).
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Hapta, startHapta } from "../../tests/support/hapta.ts";
import { describeMachine, describeRevision, renderMachine } from "../support/machine.ts";
import type { BenchOptions } from "../support/options.ts";
import { threadsCpuUs } from "../support/processTree.ts";
import { median, orderOf } from "../support/stats.ts";
import { ask, type BenchUpstream, loginSuperuser, startUpstream } from "../support/upstream.ts";
import { settle } from "./live.ts";
import { type Owner, type Owners, startOwners } from "./owners.ts";
import { CONFIG } from "./results.ts";

const USERS = [1, 100, 1_000] as const;
const PASSWORD = "only for the bench";
const WRITES = 40;
/** How many accounts are made in one request. */
const BATCH = 50;
const HEAR_MS = 10_000;

/** By whom an event is decided. */
type Decider = "PocketBase" | "Hapta";

interface Cost {
  readonly decider: Decider;
  readonly users: number;
  readonly round: number;
  /** CPU time per write. */
  readonly pocketbaseUs: number;
  readonly haptaUs: number;
  readonly writeMs: number;
  /** Events that reached their owner; as many as there were writes. */
  readonly heard: number;
}

/** Measures, prints a page, and writes `results/decide.md` and the raw rounds. */
export const benchDecide = async (options: BenchOptions): Promise<void> => {
  await using upstream = await startUpstream();
  const owners = await createOwners(upstream.url);
  const costs: Cost[] = [];
  for (let round = 0; round < 2; round++)
    for (const decider of orderOf(["PocketBase", "Hapta"] as const, round))
      costs.push(...(await measure({ decider, round, upstream, owners })));
  const page = render(options, costs);
  console.log(page);
  if (options.saves) save(options, costs, page);
};

/** Accounts whose passwords are cheap to check, and a collection in which each sees his own records. */
const createOwners = async (url: string): Promise<readonly Owner[]> => {
  const token = await loginSuperuser(url);
  await ask(url, "PATCH /api/settings", { token, body: { batch: { enabled: true, maxRequests: BATCH } } });
  const password = {
    name: "password",
    type: "password",
    system: true,
    hidden: true,
    required: true,
    cost: 4,
  };
  const made = await ask(url, "POST /api/collections", {
    token,
    body: { name: "owners", type: "auth", fields: [password], authAlert: { enabled: false } },
  });
  const fields = [
    { name: "title", type: "text" },
    { name: "owner", type: "relation", maxSelect: 1, collectionId: made["id"] },
  ];
  const rule = "owner = @request.auth.id";
  await ask(url, "POST /api/collections", {
    token,
    body: { name: "own", type: "base", fields, listRule: rule, viewRule: rule, createRule: "" },
  });
  const count = Math.max(...USERS);
  const owners = Array.from({ length: count }, (_, n) => ({
    id: `owner${String(n).padStart(10, "0")}`,
    email: `owner${n}@example.com`,
  }));
  for (let at = 0; at < count; at += BATCH) {
    const requests = owners.slice(at, at + BATCH).map((owner) => ({
      method: "POST",
      url: "/api/collections/owners/records",
      body: { ...owner, password: PASSWORD, passwordConfirm: PASSWORD },
    }));
    await ask(url, "POST /api/batch", { token, body: { requests } });
  }
  return owners;
};

interface Run {
  readonly decider: Decider;
  readonly round: number;
  readonly upstream: BenchUpstream;
  readonly owners: readonly Owner[];
}

const measure = async ({ decider, round, upstream, owners }: Run): Promise<readonly Cost[]> => {
  const { Realtime, ...rest } = CONFIG;
  const config = {
    ...rest,
    Realtime: { ...Realtime, Decide: decider === "Hapta" },
    Upstream: { MaxStreams: 2 * owners.length },
  };
  await using hapta = await startHapta(upstream, { config });
  using crowd = startOwners(hapta.port, { collection: "owners", password: PASSWORD, topic: "own/*" });
  const costs: Cost[] = [];
  for (const users of USERS) {
    await crowd.add(owners.slice(crowd.count, users));
    await settle(upstream.pid);
    costs.push({ decider, users, round, ...(await write({ upstream, hapta, crowd, owners, users })) });
  }
  return costs;
};

interface Writing extends Pick<Run, "upstream" | "owners"> {
  readonly hapta: Hapta;
  readonly crowd: Owners;
  readonly users: number;
}

const write = async ({ upstream, hapta, crowd, owners, users }: Writing) => {
  const { url, pid } = upstream;
  const pids = [pid, hapta.child.pid] as const;
  const before = pids.map(threadsCpuUs);
  const [startMs, heardBefore] = [performance.now(), crowd.heard];
  for (let n = 0; n < WRITES; n++) {
    const owner = owners[n % users]?.id;
    await ask(url, "POST /api/collections/own/records", { body: { title: `of ${owner}`, owner } });
  }
  const writeMs = (performance.now() - startMs) / WRITES;
  const untilMs = performance.now() + HEAR_MS;
  while (crowd.heard - heardBefore < WRITES && performance.now() < untilMs) await Bun.sleep(20);
  const [pocketbaseUs = 0, haptaUs = 0] = pids.map(
    (one, n) => (threadsCpuUs(one) - (before[n] ?? 0)) / WRITES,
  );
  return { pocketbaseUs, haptaUs, writeMs, heard: crowd.heard - heardBefore };
};

const render = ({ command }: BenchOptions, costs: readonly Cost[]): string => {
  const of = (users: number, decider: Decider, value: (cost: Cost) => number): number =>
    median(costs.filter((cost) => cost.users === users && cost.decider === decider).map(value));
  const count = (value: number): string => Math.round(value).toLocaleString("en-US");
  const row = (users: number, decider: Decider): string => {
    const heard = of(users, decider, (cost) => cost.heard);
    const cells = [
      `${count(users)}, decided by ${decider}`,
      `${count(of(users, decider, (cost) => cost.pocketbaseUs))} us`,
      `${count(of(users, decider, (cost) => cost.haptaUs))} us`,
      `${of(users, decider, (cost) => cost.writeMs).toFixed(1)} ms`,
      `${heard} of ${WRITES}`,
    ];
    return `| ${cells.join(" | ")} |`;
  };
  return [
    "# Deciding",
    "",
    `Made by \`${command}\` on ${new Date().toISOString().slice(0, 10)}, revision ${describeRevision()}; ${renderMachine(describeMachine())}.`,
    "",
    "| users who listen | PocketBase's CPU per write | Hapta's | a write takes | heard by its owner |",
    "| --- | --- | --- | --- | --- |",
    ...USERS.flatMap((users) => [row(users, "PocketBase"), row(users, "Hapta")]),
    "",
    "Each user listens to `own/*`, whose rule is `owner = @request.auth.id`. One writer writes to PocketBase, past Hapta, one",
    `record after the other, ${WRITES} in all; the figures are medians of two rounds, the order flipped in the second. CPU is of all`,
    "threads, Hapta's questions to PocketBase included.",
    "",
  ].join("\n");
};

const save = (options: BenchOptions, costs: readonly Cost[], page: string): void => {
  const dir = join(import.meta.dir, "..", "results");
  mkdirSync(dir, { recursive: true });
  const date = new Date().toISOString().slice(0, 10);
  const about = { date, command: options.command, machine: describeMachine(), revision: describeRevision() };
  writeFileSync(join(dir, `decide-${date}.json`), `${JSON.stringify({ ...about, costs }, null, 1)}\n`);
  writeFileSync(join(dir, "decide.md"), page);
};
