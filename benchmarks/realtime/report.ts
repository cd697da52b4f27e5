// The page of `bun run bench realtime`: figures beside their goals. Measures nothing.
import { describeRevision } from "../support/machine.ts";
import type { BenchOptions } from "../support/options.ts";
import { median } from "../support/stats.ts";
import { PACE_PER_SECOND } from "./live.ts";
import {
  type Memory,
  type Results,
  type Spread,
  SUBSCRIBERS,
  type Writing,
  type Written,
} from "./results.ts";

const GOALS = { sse: 8_192, websocket: 3_072, spread: 0.5, writes: 0.8 } as const;

/** Of the seconds of load that a round has, those that writers take who write as fast as they can. */
export const WRITTEN_SHARE = 0.75;

const count = (value: number): string => value.toLocaleString("en-US");

const CROWD = `${count(SUBSCRIBERS)} subscribers`;

/** Renders everything. */
export const render = ({ command, seconds }: BenchOptions, { memory, spreads, writings }: Results): string =>
  [
    "# Realtime",
    "",
    `Made by \`${command}\` on ${new Date().toISOString().slice(0, 10)}, revision ${describeRevision()}.`,
    "",
    "| what | measured | goal | verdict |",
    "| --- | --- | --- | --- |",
    ...memory.map(memoryRow),
    ...descriptorRows(memory),
    spreadRow("pocketbase", spreads),
    spreadRow("hapta", spreads),
    spreadRow("bare", spreads),
    ratioRow("hapta", spreads),
    ratioRow("bare", spreads),
    ...writingRows(writings),
    "",
    "## How it was measured",
    "",
    "Clients are raw sockets in processes of their own, guests on one topic, spread over loopback addresses. Memory is the",
    "resident size of Hapta's processes before one PocketBase, after 500 clients of each kind had come and gone. A client takes",
    "one descriptor of the process that serves it, so the limit of a process decides how many clients there are.",
    "A delay runs from sending a write to the event in a client; p99 is over all clients of one event, and the median over the",
    "events. Targets take turns, in another order each round. Bare is no gateway: a loop over the sockets of the clients in a",
    "process of this runtime, which writes each of them the event; its writer asks it, not PocketBase. Writers are direct to",
    `PocketBase: first one that keeps to ${PACE_PER_SECOND} writes a second, then four that write as fast as they can for ${seconds * WRITTEN_SHARE} s, each when`,
    "PocketBase and Hapta have calmed down; with nobody listening",
    "(in Hapta's part a Hapta runs all the same), and with everybody, in turns before and after each other. A Hapta is measured",
    "when it has told 100 clients of a flood of 5 s, in another collection: one that is seconds old spends a quarter of its",
    `time on compiling, one that has told so much less than a tenth. Ratios are of such pairs, the median over ${roundsOf(spreads).length} rounds, with the smallest and the largest; those of p99`,
    "are of a round's medians.",
    "Hapta decides by itself what guests hear (`Realtime.Decide`), as it does before an embedded PocketBase without being told.",
    "All of it shares one machine: clients, PocketBase, Hapta and writers take CPU from each other. PocketBase's own CPU per",
    "write is what does not depend on that, but for caches.",
    "",
  ].join("\n");

const verdict = (isMet: boolean): string => (isMet ? "met" : "missed");

const memoryRow = ({ kind, clients, wanted, gateways, bytesPerClient }: Memory): string => {
  const kilobytes = (bytes: number): string => `${(bytes / 1024).toFixed(1)} KB`;
  const goal = GOALS[kind];
  const scope = clients < wanted ? `; ${count(wanted)} wanted` : "";
  const name = kind === "sse" ? "SSE" : "WebSocket";
  return `| RSS per ${name} client (${count(clients)} on ${gateways} processes${scope}) | ${kilobytes(bytesPerClient)} | at most ${kilobytes(goal)} | ${verdict(bytesPerClient <= goal)} |`;
};

// Clients of both kinds are there at the second look.
const descriptorRows = (memory: readonly Memory[]): string[] =>
  [...new Set(memory.map(({ gateways }) => gateways))].map((gateways) => {
    const own = memory.filter((one) => one.gateways === gateways);
    const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
    const [clients, wanted] = [sum(own.map((one) => one.clients)), sum(own.map((one) => one.wanted))];
    const [open, max] = [own.at(-1)?.descriptors ?? 0, own.at(-1)?.descriptorsMax ?? 0];
    return `| clients on ${gateways} processes at once | ${count(clients)}, ${count(open)} of ${count(max)} descriptors of a process in use | ${count(wanted)} | ${verdict(clients >= wanted)} |`;
  });

const range = (values: readonly number[], digits: number): string =>
  `${median(values).toFixed(digits)} (${Math.min(...values).toFixed(digits)} to ${Math.max(...values).toFixed(digits)})`;

const spreadRow = (target: Spread["target"], spreads: readonly Spread[]): string => {
  const own = spreads.filter((one) => one.target === target);
  const missed = own.filter(({ heard }) => heard < SUBSCRIBERS).length;
  const p99 = range(
    own.map(({ p99Ms }) => p99Ms),
    0,
  );
  const p50 = median(own.map(({ p50Ms }) => p50Ms)).toFixed(0);
  const note = missed === 0 ? "" : `; ${missed} of ${own.length} events did not reach everybody in 10 s`;
  return `| one event to ${CROWD}, ${target}: p99 | ${p99} ms, p50 ${p50} ms${note} | | for information |`;
};

const roundsOf = (spreads: readonly Spread[]): number[] => [...new Set(spreads.map(({ round }) => round))];

const ratioRow = (target: "hapta" | "bare", spreads: readonly Spread[]): string => {
  const p99 = (of: Spread["target"], round: number): number =>
    median(spreads.filter((one) => one.target === of && one.round === round).map(({ p99Ms }) => p99Ms));
  const ratios = roundsOf(spreads).map((round) => p99(target, round) / p99("pocketbase", round));
  const [goal, word] =
    target === "hapta"
      ? [`at most ${GOALS.spread}x`, verdict(median(ratios) <= GOALS.spread)]
      : ["", "for information"];
  return `| of it, p99 of ${target} against pocketbase | ${timesRange(ratios)} | ${goal} | ${word} |`;
};

/** A ratio, and its range over the rounds when there are several. */
const timesRange = (ratios: readonly number[]): string =>
  ratios.length === 1
    ? `${median(ratios).toFixed(2)}x`
    : `${median(ratios).toFixed(2)}x (${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)})`;

const writingRows = (writings: readonly Writing[]): string[] =>
  (["hapta", "pocketbase"] as const).flatMap((target) => {
    const own = writings.filter((one) => one.target === target);
    const ratios = (of: (written: Written) => number): number[] =>
      own.map(({ alone, beside }) => of(beside) / of(alone));
    const kept = ratios(({ writesPerSecond }) => writesPerSecond);
    const [goal, word] =
      target === "hapta"
        ? [`at least ${GOALS.writes}x`, verdict(median(kept) >= GOALS.writes)]
        : ["", "for information"];
    const cpu = ratios(({ pocketbaseUs }) => pocketbaseUs);
    return [
      `| writes in PocketBase, nobody listening, ${target} | ${writtenText(own.map(({ alone }) => alone))} | | for information |`,
      `| writes in PocketBase, ${CROWD} of ${target} | ${writtenText(own.map(({ beside }) => beside))} | | for information |`,
      `| of it, with ${CROWD} of ${target} against none | ${timesRange(kept)} | ${goal} | ${word} |`,
      `| of it, PocketBase's CPU per write against none | ${timesRange(cpu)} | | for information |`,
    ];
  });

const writtenText = (all: readonly Written[]): string => {
  const perSecond = range(
    all.map(({ writesPerSecond }) => writesPerSecond),
    0,
  );
  const us = (of: (written: Written) => number): string => median(all.map(of)).toFixed(0);
  const paced = all.flatMap(({ pacedMs }) => pacedMs).toSorted((one, two) => one - two);
  const p99 = paced[Math.min(paced.length - 1, Math.floor(paced.length * 0.99))] ?? 0;
  const pace = `at ${PACE_PER_SECOND}/s a write takes ${median(paced).toFixed(1)} ms (p99 ${p99.toFixed(1)})`;
  const cpu = `${us(({ pocketbaseUs }) => pocketbaseUs)} us of PocketBase's CPU and ${us(({ haptaUs }) => haptaUs)} of Hapta's each`;
  return `${perSecond}/s, ${cpu}; ${pace}`;
};
