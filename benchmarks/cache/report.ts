// Turns the figures of the cache into the page a person reads.
import { type GoalRow, renderGoals, table } from "../support/goals.ts";
import { type Machine, renderMachine } from "../support/machine.ts";
import { median } from "../support/stats.ts";
import type { CountedRun } from "./counted.ts";
import { type HitRun, seriesOf } from "./hits.ts";
import { APP_LIST, type ListSizes, SMALLEST_LIST } from "./lists.ts";
import type { MemoryRun } from "./memory.ts";
import type { SocialRun } from "./social.ts";

export interface CacheResult {
  readonly date: string;
  readonly command: string;
  readonly machine: Machine;
  /** Commit under test; "+" with changes on top. */
  readonly revision: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly rounds: number;
  readonly seconds: number;
  readonly sizes: ListSizes;
  readonly goals: readonly GoalRow[];
  readonly hits: readonly HitRun[];
  readonly counted: readonly CountedRun[];
  readonly social: SocialRun;
  /** In ms, one figure a write. */
  readonly staleness: readonly number[];
  readonly memory: readonly MemoryRun[];
}

const renderHits = (hits: readonly HitRun[]): string => {
  const rows = [...new Set(hits.map(({ target }) => target))].map((target) => {
    const figure = (read: (run: HitRun) => number): number => median(seriesOf(hits, target, read));
    return [
      target,
      figure((run) => run.requests / run.seconds).toFixed(0),
      figure((run) => run.p50Us).toFixed(0),
      figure((run) => run.cpuUsPerRequest).toFixed(1),
      Math.max(...seriesOf(hits, target, (run) => run.foreignCpus)).toFixed(2),
    ];
  });
  return table(["target", "req/s", "p50 us", "CPU us/req", "CPUs busy elsewhere, at most"], rows);
};

const renderLists = ({
  app,
  smallest,
}: ListSizes): string => `- The app's list, ${app} bytes: \`${APP_LIST}\`, which is what the SDK's
  \`getList(1, 30, { sort: "-created", expand: "author" })\` asks for. 10,000 posts (title, summary, author, times), of which
  9,000 are published and everybody may read those (\`published = true\`); \`created\` is indexed; 200 authors, an auth collection.
- _smallest_, ${smallest} bytes, for information: \`${SMALLEST_LIST}\`, 30 records with one text each, which are the whole
  collection. No list costs PocketBase less, and few apps have one like it.
- _bare_ is no cache: a loop over sockets on the same runtime, which answers what it has not read with the same bytes each time.
  _304_: the client has it already. nginx gets an entity tag put on PocketBase's answer, to have something to compare.`;

const renderCounted = (counted: readonly CountedRun[]): string =>
  table(
    ["target", "req/s", "pages of a new list, ms"],
    (["pocketbase", "hapta"] as const).map((target) => {
      const own = counted.filter((run) => run.target === target);
      const figure = (read: (run: CountedRun) => number): string => median(own.map(read)).toFixed(0);
      return [target, figure((run) => run.requestsPerSecond), figure((run) => run.pagingMs)];
    }),
  );

const renderSocial = ({ kinds, seconds, writes, writesRefused, reached, violations }: SocialRun): string => `
${table(
  ["read", "reads", "hits", "asked for the first time", "asked again after a change", "joined, or not kept"],
  kinds.map(({ kind, ...counts }) => [
    kind,
    ...[counts.reads, counts.hits, counts.cold, counts.again, counts.others].map(String),
  ]),
)}

${seconds.toFixed(1)} s; ${writes} writes (${writesRefused} refused); ${reached} reads of records reached PocketBase, counted on
its side. ${violations.length === 0 ? "No answer was older than what was acknowledged before it was asked for." : `Wrong: ${violations.slice(0, 5).join("; ")}`}`;

/** The whole page, in Markdown. */
export const renderCache = (result: CacheResult): string => {
  const { machine, versions } = result;
  return `# Cache

Made by \`${result.command}\` on ${result.date}, revision ${result.revision}. Raw rounds: \`cache-${result.date}.json\`.

${renderGoals(result.goals)}

## A kept list of 30 records

${renderLists(result.sizes)}

${renderHits(result.hits)}

## A counted list of 100,000 rows

${renderCounted(result.counted)}

## The social workload
${renderSocial(result.social)}

## How it was measured

- Machine: ${renderMachine(machine)}. Load generator, servers and PocketBase share it.
- Versions: ${Object.entries(versions)
    .map(([name, version]) => `${name}: ${version}`)
    .join("; ")}.
- wrk, one thread, 32 kept-alive connections, ${result.seconds} s per run (half of that where it only informs), ${result.rounds} rounds, the
  order rotated and flipped from round to round. Figures are medians; _single rounds_ shows how far one round alone can be from them.
- _hapta_ is asked with a session, checked each time, _hapta guest_ without; limits are on, with room for one address. nginx
  (one worker) and Varnish (as packaged, in memory) are asked without, since they would not keep the answer otherwise.
- CPU per request: user and system time of the server's whole process tree, from /proc, over completed requests.
- Pages of a new list: 40 pages of a filter that nobody has used before, one after the other.
- The social workload is drawn from a fixed seed: 1,000 people and 100 posts, both by Zipf's law, 3 % writes, 16 clients. Every
  answer is held to counters of what was acknowledged before it was asked for; the cache starts empty, 6 s after Hapta.
- Staleness: from PocketBase's acknowledgement of a write made past Hapta to the asking of the last older answer; ${result.staleness.length} writes.
- Memory: resident size of a new Hapta before and after 4,000 lists of 14 KB, or 30,000 answers of 100 bytes (records that are
  not there), all under different keys, with \`Cache.MaxBytes\` of 64 MiB.
`;
};
