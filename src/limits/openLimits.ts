// The limits with what they remember over restarts: opened with the data folder, saved at the end and now and then.
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { momentMs } from "../utils/moment.ts";
import { Bans } from "./bans.ts";
import { Limits, type LimitsOptions } from "./limits.ts";
import { loadState, saveState } from "./stateFile.ts";

/** How often what must outlive a crash is saved. */
const SAVE_EVERY_MS = 300_000;

const STATE_FILE = "limits.state";
const BANS_FILE = "limits.bans.json";

export interface OpenOptions extends Pick<LimitsOptions, "config" | "keysMax" | "collectionOf"> {
  /** Absolute path of a folder that is there. */
  readonly dataDir: string;
  readonly warn: (message: string) => void;
}

/** Opened limits; `close` saves what they remember. */
export interface OpenedLimits {
  readonly limits: Limits;
  readonly close: () => void;
}

/** @throws Error when the file of bans is damaged: nobody gets in by that. */
export const openLimits = ({ dataDir, warn, ...rest }: OpenOptions): OpenedLimits => {
  const path = join(dataDir, STATE_FILE);
  const saved = loadState(path);
  const random = randomBytes(8);
  const wallMs = (): number => Date.now();
  const limits = new Limits({
    ...rest,
    hashKey: saved?.hashKey ?? [random.readUInt32LE(0), random.readUInt32LE(4)],
    nowMs: momentMs,
    wallMs,
    bans: new Bans({ path: join(dataDir, BANS_FILE), wallMs }),
  });
  if (saved !== undefined) limits.restore(saved);
  const save = (isFinal: boolean): void => {
    try {
      saveState(path, limits.state(isFinal));
    } catch (error) {
      warn(`What the limits remember could not be saved: ${String(error)}`);
    }
  };
  // A file that does not say it is the last is how the next start knows of a crash.
  save(false);
  const timer = setInterval(() => save(false), SAVE_EVERY_MS);
  timer.unref();
  return {
    limits,
    close: () => {
      clearInterval(timer);
      save(true);
    },
  };
};
