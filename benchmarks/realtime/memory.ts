// What one realtime client costs a gateway in resident memory: many of them on some gateways before one PocketBase.
import { readdirSync, readFileSync } from "node:fs";
import { type Hapta, startHapta } from "../../tests/support/hapta.ts";
import type { BenchUpstream } from "../support/upstream.ts";
import { type Crowd, startFleet } from "./fleet.ts";
import { TOPIC } from "./live.ts";
import { CONFIG, type Memory } from "./results.ts";

/** Clients of each kind, when the machine bears them. */
const WANTED = { sse: 30_000, websocket: 15_000 } as const;
/** Descriptors a gateway needs for everything else. */
const SPARE_DESCRIPTORS = 200;
const CLIENTS_PER_PROCESS = 14_000;
const ADDRESSES = 4;
const WARM_CLIENTS = 500;
/** Between two looks at the memory, and how many of them there are at least and at most until it is steady. */
const LOOK_MS = 2_000;
const [LOOKS_MIN, LOOKS_MAX] = [2, 6];
/** Steady is what changed by no more than this share from one look to the next. */
const STEADY = 0.005;

/** The wanted clients, or the same mix of as many as the limit of descriptors lets the gateways have. */
const clientsOf = (gateways: number): Readonly<Record<Crowd["kind"], number>> => {
  const room = gateways * (descriptorsMax() - SPARE_DESCRIPTORS);
  const share = Math.min(1, room / (WANTED.sse + WANTED.websocket));
  const even = (count: number): number => gateways * Math.floor((count * share) / gateways);
  return { sse: even(WANTED.sse), websocket: even(WANTED.websocket) };
};

/** The limit of open descriptors of this process, which its children have too. */
const descriptorsMax = (): number =>
  Number(/^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "latin1"))?.[1] ?? 1024);

/** Connects one kind after the other to so many gateways; all stay until both were looked at. */
export const measureMemory = async (upstream: BenchUpstream, count: number): Promise<Memory[]> => {
  await using stack = new AsyncDisposableStack();
  const gateways: Hapta[] = [];
  for (let n = 0; n < count; n++) gateways.push(stack.use(await startHapta(upstream, { config: CONFIG })));
  // Once around, so that what is paid once is not counted.
  for (const kind of ["sse", "websocket"] as const)
    await (await startFleet(crowdsOf(gateways, kind, WARM_CLIENTS)))[Symbol.asyncDispose]();
  const found: Memory[] = [];
  for (const kind of ["sse", "websocket"] as const) {
    const clients = clientsOf(count)[kind];
    const rssBefore = await settledRssOf(gateways);
    stack.use(await startFleet(crowdsOf(gateways, kind, clients / count)));
    const rssAfter = await settledRssOf(gateways);
    found.push({
      kind,
      clients,
      wanted: WANTED[kind],
      gateways: count,
      rssBefore,
      rssAfter,
      bytesPerClient: (rssAfter - rssBefore) / clients,
      descriptors: Math.max(...gateways.map(({ child }) => readdirSync(`/proc/${child.pid}/fd`).length)),
      descriptorsMax: descriptorsMax(),
    });
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

// What was needed only to connect clients is given back a little later, and not all at once.
const settledRssOf = async (gateways: readonly Hapta[]): Promise<number> => {
  let rss = rssOf(gateways);
  for (let looks = 1; looks <= LOOKS_MAX; looks++) {
    await Bun.sleep(LOOK_MS);
    const before = rss;
    rss = rssOf(gateways);
    if (looks >= LOOKS_MIN && Math.abs(rss - before) <= STEADY * before) break;
  }
  return rss;
};

const rssOf = (gateways: readonly Hapta[]): number =>
  gateways.reduce((sum, { child }) => {
    const status = readFileSync(`/proc/${child.pid}/status`, "latin1");
    return sum + Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) * 1024;
  }, 0);
