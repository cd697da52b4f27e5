// Watches commits of the session store: on a connection of which kind they happen. For connections opened afterwards.
import { Database, type Statement } from "bun:sqlite";
import { spyOn } from "bun:test";

/** `PRAGMA synchronous` of a connection that syncs each commit, and of one that leaves it to the kernel. */
export const FULL = 2;
export const NORMAL = 1;

export const syncLevelOf = (db: Database): unknown =>
  Object.values(db.query("PRAGMA synchronous").get() ?? {})[0];

/** Ends the watching. */
export type CommitWatch = Disposable;

/** Calls `onCommit` with the level of the connection after each commit of a prepared statement. */
export const watchCommits = (onCommit: (level: unknown) => void): CommitWatch => {
  const prepare = Database.prototype.prepare;
  const watched = function (this: Database, ...args: Parameters<typeof prepare>): Statement {
    const statement: Statement = prepare.apply(this, args);
    if (args[0] !== "COMMIT") return statement;
    const run = statement.run.bind(statement);
    statement.run = (...values) => {
      const result = run(...values);
      onCommit(syncLevelOf(this));
      return result;
    };
    return statement;
  };
  // The declaration's type parameters only say what the rows are like.
  const spy = spyOn(Database.prototype, "prepare").mockImplementation(watched as typeof prepare);
  return { [Symbol.dispose]: () => spy.mockRestore() };
};
