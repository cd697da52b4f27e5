// The README's table of figures, each read from a page of benchmarks/results, so that none is older than its
// result. Measures nothing.
import { readFileSync } from "node:fs";
import { join } from "node:path";

const RESULTS = join(import.meta.dir, "../benchmarks/results");

/** The measured value of a row of a result page, by what the row says it is. */
type Figure = (what: string) => string;

interface Row {
  readonly what: string;
  /** The name of the bench, of its page and of its command. */
  readonly bench: string;
  readonly shows: (figure: Figure) => string;
}

const ROWS: readonly Row[] = [
  {
    what: "An app's list of 30 posts with authors, kept: requests per second against PocketBase's own",
    bench: "cache",
    shows: (figure) => figure("a hit against PocketBase: throughput"),
  },
  {
    what: "The same: CPU per request against nginx's `proxy_cache`, and against Varnish",
    bench: "cache",
    shows: (figure) =>
      `${figure("a hit against nginx proxy_cache: CPU per request")}, ${figure("a hit against Varnish: CPU per request")}`,
  },
  {
    what: "A counted list of 100,000 rows, kept: requests per second against PocketBase's own",
    bench: "cache",
    shows: (figure) => figure("a counted list of 100,000 rows: throughput against PocketBase warm"),
  },
  {
    what: "Writes per second while 10,000 clients listen",
    bench: "realtime",
    shows: (figure) =>
      `${figure("writes in PocketBase, 10,000 subscribers of hapta")}; PocketBase alone ${figure("writes in PocketBase, 10,000 subscribers of pocketbase")}`,
  },
  {
    what: "One change told to those 10,000: p99",
    bench: "realtime",
    shows: (figure) =>
      `${figure("one event to 10,000 subscribers, hapta: p99")}; PocketBase alone ${figure("one event to 10,000 subscribers, pocketbase: p99")}`,
  },
  {
    what: "A read that is not kept: time it adds, p50",
    bench: "relay",
    shows: (figure) =>
      `${figure("one record: added p50 at an equal rate")}; nginx ${figure("one record: added p50 at an equal rate, nginx beside it")}, Caddy ${figure("one record: added p50 at an equal rate, caddy beside it")}`,
  },
  {
    what: "CPU that a session adds to a request",
    bench: "sessions",
    shows: (figure) => figure("CPU that a token adds to a request, over HTTP"),
  },
  {
    what: "A million sessions: from start to the first answer",
    bench: "sessions",
    shows: (figure) => figure("1,000,000 sessions: from start to the first answer with a token"),
  },
  {
    what: "1 GB relayed, up and down: growth of peak memory",
    bench: "relay",
    shows: (figure) =>
      `${figure("1 GB upload over 10 Gbit/s: growth of peak memory")}, ${figure("1 GB download over 10 Gbit/s: growth of peak memory")}`,
  },
];

/** The first figure of a cell, without the range of the rounds: `2312 (2035 to 2899)/s, 381 us of CPU` is `2312/s`. */
const firstFigure = (cell: string): string => {
  const [plain = ""] = cell.replaceAll(/ \([^)]*\)/g, "").split(", ");
  return plain.replace(/^(\d\d+)\.\d+x$/, "$1x");
};

/** Lines of Markdown. @throws Error when a result page has no such row any more. */
export const measuredRows = (): readonly (readonly string[])[] =>
  ROWS.map(({ what, bench, shows }) => {
    const page = readFileSync(join(RESULTS, `${bench}.md`), "utf8");
    const figure: Figure = (name) => {
      const row = page.split("\n").find((line) => line.startsWith(`| ${name} | `));
      if (row === undefined) throw new Error(`benchmarks/results/${bench}.md has no row "${name}"`);
      return firstFigure(row.split(" | ")[1] ?? "");
    };
    return [what, shows(figure), `[${bench}](benchmarks/results/${bench}.md)`];
  });
