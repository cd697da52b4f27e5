// Temporary folders and free ports for test instances. Nothing here is removed by hand: dispose does it.
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The project's root folder. */
export const PROJECT_DIR = join(import.meta.dir, "..", "..");

const PREFIX = "hapta-test-";

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

// `bun test` runs no exit handlers, so each run clears away what runs that have ended left behind.
const sweep = (): void => {
  for (const name of readdirSync(tmpdir())) {
    const owner = new RegExp(`^${PREFIX}(\\d+)-`).exec(name)?.[1];
    if (owner !== undefined && !isAlive(Number(owner)))
      rmSync(join(tmpdir(), name), { recursive: true, force: true });
  }
};
let isSwept = false;

/** A folder that disappears with its scope, or when the next test run starts at the latest. */
export interface Scratch extends Disposable {
  readonly path: string;
}

/** Makes an empty temporary folder. */
export const createScratch = (label: string): Scratch => {
  if (!isSwept) sweep();
  isSwept = true;
  const path = mkdtempSync(join(tmpdir(), `${PREFIX}${process.pid}-${label}-`));
  return {
    path,
    [Symbol.dispose]() {
      rmSync(path, { recursive: true, force: true });
    },
  };
};

const given = new Set<number>();

/** Asks the kernel for a loopback port that was free a moment ago, and never gives the same one twice. */
export const freePort = async (): Promise<number> => {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("the kernel gave no port");
  // Whoever has it may be about to start there again.
  if (given.has(address.port)) return freePort();
  given.add(address.port);
  return address.port;
};
