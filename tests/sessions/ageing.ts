// Makes sessions in a database older than they are, while nothing runs: the grace of their tokens is over then.
import { Database } from "bun:sqlite";
import { join } from "node:path";

/** Moves the moment at which each session's current token was first used `ageMs` into the past. */
export const ageSessions = (dataDir: string, ageMs: number): void => {
  using db = new Database(join(dataDir, "sessions.db"));
  const rows = db.query("SELECT id AS place, trail FROM sessions").all() as {
    place: string;
    trail: string;
  }[];
  for (const { place, trail } of rows) {
    const stored = JSON.parse(trail) as { h?: number[] };
    if (stored.h?.[1] !== undefined) stored.h[1] -= ageMs;
    db.run("UPDATE sessions SET trail = ?, confirmed_at = confirmed_at - ? WHERE id = ?", [
      JSON.stringify(stored),
      ageMs,
      place,
    ]);
  }
};
