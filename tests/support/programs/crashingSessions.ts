// A process that ends itself with SIGKILL at a named point of a named call. Arguments: data folder, call, point,
// count, token. Prints what it was acknowledged before.

import { createSessions } from "../../../src/sessions/createSessions.ts";
import { publicIdOf } from "../../../src/sessions/sessionContext.ts";
import { LAPTOP, payloadOf, UPSTREAM } from "../sessionKit.ts";

const [dataDir = "", call = "", point = "", nth = "1", token = ""] = process.argv.slice(2);
let left = Number(nth);
const sessions = createSessions({
  dataDir,
  warn: () => undefined,
  atPoint: (at) => {
    if (at === point && --left === 0) process.kill(process.pid, "SIGKILL");
  },
});

const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

switch (call) {
  case "open": {
    const nowMs = Date.now();
    const upstream = { token: UPSTREAM, expMs: nowMs + 432_000_000 };
    const who = { cid: "pbc_users", uid: "user00000000001", kind: "record", presenter: LAPTOP } as const;
    const opened = await sessions.open({ ...who, upstream, authTimeMs: nowMs, amr: "pwd" });
    if (opened.kind === "opened") say(opened.token);
    break;
  }
  case "refresh": {
    const outcome = await sessions.refresh(token, LAPTOP);
    if ("token" in outcome) say(outcome.token);
    break;
  }
  case "revoke": {
    const id = publicIdOf(String(payloadOf(token)["sid"]));
    await sessions.revoke({ kind: "session", id }, { reason: "logout" });
    say("204");
    break;
  }
  default:
    throw new TypeError(`no such call: ${call}`);
}
