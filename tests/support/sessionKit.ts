// A session service for tests: its own folder, a clock that only moves when told.

import { createSessions } from "../../src/sessions/createSessions.ts";
import type { Presenter } from "../../src/sessions/device.ts";
import type { OpenRequest } from "../../src/sessions/opening.ts";
import type { Sessions } from "../../src/sessions/sessions.ts";
import type { SessionsOptions } from "../../src/sessions/sessionsOptions.ts";
import type { Clock } from "../../src/sessions/sources.ts";
import { createScratch } from "./scratch.ts";

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** A clock that stands still. `advance` passes time; `step` sets the wall clock only. */
export class FakeClock implements Clock {
  #wallMs = Date.UTC(2026, 0, 15, 12);
  #monotonicMs = 5_000;

  now(): number {
    return this.#wallMs;
  }

  monotonic(): number {
    return this.#monotonicMs;
  }

  advance(ms: number): void {
    this.#wallMs += ms;
    this.#monotonicMs += ms;
  }

  step(ms: number): void {
    this.#wallMs += ms;
  }
}

export const CHROME =
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36";
export const FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

/** A browser with a did cookie, on one address. */
export const LAPTOP: Presenter = { did: "laptopLaptopLaptop0000", userAgent: CHROME, address: "203.0.113.7" };
/** Another browser with another did. */
export const THIEF: Presenter = {
  did: "thiefThiefThiefThief00",
  userAgent: FIREFOX,
  address: "198.51.100.9",
};
/** A browser whose cookies do not reach Hapta. */
export const NO_DID: Presenter = { userAgent: CHROME, address: "203.0.113.7" };

export const UPSTREAM = "eyJhbGciOiJIUzI1NiJ9.canary-upstream-token-canary.c2lnbmF0dXJl";

export interface Kit extends Disposable {
  readonly sessions: Sessions;
  readonly clock: FakeClock;
  readonly dataDir: string;
  readonly warnings: string[];
  /** Logs in and returns the token. */
  login(request?: Partial<OpenRequest>): Promise<string>;
  /** Another process on the same folder. */
  other(options?: Partial<SessionsOptions>): Sessions;
  /** Closes and opens again, as after a restart. */
  restart(options?: Partial<SessionsOptions>): Sessions;
}

/** Starts a service in a folder of its own. */
export const startSessions = (options: Partial<SessionsOptions> = {}): Kit => {
  const scratch = createScratch("sessions");
  const clock = new FakeClock();
  const warnings: string[] = [];
  const all: Sessions[] = [];
  const open = (more: Partial<SessionsOptions> = {}): Sessions => {
    const started = createSessions({
      dataDir: scratch.path,
      clock,
      warn: (message) => warnings.push(message),
      ...options,
      ...more,
    });
    all.push(started);
    return started;
  };
  let sessions = open();
  return {
    get sessions() {
      return sessions;
    },
    clock,
    dataDir: scratch.path,
    warnings,
    login: async (request = {}) => {
      const opened = await sessions.open({
        cid: "pbc_users",
        uid: "user00000000001",
        kind: "record",
        upstream: { token: UPSTREAM, expMs: clock.now() + 5 * DAY },
        presenter: LAPTOP,
        authTimeMs: clock.now(),
        amr: "pwd",
        ...request,
      });
      if (opened.kind !== "opened") throw new Error("the login was refused");
      return opened.token;
    },
    other: open,
    restart: (more) => {
      sessions.close();
      sessions = open(more);
      return sessions;
    },
    [Symbol.dispose]() {
      for (const one of all) {
        try {
          one.close();
        } catch {
          // Closed by the test.
        }
      }
      scratch[Symbol.dispose]();
    },
  };
};

/** The payload of a token, read as the SDK reads it. */
export const payloadOf = (token: string): Record<string, unknown> =>
  JSON.parse(atob(token.split(".")[1] ?? "")) as Record<string, unknown>;

/** The token a refresh gives; throws when it is refused. */
export const refresh = async (kit: Kit, token: string, presenter: Presenter = LAPTOP): Promise<string> => {
  const outcome = await kit.sessions.refresh(token, presenter);
  if (!("token" in outcome)) throw new Error(`refused: ${JSON.stringify(outcome)}`);
  return outcome.token;
};

/** The kind of verdict a token gets. */
export const kindOf = async (kit: Kit, token: string, presenter: Presenter = LAPTOP): Promise<string> =>
  (await kit.sessions.resolve(token, presenter)).kind;

/** The public id of a token's session. */
export const idOf = async (kit: Kit, token: string): Promise<string> => {
  const verdict = await kit.sessions.resolve(token, LAPTOP);
  if (verdict.kind !== "live") throw new Error(verdict.kind);
  return verdict.session.id;
};
