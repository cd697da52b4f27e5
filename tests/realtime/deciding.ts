// Hapta that decides by itself before a PocketBase with all kinds of rules, and callers who listen at both.
import { ADA, BEN, call, login, type Pair, ROOT } from "../sessions/support.ts";
import type { EventStream } from "../support/eventStream.ts";
import { eventually } from "../support/eventually.ts";
import { IDS } from "../support/fixture/records.ts";
import { type HaptaOptions, startHapta } from "../support/hapta.ts";
import { type PocketBase, startPocketBase } from "../support/pocketbase.ts";
import type { Listener } from "./histories.ts";
import { asRoot, createCollections, listen, RULES } from "./support.ts";

/** Nobody but a superuser gets a stream of PocketBase's. */
export const DECIDING = { Realtime: { Decide: true }, Upstream: { MaxStreams: 1 } };

export interface Deciding extends Pair {
  /** Hapta's tokens. */
  readonly own: { readonly ada: string; readonly ben: string };
  /** Makes a change that everybody hears of who listens to `rt_public/*`. */
  readonly mark: (text: string) => Promise<unknown>;
  /** Gives collections the rules of {@link RULES} again. */
  readonly restoreRules: (names: readonly string[]) => Promise<void>;
}

/** Starts both, and takes the only stream for a superuser, for whom nothing is decided. */
export const startDeciding = async (
  options: HaptaOptions & {
    /** One that runs already. */
    readonly pb?: PocketBase;
    /** What stands between the two. */
    readonly via?: { readonly url: string };
  } = {},
): Promise<Deciding> => {
  const pb = options.pb ?? (await startPocketBase());
  const hapta = await startHapta(options.via ?? pb, { config: DECIDING, ...options });
  const stop = async (): Promise<void> => {
    await hapta[Symbol.asyncDispose]();
    await pb[Symbol.asyncDispose]();
  };
  const pair: Pair = { pb, hapta, url: hapta.url, [Symbol.asyncDispose]: stop };
  const ask = asRoot(pair);
  if (!(await hasCollections(pair))) await createCollections(pair);
  await listen(pair.url, { token: await login(pair.url, ROOT), topics: ["rt_public/*"] });
  return {
    ...pair,
    own: { ada: await login(pair.url, ADA), ben: await login(pair.url, BEN) },
    mark: (text) => ask("POST", "/api/collections/rt_public/records", { title: text, owner: IDS.ada }),
    restoreRules: async (names) => {
      for (const name of names) {
        const rule = RULES[name] ?? null;
        await ask("PATCH", `/api/collections/${name}`, { listRule: rule, viewRule: rule });
      }
    },
  };
};

const hasCollections = async (pair: Pair): Promise<boolean> =>
  (await call(pair.pb.url, { path: "/api/collections/rt_public/records" })).status === 200;

/** For the change feed to come back on a busy machine. */
const LISTENING_MS = 20_000;

/** Rules that read a role, which are PocketBase's to decide for guests. */
const OF_ROLES = /^rt_(?:writer|verified)\b/;

/** Ada twice, on devices of her own, Ben, and a guest. */
export const startListeners = async (
  { pb, url, own }: Pick<Deciding, "pb" | "url" | "own">,
  topics: readonly string[],
): Promise<Listener[]> => {
  const { ada, ben } = pb.world.tokens;
  const callers = [
    ["ada", ada, own.ada],
    ["ada again", ada, await login(url, ADA)],
    ["ben", ben, own.ben],
    ["guest", undefined, undefined],
  ] as const;
  return Promise.all(
    callers.map(async ([name, direct, token]) => ({
      name,
      tokens: { direct, own: token },
      direct: await listen(pb.url, { token: direct, topics: decidedFor(direct, topics) }),
      // While the change feed has no stream, or does not follow a new collection yet, PocketBase would have to decide.
      own: await eventually(() => listen(url, { token, topics: decidedFor(token, topics) }), LISTENING_MS),
      excused: [],
    })),
  );
};

/** Of topics those that Hapta decides for whoever holds a token: a guest has none. */
export const decidedFor = (token: string | undefined, topics: readonly string[]): readonly string[] =>
  token === undefined ? topics.filter((topic) => !OF_ROLES.test(topic)) : topics;

export const close = (listeners: readonly Listener[]): void => {
  for (const { direct, own } of listeners) {
    direct[Symbol.dispose]();
    own[Symbol.dispose]();
  }
};

/** A stream as if it began now. */
export const fromNow = (stream: EventStream): EventStream => {
  const at = stream.text().length;
  return { ...stream, text: () => stream.text().slice(at), [Symbol.dispose]: () => stream[Symbol.dispose]() };
};

/** How often a stream said that something may be missing. */
export const gapsOf = (stream: EventStream): number =>
  (stream.text().match(/event:PB_CONNECT/g)?.length ?? 0) - 1;

/** Whether somebody was told of a gap since that was last asked about him, with success. */
export const createMayMiss = (listeners: readonly Listener[]): ((listener: Listener) => boolean) => {
  const seen = new Map(listeners.map((listener) => [listener, gapsOf(listener.own)]));
  return (listener) => {
    const gaps = gapsOf(listener.own);
    const isNews = gaps > (seen.get(listener) ?? 0);
    seen.set(listener, gaps);
    return isNews;
  };
};
