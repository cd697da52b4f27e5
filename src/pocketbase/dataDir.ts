// Makes Hapta's data folder and holds it for one process. Knows nothing of what lies inside.
import { Database } from "bun:sqlite";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { BootError, codeOf, toBootError } from "./bootError.ts";

/** A held data folder. */
export type DataDirClaim = { release(): void };

/**
 * Makes the folder (mode 0700) when it is missing and claims it for this process.
 *
 * The claim is the operating system's lock on `hapta.lock`, taken through SQLite: it ends with the
 * process however that dies, so a stale lock cannot exist and process ids, which containers reuse,
 * decide nothing. `hapta.pid` only lets the refusal name the other process.
 *
 * @throws BootError when another Hapta holds it, or it cannot be made or written.
 */
export function claimDataDir(dataDir: string): DataDirClaim {
  const pidFile = join(dataDir, "hapta.pid");
  const database = openLock(dataDir);
  try {
    database.run("PRAGMA busy_timeout = 0");
    database.run("PRAGMA journal_mode = MEMORY");
    database.run("BEGIN EXCLUSIVE");
  } catch (error) {
    database.close();
    if (!codeOf(error).startsWith("SQLITE_BUSY")) throw lockProblem(dataDir, error);
    throw new BootError(
      `Another Hapta${describeHolder(pidFile)} is using ${dataDir}; stop it, or set HAPTA_DATA_DIR to another folder.`,
      { cause: error },
    );
  }
  try {
    writeFileSync(pidFile, `${process.pid}\n`, { mode: 0o600 });
  } catch (error) {
    database.close();
    throw toBootError(`Cannot write ${pidFile}`, error);
  }
  return { release: () => database.close() };
}

function openLock(dataDir: string): Database {
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw toBootError(
      `Cannot make the data folder ${dataDir}`,
      codeOf(error) === "EEXIST" ? { code: "ENOTDIR" } : error,
    );
  }
  try {
    return new Database(join(dataDir, "hapta.lock"), { create: true });
  } catch (error) {
    throw lockProblem(dataDir, error);
  }
}

function lockProblem(dataDir: string, error: unknown): BootError {
  const reason =
    codeOf(error) === "SQLITE_FULL" ? "the disk is full" : "check that this user may write there";
  return new BootError(`Cannot write to the data folder ${dataDir}: ${reason}.`, { cause: error });
}

function describeHolder(pidFile: string): string {
  try {
    const pid = readFileSync(pidFile, "utf8").trim();
    return /^\d{1,10}$/.test(pid) ? ` (process ${pid})` : "";
  } catch {
    // The number is a help only; the refusal stands without it.
    return "";
  }
}
