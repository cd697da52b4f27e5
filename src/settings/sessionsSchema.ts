// The keys of the config file about how long sessions last and how many a record may have (OWASP ASVS 5.0 V7). What they
// say together is judged in checks.ts.
import { z } from "zod";
import type { SessionLimits } from "../sessions/sessionContext.ts";
import { seconds, toMs, wholeNumber } from "./pieces.ts";

const DAY_S = 86_400;

/** `Security.Sessions`. */
export const sessions = z
  .strictObject({
    Idle: seconds({
      min: 60,
      max: 365 * DAY_S,
      fallback: 7 * DAY_S,
      sentence: "A session that nobody uses for this long ends.",
    }),
    Absolute: seconds({
      min: 60,
      max: 3650 * DAY_S,
      fallback: 30 * DAY_S,
      sentence: "A session ends this long after its login, however much it is used.",
    }),
    MaxPerUser: wholeNumber({
      min: 1,
      max: 1000,
      fallback: 20,
      sentence:
        "How many sessions a record may have; for another login the one used least recently makes room.",
    }),
    SuperuserIdle: seconds({
      min: 60,
      max: 30 * DAY_S,
      fallback: 1800,
      sentence: "The same as Idle for superusers.",
    }),
    SuperuserAbsolute: seconds({
      min: 60,
      max: 365 * DAY_S,
      fallback: DAY_S / 2,
      sentence: "The same as Absolute for superusers.",
    }),
  })
  .prefault({});

/** How long sessions last and how many a record may have; impersonation lasts as PocketBase says. */
export type SessionSettings = Readonly<Record<"record" | "superuser", SessionLimits>>;

/** Gives the settings their inner names. */
export const toSessions = (group: z.output<typeof sessions>): SessionSettings => {
  const { MaxPerUser: perRecordMax } = group;
  return {
    record: { idleMs: toMs(group.Idle), absoluteMs: toMs(group.Absolute), perRecordMax },
    superuser: { idleMs: toMs(group.SuperuserIdle), absoluteMs: toMs(group.SuperuserAbsolute), perRecordMax },
  };
};
