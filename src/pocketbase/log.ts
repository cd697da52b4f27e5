// The one shape in which this folder says what happens. It does not write anything itself.

/** How much a line matters; `debug` holds PocketBase's own output. */
export type LogLevel = "debug" | "info" | "warn" | "error";

/** Takes one line. `message` is a sentence without secrets; `fields` are plain values. Must not throw. */
export type Log = (level: LogLevel, message: string, fields?: Readonly<Record<string, unknown>>) => void;
