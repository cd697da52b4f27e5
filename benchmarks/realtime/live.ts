// The collections that are written while clients listen, and their writers. Measures rates, no delays.
import { SUPERUSER } from "../../tests/support/fixture/load.ts";
import { threadsCpuUs } from "../support/processTree.ts";
import { MARK, type Written } from "./results.ts";

/** What is measured is written here. */
const LIVE = "live";
/** What is written before anything is measured: nobody listens there any more then. */
export const WARM = "warm";

/** The topic of all records. */
export const TOPIC = `${LIVE}/*`;

/** Whose CPU time is read; Hapta's may be absent. */
interface Concerned {
  readonly url: string;
  readonly pid: number;
  readonly haptaPid: number | undefined;
}

export const PACE_PER_SECOND = 100;

const recordsOf = (collection: string): string => `/api/collections/${collection}/records`;
const WRITERS = 4;
const IDLE_LOOK_MS = 500;
const IDLE_LOOKS_MAX = 60;

const send = async (url: string, { token = "", body }: { token?: string; body: unknown }) => {
  const headers = { "Content-Type": "application/json", Authorization: token };
  const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
  const text = await response.text();
  if (!response.ok) throw new Error(`${url}: ${response.status} ${text}`);
  return JSON.parse(text) as { readonly token?: string };
};

/** Makes them: everybody may read and write. */
export const createLive = async (url: string): Promise<void> => {
  const login = { identity: SUPERUSER.email, password: SUPERUSER.password };
  const { token = "" } = await send(`${url}/api/collections/_superusers/auth-with-password`, { body: login });
  const fields = [
    { name: "title", type: "text" },
    { name: "body", type: "text" },
  ];
  for (const name of [LIVE, WARM]) {
    const body = { name, type: "base", listRule: "", viewRule: "", createRule: "", fields };
    await send(`${url}/api/collections`, { token, body });
  }
};

/** Writes one record whose title says when it was sent. */
export const tell = (url: string, collection = LIVE): Promise<unknown> => {
  const title = `${MARK}${(performance.timeOrigin + performance.now()).toFixed(2)}e`;
  return write(url, { title, collection });
};

/** Waits until a process is done with what it was left to do; for half a minute at most. */
export const settle = async (pid: number): Promise<void> => {
  for (let looks = 0; looks < IDLE_LOOKS_MAX; looks++) {
    const beforeUs = threadsCpuUs(pid);
    await Bun.sleep(IDLE_LOOK_MS);
    if (threadsCpuUs(pid) - beforeUs < IDLE_LOOK_MS * 100) return;
  }
};

const write = (url: string, { title = "plain", collection = LIVE } = {}): Promise<unknown> =>
  send(`${url}${recordsOf(collection)}`, { body: { title, body: "Some words of text. ".repeat(15) } });

/** Writes as fast as four writers can, for so long. @returns how many, and in how many seconds. */
export const hurry = async (
  url: string,
  ms: number,
  collection = LIVE,
): Promise<{ readonly writes: number; readonly seconds: number }> => {
  const startMs = performance.now();
  let writes = 0;
  const writer = async (): Promise<void> => {
    for (; performance.now() - startMs < ms; writes++) await write(url, { collection });
  };
  await Promise.all(Array.from({ length: WRITERS }, writer));
  return { writes, seconds: (performance.now() - startMs) / 1000 };
};

/**
 * Writes past everybody who listens: at a moderate pace for a third of `ms`, then for `ms` as fast as four writers can. Each
 * begins when PocketBase and Hapta are done with what was before.
 */
export const writeFor = async ({ url, pid, haptaPid }: Concerned, ms: number): Promise<Written> => {
  const haptaCpuUs = (): number => (haptaPid === undefined ? 0 : threadsCpuUs(haptaPid));
  const calm = (): Promise<unknown> => Promise.all([settle(pid), haptaPid === undefined || settle(haptaPid)]);
  await calm();
  const pacedMs = await writePaced(url, ms / 3);
  await calm();
  const [startUs, haptaStartUs] = [threadsCpuUs(pid), haptaCpuUs()];
  const { writes, seconds } = await hurry(url, ms);
  return {
    writesPerSecond: writes / seconds,
    pocketbaseUs: (threadsCpuUs(pid) - startUs) / writes,
    haptaUs: (haptaCpuUs() - haptaStartUs) / writes,
    pacedMs,
  };
};

const writePaced = async (url: string, ms: number): Promise<number[]> => {
  const startMs = performance.now();
  const tookMs: number[] = [];
  for (
    let dueMs = startMs;
    dueMs < startMs + ms;
    dueMs = Math.max(performance.now(), dueMs + 1000 / PACE_PER_SECOND)
  ) {
    await Bun.sleep(dueMs - performance.now());
    const fromMs = performance.now();
    await write(url);
    tookMs.push(performance.now() - fromMs);
  }
  return tookMs;
};
