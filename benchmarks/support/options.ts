// What every benchmark can be told on the command line.

export interface BenchOptions {
  /** Rounds of every measurement; each round visits every target once. */
  readonly rounds: number;
  /** Seconds of load per target and round. */
  readonly seconds: number;
  /** Whether results are written to `benchmarks/results`. */
  readonly saves: boolean;
  /** The command line that was given, for the result's page. */
  readonly command: string;
}
