// Temporary folders and free ports for test instances. Nothing here is removed by hand: dispose does it.
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The project's root folder. */
export const PROJECT_DIR = join(import.meta.dir, "..", "..");

const leftovers = new Set<string>();
process.on("exit", () => {
  for (const path of leftovers) rmSync(path, { recursive: true, force: true });
});

/** A folder that disappears with its scope, or with the test run at the latest. */
export interface Scratch extends Disposable {
  readonly path: string;
}

/** Makes an empty temporary folder. */
export const createScratch = (label: string): Scratch => {
  const path = mkdtempSync(join(tmpdir(), `hapta-test-${label}-`));
  leftovers.add(path);
  return {
    path,
    [Symbol.dispose]() {
      rmSync(path, { recursive: true, force: true });
      leftovers.delete(path);
    },
  };
};

/** Asks the kernel for a loopback port that was free a moment ago. */
export const freePort = async (): Promise<number> => {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("the kernel gave no port");
  return address.port;
};
