// The hourly upkeep of the sessions: what has ended goes in time, and so do keys that are old. Knows no settings.
import type { Log } from "../insight/log.ts";
import type { Sessions } from "./sessions.ts";

const KEEP_EVERY_MS = 3_600_000;
const KEY_AGE_MAX_MS = 90 * 86_400_000;

/**
 * Starts it; the first time is an hour from now. Failures are logged.
 * @returns What stops it.
 */
export const keepHourly = (sessions: Sessions, log: Log): (() => void) => {
  const warn = (message: string) => (error: unknown) => log("warn", message, { error: String(error) });
  const keep = (): void => {
    // Sessions that have ended stay for a while as evidence.
    sessions.sweep().catch(warn("ended sessions could not be deleted"));
    sessions.keys.rotateIfOlder(KEY_AGE_MAX_MS).catch(warn("the signing key could not be replaced"));
  };
  const timer = setInterval(keep, KEEP_EVERY_MS);
  timer.unref();
  return () => clearInterval(timer);
};
