// Builds the session service, once per process, from plain options; several processes may share one data folder.
import { join } from "node:path";
import { loadRootKey } from "./rootKey.ts";
import { readMarks } from "./schema.ts";
import { createRules, KeyHolder, SESSION_LIMITS } from "./sessionContext.ts";
import { Sessions } from "./sessions.ts";
import type { SessionsOptions } from "./sessionsOptions.ts";
import { createTimes, systemClock, systemRandom } from "./sources.ts";
import { openStore } from "./store.ts";
import { createVault } from "./vault.ts";

const DAY_MS = 86_400_000;

/**
 * Starts the service.
 *
 * @throws SessionStartError when the root key is missing, wrong or malformed, or the database cannot be opened; an
 * existing database is unchanged then.
 */
export const createSessions = (options: SessionsOptions): Sessions => {
  const { dataDir, rootKeyText, clock = systemClock, random = systemRandom, warn, node = 0 } = options;
  const path = join(dataDir, "sessions.db");
  const mayCreate = readMarks(path) === undefined;
  const root = loadRootKey({ text: rootKeyText, dataDir, mayCreate, random, warn });
  const times = createTimes(clock);
  const { commitPauseMaxMs = 4, busyTimeoutMs = 2_000, atPoint } = options;
  const { eventsMax = 1_000_000, eventsKeptMs = 90 * DAY_MS } = options;
  const store = openStore({
    ...{ path, root, node, times, random, warn, atPoint },
    ...{ commitPauseMaxMs, busyTimeoutMs, eventsMax, eventsKeptMs },
  });
  const keys = new KeyHolder(root, { store, times });
  const limits = { ...SESSION_LIMITS, ...options.limits };
  const vault = createVault(keys.ring, random);
  const rulesOf = createRules(options.graceMs ?? 60_000);
  const { requiresKey = false } = options;
  return new Sessions(
    { store, root, vault, keys, times, random, node, limits, rulesOf, requiresKey, warn, atPoint },
    options,
  );
};
