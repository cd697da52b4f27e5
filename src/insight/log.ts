// The log: JSON lines on stdout through pino, escaped and bounded, so that no client can forge a line.
import pino from "pino";

export type LogLevel = "debug" | "info" | "warn" | "error";

/** Writes one line. Fields are plain values; secrets are `Secret` values and print as ***. */
export type Log = (level: LogLevel, message: string, fields?: Readonly<Record<string, unknown>>) => void;

/** Lines below `level` cost one comparison. Writes are asynchronous; `flush` before the process ends. */
export const createLog = (level: LogLevel | "silent"): { readonly log: Log; readonly flush: () => void } => {
  const destination = pino.destination({ dest: 1, sync: false, minLength: 0 });
  const logger = pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, destination);
  return {
    log: (at, message, fields) => logger[at](fields ?? {}, message),
    flush: () => {
      try {
        destination.flushSync();
      } catch {
        // stdout is gone; there is nobody left to tell.
      }
    },
  };
};
