// The limits as the settings want them, and how they change while Hapta runs. Decides nothing about requests.
import type { Limits } from "../limits/limits.ts";
import { type OpenedLimits, openLimits } from "../limits/openLimits.ts";
import { SettingsError } from "../settings.ts";
import type { ServicesOptions } from "./servicesOptions.ts";

/** Opens them in the data folder, which must be there. @throws Error when the file of bans is damaged. */
export const createLimits = ({
  settings,
  following: { collections },
  log,
}: ServicesOptions): OpenedLimits => {
  const opened = openLimits({
    dataDir: settings.dataDir,
    config: settings.rateLimit,
    keysMax: settings.rateLimit.keysMax,
    collectionOf: (segment) => collections.find(segment),
    warn: (message) => log("warn", message),
  });
  collections.onChange(() => opened.limits.forgetCollections());
  return opened;
};

/**
 * Makes what reads the settings again and takes the limits over: nothing else can change while Hapta runs.
 * It returns what is wrong with them; then nothing changed.
 */
export const createReload =
  ({ rereadSettings, settings, log }: ServicesOptions, limits: Limits) =>
  async (): Promise<readonly string[]> => {
    try {
      const { rateLimit } = await rereadSettings();
      limits.reconfigure(rateLimit);
      log("info", "The limits of the config file were taken over.");
      if (rateLimit.keysMax !== settings.rateLimit.keysMax)
        log("warn", "ratelimit.MaxKeys counts from the next start on.");
      return [];
    } catch (error) {
      if (!(error instanceof SettingsError)) throw error;
      log("warn", "The limits stay as they are: the config file is not valid.", { problems: error.problems });
      return error.problems;
    }
  };
