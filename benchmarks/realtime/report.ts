// The page of `bun run bench realtime`: figures beside their goals. Measures nothing.
import { describeRevision } from "../support/machine.ts";
import type { BenchOptions } from "../support/options.ts";
import { median } from "../support/stats.ts";
import { WANTED } from "./memory.ts";
import { type Memory, type Results, type Spread, SUBSCRIBERS, type Writing } from "./results.ts";

const GOALS = { sse: 8_192, websocket: 3_072, spread: 0.5, writes: 0.8 } as const;

const count = (value: number): string => value.toLocaleString("en-US");

const CROWD = `${count(SUBSCRIBERS)} subscribers`;

/** Renders everything. */
export const render = ({ command }: BenchOptions, { memory, spreads, writings }: Results): string =>
  [
    "# Realtime",
    "",
    `Made by \`${command}\` on ${new Date().toISOString().slice(0, 10)}, revision ${describeRevision()}.`,
    "",
    "| what | measured | goal | verdict |",
    "| --- | --- | --- | --- |",
    ...memory.map(memoryRow),
    spreadRow("pocketbase", spreads),
    spreadRow("hapta", spreads),
    ratioRow(spreads),
    ...writingRows(writings),
    "",
    "## How it was measured",
    "",
    "Clients are raw sockets in processes of their own, guests on one topic, spread over loopback addresses. Memory is the",
    "resident size of two Hapta processes before one PocketBase, after 500 clients of each kind had come and gone; the limit",
    `of descriptors of a process decides how many of ${count(WANTED.sse)} SSE and ${count(WANTED.websocket)} WebSocket clients there are.`,
    "A delay runs from sending a write to the event in a client; p99 is over all clients of one event, and the median over the",
    "events. PocketBase and Hapta take turns, the order flipped in the second round. Writers are four, direct to PocketBase.",
    "All of it shares one machine: clients, PocketBase, Hapta and writers take CPU from each other.",
    "",
  ].join("\n");

const verdict = (isMet: boolean): string => (isMet ? "met" : "missed");

const memoryRow = ({ kind, clients, bytesPerClient }: Memory): string => {
  const kilobytes = (bytes: number): string => `${(bytes / 1024).toFixed(1)} KB`;
  const goal = GOALS[kind];
  const scope = clients < WANTED[kind] ? `; ${count(WANTED[kind])} wanted` : "";
  const name = kind === "sse" ? "SSE" : "WebSocket";
  return `| RSS per ${name} client (${count(clients)} on two processes${scope}) | ${kilobytes(bytesPerClient)} | at most ${kilobytes(goal)} | ${verdict(bytesPerClient <= goal)} |`;
};

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

const ratioRow = (spreads: readonly Spread[]): string => {
  const p99 = (target: Spread["target"]): number =>
    median(spreads.filter((one) => one.target === target).map(({ p99Ms }) => p99Ms));
  const ratio = p99("hapta") / p99("pocketbase");
  return `| of it, p99 of hapta against pocketbase | ${ratio.toFixed(2)}x | at most ${GOALS.spread}x | ${verdict(ratio <= GOALS.spread)} |`;
};

const writingRows = (writings: readonly Writing[]): string[] => {
  const of = (listeners: Writing["listeners"]): readonly Writing[] =>
    writings.filter((one) => one.listeners === listeners);
  const rate = (listeners: Writing["listeners"]): number =>
    median(of(listeners).map(({ writesPerSecond }) => writesPerSecond));
  const rows = (["nobody", "hapta", "pocketbase"] as const).map((listeners) => {
    const rates = range(
      of(listeners).map(({ writesPerSecond }) => writesPerSecond),
      0,
    );
    const us = median(of(listeners).map(({ pocketbaseUs }) => pocketbaseUs)).toFixed(0);
    const whom = listeners === "nobody" ? "nobody listening" : `${CROWD} of ${listeners}`;
    return `| writes in PocketBase, ${whom} | ${rates}/s, ${us} us of PocketBase's CPU each | | for information |`;
  });
  const ratio = rate("hapta") / rate("nobody");
  const direct = rate("pocketbase") / rate("nobody");
  return [
    ...rows,
    `| of it, with ${CROWD} of hapta against none | ${ratio.toFixed(2)}x | at least ${GOALS.writes}x | ${verdict(ratio >= GOALS.writes)} |`,
    `| of it, with ${CROWD} of pocketbase against none | ${direct.toFixed(2)}x | | for information |`,
  ];
};
