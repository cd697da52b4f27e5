// One gigabyte each way for a client behind a link of its own speed, as one on another machine has it. Where client,
// relay and PocketBase share all CPUs without a link between them, the figures are about CPU time alone.
import { readlinkSync } from "node:fs";
import { parseArgs } from "node:util";
import { createQuietWait } from "../support/quiet.ts";
import { findTool, requireTools } from "../support/tools.ts";
import { startUpstream } from "../support/upstream.ts";
import { type BulkRun, measureBulk } from "./bulk.ts";
import { withTargets } from "./targets.ts";

/** Speed of the link, each way, in Gbit/s: what a good server's network card has. */
export const LINK_GBITS = 10;

const CLIENT = "127.0.0.9";
const QUIET_WAIT_MS = 60_000;

/**
 * Runs {@link measureBulk} in a network namespace of its own, whose loopback is shaped for one address: nothing
 * outside of it changes. @returns no run at all where namespaces or `tc` are missing.
 */
export const measureOverLink = async (rounds: number): Promise<readonly BulkRun[]> => {
  const [unshare, tc] = [findTool("unshare"), findTool("tc")];
  if (unshare === undefined || tc === undefined || !mayUnshare(unshare)) {
    console.error("No network namespaces or no tc here: measured without the link.");
    return [];
  }
  const child = Bun.spawn(
    [
      ...[...inNamespace(unshare), process.execPath, "run", import.meta.path],
      ...["--rounds", String(rounds), "--outside", networkNamespace()],
    ],
    { stdout: "pipe", stderr: "inherit" },
  );
  const output = await new Response(child.stdout).text();
  if ((await child.exited) !== 0) throw new Error("the transfers over the link failed");
  return JSON.parse(output);
};

/** Root over a fresh network namespace, not over the machine. */
const inNamespace = (unshare: string): readonly string[] => [unshare, "--map-root-user", "--net"];

const mayUnshare = (unshare: string): boolean =>
  Bun.spawnSync([...inNamespace(unshare), "true"], { stderr: "ignore" }).success;

/** Which network this process is in. */
const networkNamespace = (): string => readlinkSync("/proc/self/ns/net");

/** What the client sends and what it is sent each have the link's speed; the hops between the servers have none. */
const shapeLoopback = (): void => {
  const { ip, tc } = requireTools(["ip", "tc"]);
  const rate = `${LINK_GBITS}gbit`;
  const commands = [
    [ip, "link", "set", "lo", "up"],
    [tc, ..."qdisc add dev lo root handle 1: htb".split(" ")],
    ...["src", "dst"].flatMap((end, i) => [
      [tc, ...`class add dev lo parent 1: classid 1:${i + 1} htb quantum 200000 rate ${rate}`.split(" ")],
      [
        tc,
        ...`filter add dev lo parent 1: protocol ip u32 match ip ${end} ${CLIENT} flowid 1:${i + 1}`.split(
          " ",
        ),
      ],
    ]),
  ];
  for (const command of commands) {
    const { success, stderr } = Bun.spawnSync(command);
    if (!success) throw new Error(`${command.join(" ")}: ${stderr.toString().trim()}`);
  }
};

if (import.meta.main) {
  const { values } = parseArgs({ options: { rounds: { type: "string" }, outside: { type: "string" } } });
  if (values.outside === undefined || values.outside === networkNamespace())
    throw new Error("This would slow the machine's own loopback down: start it by `bun run bench relay`.");
  shapeLoopback();
  const { curl } = requireTools(["curl"]);
  await using upstream = await startUpstream();
  const waitForQuiet = createQuietWait(QUIET_WAIT_MS);
  const runs = await withTargets(["direct", "hapta"], upstream, (targets) =>
    measureBulk({ curl, from: CLIENT, targets, upstream, rounds: Number(values.rounds), waitForQuiet }),
  );
  process.stdout.write(JSON.stringify(runs));
}
