// The login shield: who guesses passwords or codes, or has mails sent, is slowed down; nobody is locked out. Decides by
// what failed; sees no password and no plain identity.
import type { Caller, Charge } from "./buckets.ts";
import { KnownDevices } from "./knownDevices.ts";
import type { Limiter } from "./limiter.ts";
import { ANY_REQUEST, type Dimension, type Rule } from "./rules.ts";
import { StormWatch } from "./stormWatch.ts";

/** One try to get in, or to have a mail sent. */
export interface LoginTry {
  /**
   * `guess`: a secret is presented, and may be wrong. `change`: so is an account's old password, by whom `devices` names
   * (a session, or an address). `mail`: every one costs a mail.
   */
  readonly kind: "guess" | "change" | "mail";
  /** Canonical client address. */
  readonly address: string;
  /** Hash of collection and identity; undefined when the request names none. */
  readonly identity: string | undefined;
  /** The one-time code's id, where a code is guessed. */
  readonly otpId?: string | undefined;
  /** What the device is recognised by, the surest first; never a proof. */
  readonly devices: readonly string[];
}

/** A try under way; give it back to {@link Shield.end}. */
export interface Attempt {
  readonly login: LoginTry;
  readonly caller: Caller;
  readonly charges: readonly Charge[];
  readonly isKnown: boolean;
  /** Monotonic: what came before, such as a slow body, was the client's own time. */
  readonly begunMs: number;
}

export type Begun =
  | { readonly ok: true; readonly attempt: Attempt }
  | { readonly ok: false; readonly rule: Rule; readonly waitMs: number };

/** `neither`: the secret was not judged, or was right and something else was in the way. */
export type Outcome = "succeeded" | "failed" | "neither";

export interface ShieldOptions {
  readonly limiter: Limiter;
  /** Monotonic milliseconds. */
  readonly nowMs: () => number;
  /** Unix milliseconds: devices are remembered over restarts. */
  readonly wallMs: () => number;
  /** Count, but let everything begin. */
  readonly isShadow?: () => boolean;
}

const MINUTE_MS = 60_000;

// So many at once, then one every `everyMs`: the longest anybody waits.
const rule = (burst: number, everyMs: number, by: readonly Dimension[]): Omit<Rule, "name"> => ({
  ...ANY_REQUEST,
  unitsMax: burst,
  windowMs: burst * everyMs,
  by,
  cost: 1,
});

// The identity counts as `user`, the device as `session`, the code's id as `app`.
const RULES = {
  /** One address at one identity. */
  pair: rule(5, MINUTE_MS, ["address", "user"]),
  /** Everybody unknown at one identity. */
  identity: rule(20, 30_000, ["user"]),
  /** One address at all identities; only what failed counts. */
  address: rule(30, 10_000, ["address"]),
  /** The owner's own device, whatever happens elsewhere. */
  device: rule(10, 10_000, ["user", "session"]),
  /** One session at one account: its owner's others must not have to wait for it. */
  change: rule(5, MINUTE_MS, ["user", "session"]),
  /** One code, whoever guesses. */
  code: rule(5, 10 * MINUTE_MS, ["app"]),
  /** Codes whose identity is not known here. */
  strayCode: rule(30, 1_000, ["global"]),
  /** All devices nobody knows, while a storm is on. */
  storm: rule(20, 500, ["global"]),
  mailIdentity: rule(5, MINUTE_MS, ["user"]),
  mailAddress: rule(20, 15_000, ["address"]),
} as const;

type RuleName = keyof typeof RULES;

export class Shield {
  readonly devices: KnownDevices;
  readonly #options: ShieldOptions;
  readonly #charges: ReadonlyMap<RuleName, Charge>;
  readonly #storm: StormWatch;

  constructor(options: ShieldOptions) {
    this.#options = options;
    this.devices = new KnownDevices(options.wallMs);
    this.#storm = new StormWatch(options.nowMs);
    const names = Object.keys(RULES) as RuleName[];
    this.#charges = new Map(
      names.map((name) => [
        name,
        {
          rule: options.limiter.compile({ ...RULES[name], name: `login:${name}` }),
          units: 1,
          routeClass: "",
          collection: "",
        },
      ]),
    );
  }

  /** Whether so much fails at present that devices nobody knows share one budget. */
  get isStorm(): boolean {
    return this.#storm.isOn;
  }

  /** What counts whatever an address does, whoever it tries to be; for people. */
  get chargesOfAddress(): Charge[] {
    return this.#chargesOf(["address", "mailAddress"]);
  }

  /** Lets a try begin, counted as failed until it ends otherwise, so that many at once are no way around. */
  begin(login: LoginTry): Begun {
    const { address, identity, devices, kind, otpId } = login;
    const known =
      identity === undefined ? undefined : devices.find((device) => this.devices.has(identity, device));
    const isKnown = known !== undefined;
    const session = kind === "change" ? devices[0] : known;
    const caller: Caller = { address, user: identity, session, app: otpId };
    const charges = this.#chargesOf(this.#namesFor(login, isKnown));
    const verdict = this.#options.limiter.decide(caller, charges, { isAuth: true, isBatch: false });
    if (!verdict.ok && this.#options.isShadow?.() !== true)
      return { ok: false, rule: verdict.rule, waitMs: verdict.waitMs };
    return { ok: true, attempt: { login, caller, charges, isKnown, begunMs: this.#options.nowMs() } };
  }

  /**
   * Says how a try ended. What did not fail is given back; a success makes the device known.
   * @param newDevice - What it will be recognised by from now on.
   */
  end({ login, caller, charges, isKnown }: Attempt, outcome: Outcome, newDevice?: string): void {
    if (login.kind === "mail") return;
    if (login.kind === "change") {
      // Among the failures of its address it counts afterwards: others there may change theirs at any time.
      if (outcome === "failed") this.#options.limiter.chargeLater(caller, this.#chargesOf(["address"]));
      else this.#options.limiter.refund(caller, charges);
      return;
    }
    if (!isKnown && outcome !== "neither") this.#storm.note(outcome === "failed");
    if (outcome === "failed") return;
    this.#options.limiter.refund(caller, charges);
    if (outcome !== "succeeded" || login.identity === undefined) return;
    for (const device of newDevice === undefined ? login.devices : [newDevice, ...login.devices])
      this.devices.add(login.identity, device);
  }

  #chargesOf(names: readonly RuleName[]): Charge[] {
    return names.flatMap((name) => this.#charges.get(name) ?? []);
  }

  #namesFor({ kind, identity, otpId }: LoginTry, isKnown: boolean): RuleName[] {
    if (kind === "change") return ["change"];
    if (isKnown) return otpId === undefined ? ["device"] : ["device", "code"];
    if (kind === "mail") return identity === undefined ? ["mailAddress"] : ["mailAddress", "mailIdentity"];
    const names: RuleName[] = ["address"];
    if (identity !== undefined) names.push("pair", "identity");
    if (otpId !== undefined) names.push("code");
    if (otpId !== undefined && identity === undefined) names.push("strayCode");
    if (this.#storm.isOn) names.push("storm");
    return names;
  }
}
