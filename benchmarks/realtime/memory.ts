// What one realtime client costs a gateway in resident memory: many of them on two gateways before one PocketBase.
import { readFileSync } from "node:fs";
import { type Hapta, startHapta } from "../../tests/support/hapta.ts";
import type { BenchUpstream } from "../support/upstream.ts";
import { type Crowd, type Fleet, startFleet } from "./fleet.ts";
import { TOPIC } from "./live.ts";
import { CONFIG, type Memory } from "./results.ts";

/** Clients of each kind, when the machine bears them. */
export const WANTED = { sse: 30_000, websocket: 15_000 } as const;
const GATEWAYS = 2;
/** Descriptors a gateway needs for everything else. */
const SPARE_DESCRIPTORS = 200;
const CLIENTS_PER_PROCESS = 14_000;
const ADDRESSES = 4;
const WARM_CLIENTS = 500;
const SETTLE_MS = 4_000;

/** The wanted clients, or the same mix of as many as the limit of descriptors lets two gateways have. */
const clientsOf = (descriptorsMax: number): Readonly<Record<Crowd["kind"], number>> => {
  const room = GATEWAYS * (descriptorsMax - SPARE_DESCRIPTORS);
  const share = Math.min(1, room / (WANTED.sse + WANTED.websocket));
  const even = (count: number): number => GATEWAYS * Math.floor((count * share) / GATEWAYS);
  return { sse: even(WANTED.sse), websocket: even(WANTED.websocket) };
};

/** The limit of open descriptors of this process, which its children have too. */
const descriptorsMax = (): number =>
  Number(/^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "latin1"))?.[1] ?? 1024);

/** Connects one kind after the other; all stay. */
export const measureMemory = async (upstream: BenchUpstream): Promise<Memory[]> => {
  await using first = await startHapta(upstream, { config: CONFIG });
  await using second = await startHapta(upstream, { config: CONFIG });
  const gateways = [first, second];
  // Once around, so that what is paid once is not counted.
  for (const kind of ["sse", "websocket"] as const)
    (await startFleet(crowdsOf(gateways, kind, WARM_CLIENTS)))[Symbol.dispose]();
  await Bun.sleep(SETTLE_MS);
  const wanted = clientsOf(descriptorsMax());
  const fleets: Fleet[] = [];
  const found: Memory[] = [];
  try {
    for (const kind of ["sse", "websocket"] as const) {
      const clients = wanted[kind];
      const rssBefore = rssOf(gateways);
      fleets.push(await startFleet(crowdsOf(gateways, kind, clients / GATEWAYS)));
      await Bun.sleep(SETTLE_MS);
      const rssAfter = rssOf(gateways);
      found.push({ kind, clients, rssBefore, rssAfter, bytesPerClient: (rssAfter - rssBefore) / clients });
    }
  } finally {
    for (const fleet of fleets) fleet[Symbol.dispose]();
  }
  return found;
};

const crowdsOf = (gateways: readonly Hapta[], kind: Crowd["kind"], each: number): Crowd[] =>
  gateways.flatMap(({ port }) => {
    const processes = Math.ceil(each / CLIENTS_PER_PROCESS);
    return Array.from({ length: processes }, (_, n) => ({
      kind,
      port,
      count: Math.floor(each / processes) + (n < each % processes ? 1 : 0),
      addresses: ADDRESSES,
      topic: TOPIC,
    }));
  });

const rssOf = (gateways: readonly Hapta[]): number =>
  gateways.reduce((sum, { child }) => {
    const status = readFileSync(`/proc/${child.pid}/status`, "latin1");
    return sum + Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) * 1024;
  }, 0);
