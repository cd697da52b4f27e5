// Looks, once the cache is open for the first time, what it will make of each collection, and whether PocketBase gives the
// same answer twice to the same question: what a hook draws or reads from a clock must not be kept. Answers nobody.
import type { SelfCheck } from "../cache/selfCheck.ts";
import { recordsOf } from "../cache/written.ts";
import type { Collection } from "../pocketbase/collection.ts";
import { createGuestRead } from "../pocketbase/guestRead.ts";
import type { Services } from "../services.ts";

/** How often it is looked whether the cache is open. */
const LOOK_MS = 1_000;
/** More collections than this are not looked at. */
const COLLECTIONS_MAX = 200;
const QUERY = "perPage=3&skipTotal=1";
const TRIES = 3;
/** A change may be on its way here: a difference counts when nothing has moved after this. */
const SETTLED_MS = 500;

/** What the cache makes of a guest's read. */
type Plans = (
  read: { readonly path: string; readonly query: string },
  cid: undefined,
) => Plan | { readonly kind: "none"; readonly reason: string };

interface Plan {
  readonly kind: "plan";
  readonly sharing: string;
  readonly collectionIds: readonly string[];
}

/** Begins when the cache opens; the outcome goes to the cache and, in one line, to the log. */
export const startSelfCheck = (services: Services, plans: Plans): void => {
  const { cacheGate, log } = services;
  const timer = setInterval(() => {
    if (cacheGate.closedBecause() !== undefined) return;
    clearInterval(timer);
    check(services, plans).catch((error: unknown) =>
      log("warn", "The cache could not check itself.", { error: String(error) }),
    );
  }, LOOK_MS);
  timer.unref();
};

const check = async (services: Services, plans: Plans): Promise<void> => {
  const { cache, collections, log } = services;
  const guestRead = createGuestRead(services.pool.origin, services.settings.upstream.guardSecret);
  const planned = collections
    .all()
    .filter(({ name }) => !name.startsWith("_"))
    .slice(0, COLLECTIONS_MAX)
    .map((collection) => ({
      collection,
      plan: plans({ path: pathOf(collection), query: QUERY }, undefined),
    }));
  const unsteady: string[] = [];
  for (const { collection, plan } of planned) {
    if (plan.kind === "none" || plan.sharing !== "public") continue;
    const ask = (): Promise<string | undefined> => guestRead(`${pathOf(collection)}?${QUERY}`);
    if (await isSteady(ask, () => cache.versions.lease(plan.collectionIds.map(recordsOf)))) continue;
    unsteady.push(collection.name);
    for (const id of plan.collectionIds) cache.unsteady.add(id);
    log(
      "warn",
      `PocketBase shows ${collection.name} differently each time: nothing of it is kept until the next start.`,
    );
  }
  const kept = planned.filter(({ plan }) => plan.kind === "plan").length;
  const shared = planned.filter(({ plan }) => plan.kind === "plan" && plan.sharing === "public").length;
  const result: SelfCheck = {
    atMs: Date.now(),
    shared,
    byCaller: kept - shared,
    notKept: planned.flatMap(({ collection, plan }) =>
      plan.kind === "none" ? [{ collection: collection.name, reason: plan.reason }] : [],
    ),
    unsteady,
    unknown: unknownOf(services),
  };
  cache.selfCheck = result;
  const { notKept, unknown } = result;
  log("info", "The cache has checked itself.", {
    ...{ shared, byCaller: result.byCaller, notKept: notKept.length },
    ...(unknown.length > 0 ? { unknownCollectionsInSettings: unknown } : {}),
  });
};

const pathOf = ({ name }: Collection): string => `/api/collections/${name}/records`;

/** Whether the same question has the same answer; also when PocketBase does not let guests ask, or keeps changing. */
const isSteady = async (
  ask: () => Promise<string | undefined>,
  toLease: () => { holds(): boolean },
): Promise<boolean> => {
  for (let i = 0; i < TRIES; i++) {
    const lease = toLease();
    const first = await ask();
    const second = await ask();
    if (first === second || first === undefined || second === undefined) return true;
    await Bun.sleep(SETTLED_MS);
    if (lease.holds()) return false;
  }
  return true;
};

const unknownOf = ({ collections, settings: { cache } }: Services): readonly string[] => {
  const named = [
    ...cache.collections.keys(),
    ...[...cache.writes.values()].flat(),
    ...[...cache.names.values()].map(({ collection }) => collection),
  ];
  return [...new Set(named)].filter((name) => collections.find(name) === undefined);
};
