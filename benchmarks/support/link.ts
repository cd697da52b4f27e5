// A link of its own speed before a client, as one on another machine has it: in a network namespace, so that nothing outside
// of it changes. Where client, relay and PocketBase share all CPUs without a link, figures are about CPU time alone.
import { readlinkSync } from "node:fs";
import { parseArgs } from "node:util";
import { createQuietWait, type WaitForQuiet } from "./quiet.ts";
import { findTool, requireTools } from "./tools.ts";
import { type BenchUpstream, startUpstream } from "./upstream.ts";

/** Speed of the link, each way, in Gbit/s: what a good server's network card has. */
export const LINK_GBITS = 10;

/** The address behind the link. */
const LINKED_CLIENT = "127.0.0.9";

/**
 * Runs a program in a network namespace whose loopback is to be shaped, which is for it to do ({@link measureLinked}).
 *
 * @param program - Path of the module.
 * @returns The runs it has measured; none where namespaces or `tc` are missing. @throws Error when the program fails.
 */
export const runOverLink = async <T>(program: string, rounds: number): Promise<readonly T[]> => {
  const [unshare, tc] = [findTool("unshare"), findTool("tc")];
  if (unshare === undefined || tc === undefined || !mayUnshare(unshare)) {
    console.error("No network namespaces or no tc here: measured without the link.");
    return [];
  }
  const child = Bun.spawn(
    [
      ...[...inNamespace(unshare), process.execPath, "run", program],
      ...["--rounds", String(rounds), "--outside", networkNamespace()],
    ],
    { stdout: "pipe", stderr: "inherit" },
  );
  const output = await new Response(child.stdout).text();
  if ((await child.exited) !== 0) throw new Error("the transfers over the link failed");
  return JSON.parse(output) as readonly T[];
};

/** Root over a fresh network namespace, not over the machine. */
const inNamespace = (unshare: string): readonly string[] => [unshare, "--map-root-user", "--net"];

const mayUnshare = (unshare: string): boolean =>
  Bun.spawnSync([...inNamespace(unshare), "true"], { stderr: "ignore" }).success;

/** Which network this process is in. */
const networkNamespace = (): string => readlinkSync("/proc/self/ns/net");

/** What a measurement behind the link is made with. */
export interface LinkedParts {
  readonly curl: string;
  /** The address from which the link leads to the servers; the hops between those have none. */
  readonly from: string;
  readonly upstream: BenchUpstream;
  readonly rounds: number;
  readonly waitForQuiet: WaitForQuiet;
}

/**
 * For a program that {@link runOverLink} has started: measures, and writes the runs for it.
 *
 * @throws Error when it was started by hand: it would slow the machine down.
 */
export const measureLinked = async (
  quietWaitMs: number,
  measure: (parts: LinkedParts) => Promise<readonly unknown[]>,
): Promise<void> => {
  const rounds = shapeLink();
  const { curl } = requireTools(["curl"]);
  await using upstream = await startUpstream();
  const waitForQuiet = createQuietWait(quietWaitMs);
  const runs = await measure({ curl, from: LINKED_CLIENT, upstream, rounds, waitForQuiet });
  process.stdout.write(JSON.stringify(runs));
};

/** Gives what {@link LINKED_CLIENT} sends, and what it is sent, the link's speed each. @returns the rounds asked for. */
const shapeLink = (): number => {
  const { values } = parseArgs({ options: { rounds: { type: "string" }, outside: { type: "string" } } });
  if (values.outside === undefined || values.outside === networkNamespace())
    throw new Error("This would slow the machine's own loopback down: start it by `bun run bench`.");
  const { ip, tc } = requireTools(["ip", "tc"]);
  const rate = `${LINK_GBITS}gbit`;
  const commands = [
    [ip, "link", "set", "lo", "up"],
    [tc, ..."qdisc add dev lo root handle 1: htb".split(" ")],
    ...["src", "dst"].flatMap((end, i) => [
      [tc, ...`class add dev lo parent 1: classid 1:${i + 1} htb quantum 200000 rate ${rate}`.split(" ")],
      [tc, ...filterOf(`${end} ${LINKED_CLIENT}`, i + 1).split(" ")],
    ]),
  ];
  for (const command of commands) {
    const { success, stderr } = Bun.spawnSync(command);
    if (!success) throw new Error(`${command.join(" ")}: ${stderr.toString().trim()}`);
  }
  return Number(values.rounds);
};

const filterOf = (match: string, flow: number): string =>
  `filter add dev lo parent 1: protocol ip u32 match ip ${match} flowid 1:${flow}`;
