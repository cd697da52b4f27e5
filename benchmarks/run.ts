// The command line of the benchmarks: picks one by name and hands it its options. Measures nothing itself.
import { parseArgs } from "node:util";
import { benchCache } from "./cache/bench.ts";
import { benchFiles } from "./files/bench.ts";
import { benchLimits } from "./limits/bench.ts";
import { benchRealtime } from "./realtime/bench.ts";
import { benchDecide } from "./realtime/decide.ts";
import { benchRelay } from "./relay/bench.ts";
import { benchSessions } from "./sessions/bench.ts";
import type { BenchOptions } from "./support/options.ts";
import { benchValidate } from "./validate/bench.ts";

const BENCHES: Readonly<Record<string, (options: BenchOptions) => Promise<void>>> = {
  cache: benchCache,
  decide: benchDecide,
  files: benchFiles,
  limits: benchLimits,
  realtime: benchRealtime,
  relay: benchRelay,
  sessions: benchSessions,
  validate: benchValidate,
};

const USAGE = `Usage: bun run bench <${Object.keys(BENCHES).join(" | ")}> [--rounds N] [--seconds N] [--no-save]

  --rounds N   rounds of every measurement, at least 5 for a result that counts (default 5)
  --seconds N  seconds of load per target and round (default 4)
  --no-save    print only; leave benchmarks/results as it is
`;

const positive = (text: string, name: string): number => {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= 1000) return value;
  console.error(`--${name} must be a whole number from 1 to 1000, not ${text}`);
  process.exit(2);
};

const { values, positionals } = parseArgs({
  args: process.argv.slice(2),
  allowPositionals: true,
  options: {
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "4" },
    "no-save": { type: "boolean", default: false },
  },
});
const bench = positionals.length === 1 ? BENCHES[positionals[0] ?? ""] : undefined;
if (bench === undefined) {
  process.stderr.write(USAGE);
  process.exit(2);
}
// An exit, unlike a signal's end, lets the servers that were started be stopped.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(130));
await bench({
  rounds: positive(values.rounds, "rounds"),
  seconds: positive(values.seconds, "seconds"),
  saves: !values["no-save"],
  command: ["bun run bench", ...process.argv.slice(2)].join(" "),
});
// Servers are stopped by now; whatever a stopped child left open must not keep the command alive.
process.exit();
