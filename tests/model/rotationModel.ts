// Virtual clients against the rotation machine, in virtual time: honest tabs that lose answers, sleep and change
// networks, and thieves. A run is a pure function of its seed.
import type { DeviceKey } from "../../src/sessions/device.ts";
import {
  BALANCED_RULES,
  firstRotation,
  judgeRefresh,
  judgeUse,
  type Rotation,
  type RotationRules,
} from "../../src/sessions/rotation.ts";

/** What one run is like; times in seconds. */
export interface Scenario {
  readonly seed: number;
  readonly durationS: number;
  /** Tabs share one store (localStorage); instances keep the token in memory. */
  readonly clients: number;
  readonly isShared: boolean;
  readonly hasDid: boolean;
  /** Longest delay of an answer, and the share of answers delayed up to `lateS` instead. */
  readonly delayS: number;
  readonly lateShare: number;
  readonly lateS: number;
  readonly sleepS: number;
  /** Share of refreshes whose answer is lost. */
  readonly lossShare: number;
  readonly thief?: "otherDid" | "missingDid" | "otherPlatform" | "forged";
  readonly rules?: Partial<RotationRules>;
}

export interface Outcome {
  readonly rotations: number;
  readonly requests: number;
  /** Refreshes of honest clients that were answered 401. */
  readonly logouts: number;
  /** Ordinary requests of honest clients that were answered 401; a blip, not a logout. */
  readonly blips: number;
  /** Seconds from the theft to the revocation. */
  readonly caughtAfterS: number | undefined;
}

export const HONEST: Scenario = {
  seed: 1,
  durationS: 20_000,
  clients: 5,
  isShared: true,
  hasDid: true,
  delayS: 8,
  lateShare: 0,
  lateS: 300,
  sleepS: 9_000,
  lossShare: 0.06,
};

interface Token {
  readonly gen: number;
  readonly iatMs: number;
}

interface Box {
  token: Token;
}

interface Client {
  readonly device: () => DeviceKey;
  readonly box: Box;
  readonly isHonest: boolean;
}

/** Mulberry32: small, seeded, good enough for schedules. */
export const createRandom = (seed: number): (() => number) => {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
};

/** Plays one scenario to its end. */
export const play = (scenario: Scenario): Outcome => new World(scenario).run();

/** A heap of what happens when. */
class Agenda {
  readonly #heap: { readonly atMs: number; readonly order: number; readonly run: () => void }[] = [];
  #order = 0;
  nowMs = 0;

  after(ms: number, run: () => void): void {
    const heap = this.#heap;
    heap.push({ atMs: this.nowMs + ms, order: this.#order++, run });
    let at = heap.length - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#isBefore(at, parent)) break;
      this.#swap(at, parent);
      at = parent;
    }
  }

  runUntil(endMs: number): void {
    for (;;) {
      const [first] = this.#heap;
      if (first === undefined || first.atMs > endMs) return;
      const last = this.#heap.pop();
      if (last !== undefined && this.#heap.length > 0) this.#sink(last);
      this.nowMs = first.atMs;
      first.run();
    }
  }

  #sink(item: { readonly atMs: number; readonly order: number; readonly run: () => void }): void {
    this.#heap[0] = item;
    for (let at = 0; ; ) {
      const [left, right] = [2 * at + 1, 2 * at + 2];
      let least = at;
      if (left < this.#heap.length && this.#isBefore(left, least)) least = left;
      if (right < this.#heap.length && this.#isBefore(right, least)) least = right;
      if (least === at) return;
      this.#swap(at, least);
      at = least;
    }
  }

  #isBefore(one: number, other: number): boolean {
    const [left, right] = [this.#heap[one], this.#heap[other]];
    if (left === undefined || right === undefined) return false;
    return left.atMs < right.atMs || (left.atMs === right.atMs && left.order < right.order);
  }

  #swap(one: number, other: number): void {
    const [left, right] = [this.#heap[one], this.#heap[other]];
    if (left === undefined || right === undefined) return;
    this.#heap[one] = right;
    this.#heap[other] = left;
  }
}

const EPOCH_MS = Date.UTC(2026, 0, 15);

class World {
  readonly #scenario: Scenario;
  readonly #random: () => number;
  readonly #agenda = new Agenda();
  readonly #rules: RotationRules;
  #rotation: Rotation;
  #issuedMs = EPOCH_MS;
  #isRevoked = false;
  #isOver = false;
  #network = 0;
  #theftMs: number | undefined;
  #caughtMs: number | undefined;
  readonly #count = { rotations: 0, requests: 0, logouts: 0, blips: 0 };

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
    this.#random = createRandom(scenario.seed);
    this.#rules = { ...BALANCED_RULES, ...scenario.rules };
    this.#rotation = firstRotation(this.#honestDevice());
  }

  run(): Outcome {
    const { durationS, clients, isShared, thief } = this.#scenario;
    const first: Token = { gen: 1, iatMs: EPOCH_MS };
    const shared: Box = { token: first };
    const boxes: Box[] = [];
    for (let at = 0; at < clients; at++) {
      const box = isShared ? shared : { token: first };
      boxes.push(box);
      this.#live({ box, device: () => this.#honestDevice(), isHonest: true });
    }
    this.#roam();
    if (thief !== undefined) {
      this.#agenda.after(this.#seconds(500, 1_500), () => {
        this.#theftMs = this.#agenda.nowMs;
        const device = (): DeviceKey => this.#thiefDevice(thief);
        this.#live({ box: { token: boxes[0]?.token ?? first }, device, isHonest: false });
      });
    }
    this.#agenda.runUntil(durationS * 1000);
    const caught = this.#caughtMs === undefined ? undefined : this.#caughtMs - (this.#theftMs ?? 0);
    return { ...this.#count, caughtAfterS: caught === undefined ? undefined : caught / 1000 };
  }

  #honestDevice(): DeviceKey {
    const did = this.#scenario.hasDid ? "honest" : undefined;
    return { did, platform: "chrome/windows", network: `4:${this.#network}` };
  }

  #thiefDevice(thief: NonNullable<Scenario["thief"]>): DeviceKey {
    const did = thief === "otherDid" ? "thief" : undefined;
    const platform = thief === "otherPlatform" ? "curl/linux" : "chrome/windows";
    return { did, platform, network: "4:thief" };
  }

  #seconds(least: number, most: number): number {
    return (least + this.#random() * (most - least)) * 1000;
  }

  /** A new address every 10 to 40 minutes; near means the identical network. */
  #roam(): void {
    this.#agenda.after(this.#seconds(600, 2_400), () => {
      this.#network++;
      this.#roam();
    });
  }

  /** One client: requests every few seconds, a refresh every few minutes, now and then a long sleep. */
  #live(client: Client): void {
    const step = (): void => {
      if (this.#isOver) return;
      const dice = this.#random();
      if (dice < 0.12) this.#refresh(client, 0);
      else this.#request(client);
      // Several tabs wake at the same instant, as a page that is restored does.
      const isAsleep = client.isHonest && this.#random() < 0.01;
      const pauseMs = isAsleep ? this.#seconds(60, this.#scenario.sleepS) : this.#seconds(0.2, 60);
      this.#agenda.after(pauseMs, step);
    };
    this.#agenda.after(this.#seconds(0, 30), step);
  }

  #request(client: Client): void {
    const { token } = client.box;
    this.#count.requests++;
    // The request travels; what it carries was read when it left.
    this.#agenda.after(this.#travelMs() / 2, () => {
      if (!this.#use(client, token) && client.isHonest && !this.#isRevoked) this.#count.blips++;
    });
  }

  #refresh(client: Client, tries: number): void {
    const { token } = client.box;
    this.#agenda.after(this.#seconds(0.02, 1), () => {
      const minted = this.#mint(client, token);
      if (minted === undefined) {
        if (client.isHonest) this.#loggedOut();
        return;
      }
      const isLost = this.#random() < this.#scenario.lossShare;
      if (isLost) {
        // The browser tries again, at once or after the user has reloaded.
        if (tries < 3) this.#agenda.after(this.#seconds(0.1, 40), () => this.#refresh(client, tries + 1));
        return;
      }
      // The SDK saves whatever comes, also when the store holds a newer one by then.
      this.#agenda.after(this.#travelMs(), () => {
        client.box.token = minted;
      });
    });
  }

  #travelMs(): number {
    const { delayS, lateShare, lateS } = this.#scenario;
    if (this.#random() < lateShare) return this.#seconds(delayS, lateS);
    // Mostly quick, seldom close to the longest.
    return this.#random() ** 4 * delayS * 1000;
  }

  #use({ device }: Client, token: Token): boolean {
    if (this.#isRevoked) return false;
    const presented = { gen: token.gen, issuedAtMs: token.iatMs, device: device() };
    const verdict = judgeUse(this.#rotation, presented, { nowMs: this.#nowMs(), rules: this.#rules });
    if (verdict.kind === "revoke") this.#revoke();
    if (verdict.kind === "current" && verdict.next !== undefined) this.#rotation = verdict.next;
    return verdict.kind === "current" || verdict.kind === "predecessor" || verdict.kind === "grace";
  }

  #mint({ device }: Client, token: Token): Token | undefined {
    if (this.#isRevoked) return undefined;
    const presented = { gen: token.gen, issuedAtMs: token.iatMs, device: device() };
    const verdict = judgeRefresh(this.#rotation, presented, { nowMs: this.#nowMs(), rules: this.#rules });
    if (verdict.kind === "revoke" || verdict.kind === "ahead") {
      this.#revoke();
      return undefined;
    }
    if (verdict.next !== undefined) this.#rotation = verdict.next;
    if (verdict.kind === "advance") {
      this.#count.rotations++;
      this.#issuedMs = Math.floor(this.#nowMs() / 1000) * 1000;
    }
    return { gen: this.#rotation.gen, iatMs: this.#issuedMs };
  }

  #nowMs(): number {
    return EPOCH_MS + this.#agenda.nowMs;
  }

  #revoke(): void {
    if (this.#isRevoked) return;
    this.#isRevoked = true;
    this.#caughtMs = this.#agenda.nowMs;
    // Without a thief somebody honest has just been taken for one.
    if (this.#theftMs === undefined) this.#loggedOut();
  }

  /** The session has ended for the honest side: the run is over. */
  #loggedOut(): void {
    if (!this.#isOver && this.#theftMs === undefined) this.#count.logouts++;
    this.#isOver = true;
  }
}

/** Several runs of one scenario, with consecutive seeds. */
export const playMany = (scenario: Scenario, runs: number): Outcome[] =>
  Array.from({ length: runs }, (_, at) => play({ ...scenario, seed: scenario.seed + at }));

export const sum = (
  outcomes: readonly Outcome[],
  of: "rotations" | "logouts" | "requests" | "blips",
): number => outcomes.reduce((total, outcome) => total + outcome[of], 0);
