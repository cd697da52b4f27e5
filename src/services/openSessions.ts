// The sessions as the settings want them. Knows neither cache nor streams.
import type { MemberCalls } from "../pocketbase/memberCalls.ts";
import { createSessions } from "../sessions/createSessions.ts";
import type { Ended } from "../sessions/sessionContext.ts";
import type { Sessions } from "../sessions/sessions.ts";
import type { ServicesOptions } from "./servicesOptions.ts";

/**
 * Opens the store below the data folder, which must be there.
 *
 * @param onEnded - Told of each end of sessions, after it counts. @throws SessionStartError when it cannot be opened.
 */
export const openSessions = (
  options: ServicesOptions,
  { probe }: MemberCalls,
  onEnded: (ended: Ended) => void,
): Sessions => {
  const { dataDir, security } = options.settings;
  const sessions = createSessions({
    dataDir,
    rootKeyText: security.rootKey?.reveal(),
    graceMs: security.rotationGraceMs,
    limits: security.sessions,
    requiresKey: security.dpop === "required",
    probe,
    warn: (message) => options.log("warn", message),
    eventsMax: security.eventsMax,
    eventsKeptMs: security.eventsKeptMs,
    onEnded,
  });
  noteSecret(options, sessions);
  return sessions;
};

// Said once and not at every start: a config that draws a new secret each time is common, and harmless here.
const noteSecret = ({ settings, log }: ServicesOptions, { keys }: Sessions): void => {
  const { secret } = settings.security;
  if (secret === undefined) return;
  keys
    .noteSecret(secret.reveal())
    .then((note) => {
      if (note !== "changed") return;
      log(
        "warn",
        "Security.Secret is not the one of the last start; sessions do not depend on it and are kept",
      );
    })
    // The store says itself what is wrong with it; and a start that fails elsewhere has closed it.
    .catch(() => undefined);
};
