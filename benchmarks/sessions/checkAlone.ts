// The check of a warm session alone, in a loop of its own process, without HTTP around it.
import { createSessions } from "../../src/sessions/createSessions.ts";
import { createScratch } from "../../tests/support/scratch.ts";

const CHECKS = 500_000;

/** CPU time of one check in us. */
export const measureCheckAlone = async (): Promise<number> => {
  using scratch = createScratch("check");
  const sessions = createSessions({ dataDir: scratch.path, warn: () => undefined });
  const presenter = { userAgent: "bench/1.0", address: "127.0.0.1" };
  const upstream = { token: "t".repeat(230), expMs: Date.now() + 86_400_000 };
  const login = { cid: "pbc_members", uid: "member000000001", kind: "record", amr: "pwd" } as const;
  const opened = await sessions.open({ ...login, upstream, presenter, authTimeMs: Date.now() });
  if (opened.kind !== "opened") throw new Error("the session was not opened");
  const check = (): boolean => {
    const verdict = sessions.resolve(opened.token, presenter);
    return !(verdict instanceof Promise) && verdict.kind === "live";
  };
  const run = (): number => {
    const before = process.cpuUsage();
    let live = 0;
    for (let at = 0; at < CHECKS; at++) if (check()) live++;
    const { user, system } = process.cpuUsage(before);
    if (live !== CHECKS) throw new Error("a check failed");
    return (user + system) / CHECKS;
  };
  run();
  const us = run();
  sessions.close();
  return us;
};
