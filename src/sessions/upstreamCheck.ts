// Keeps sessions in step with PocketBase: asks at a bounded age whether a session's upstream token still counts,
// ends the session if not, and takes a newer token over. Being unable to ask never ends a session.
import { SUPERUSERS_ID } from "../pocketbase/routes.ts";
import { DueMarks } from "./dueMarks.ts";
import type { Ending } from "./ending.ts";
import type { Live, LiveSessions } from "./liveSessions.ts";
import { type Probe, type ProbeAnswer, type ProbeDepth, ProbeRunner } from "./probes.ts";
import { placeOf, type SessionContext } from "./sessionContext.ts";
import type { SubjectKey } from "./sessionTable.ts";
import { sweepDue } from "./sweepDue.ts";

export interface UpstreamCheckParts {
  readonly lives: LiveSessions;
  readonly ending: Ending;
  /** Absent: nothing is ever asked. */
  readonly probe: Probe | undefined;
  readonly concurrencyMax: number;
}

/** From this age a request starts a check beside it; from the next one it waits for it. */
const SOFT_AGE_MS = 240_000;
const HARD_AGE_MS = 300_000;
/** Checks start up to this much earlier, so that sessions opened together are not asked about together. */
const JITTER_MS = 60_000;
const ASK_AGAIN_MS = 10_000;

/** Upstream truth for sessions. */
export class UpstreamCheck {
  readonly #context: SessionContext;
  readonly #parts: UpstreamCheckParts;
  readonly #runner: ProbeRunner;
  readonly #due: DueMarks;

  constructor(context: SessionContext, parts: UpstreamCheckParts) {
    this.#context = context;
    this.#parts = parts;
    this.#runner = new ProbeRunner(parts.concurrencyMax);
    this.#due = new DueMarks(context);
  }

  // The upstream token that PocketBase has just accepted goes on meanwhile.
  readonly #warnUnstored = (error: unknown): void =>
    this.#context.warn(`A session check was not stored: ${String(error)}`);

  /** How long a verdict about the session may be remembered before its check is due, in ms. */
  quietMs(live: Live): number {
    if (this.#parts.probe === undefined) return Number.POSITIVE_INFINITY;
    const ageMs = this.#ageMs(live);
    const waitMs = live.probeAgainMs - this.#context.times.monotonic();
    return Math.max(SOFT_AGE_MS - jitterOf(live) - ageMs, waitMs, 0);
  }

  /** The check a request must wait for, resolving to whether the session lives; undefined when it need not. */
  dueCheck(live: Live): Promise<boolean> | undefined {
    if (this.#parts.probe === undefined || this.quietMs(live) > 0) return undefined;
    const check = this.check(live.row.id);
    if (this.#ageMs(live) >= HARD_AGE_MS) return check;
    // A store that cannot be written now is met again by the check that is waited for.
    check.catch(this.#warnUnstored);
    return undefined;
  }

  /**
   * Checks all sessions of a record now, as after a write to it: whether PocketBase still takes their tokens. Nothing that
   * an app's code may answer by another write is asked, or the two would go on for ever. A superuser of whom no session is
   * left takes along what was made in others' names. Resolves when the dead ones are ended on disk.
   */
  async checkRecord(subject: SubjectKey): Promise<void> {
    let offset = 0;
    for (;;) {
      const page = this.#context.store.read((sessions) => sessions.list(subject, offset));
      const isAlive = await Promise.all(
        page.map(({ id }) => this.#runner.runAfresh(id, () => this.#ask(id, "token"))),
      );
      // Ended ones have left the list, so the next page begins after those that are still there.
      offset += isAlive.filter(Boolean).length;
      if (page.length < PAGE) break;
    }
    if (offset > 0 || subject.cid !== SUPERUSERS_ID) return;
    // Nobody is left who could show that the superuser's password is still the one it was.
    await this.#parts.ending.revoke({ kind: "made", uid: subject.uid }, { reason: "superuser_changed" });
  }

  /** After a change of a collection; see {@link Sessions.checkCollection}. `swept`: how many were asked about. */
  async checkCollection(cid: string): Promise<{ readonly swept: Promise<number> }> {
    if (this.#parts.probe === undefined) return { swept: Promise.resolve(0) };
    await this.doubtCollection(cid);
    return { swept: sweepDue(this.#context, { cid, due: this.#due, check: (id) => this.check(id) }) };
  }

  /** After changes that nobody told; see {@link Sessions.doubtCollection}. */
  async doubtCollection(cid: string): Promise<void> {
    if (this.#parts.probe === undefined) return;
    const marking = this.#due.mark(cid);
    this.#parts.lives.dropWhere((row) => row.cid === cid);
    await marking;
  }

  /** Another process has marked a collection. */
  hearOfDue(cid: string): void {
    this.#due.reload();
    this.#parts.lives.dropWhere((row) => row.cid === cid);
  }

  /** Asks PocketBase about one session; false when it has ended. @throws StoreUnavailable */
  check(id: string): Promise<boolean> {
    return this.#runner.run(id, () => this.#ask(id, "login"));
  }

  /** Whether PocketBase says now that it takes a session's token; a session whose token it does not take ends. */
  confirm(id: string): Promise<boolean> {
    const { lives, probe } = this.#parts;
    // Answers to others' questions do not tell "alive" from "nobody knows".
    return this.#runner.runAfresh(`confirm ${id}`, async () => {
      const token = lives.upstreamToken(id);
      const answer = token === undefined ? undefined : await probe?.(token, "token");
      if (answer === undefined || answer.kind === "unknown") return false;
      return this.#take(id, answer, undefined);
    });
  }

  async #ask(id: string, depth: ProbeDepth): Promise<boolean> {
    const { probe, lives } = this.#parts;
    const token = lives.upstreamToken(id);
    if (token === undefined) return false;
    if (probe === undefined) return true;
    // What changes while PocketBase is asked may have missed the answer.
    const askedMs = this.#context.times.steady();
    let answer: ProbeAnswer;
    try {
      answer = await probe(token, depth);
    } catch {
      // Whatever kept it from asking says nothing about the session.
      answer = { kind: "unknown" };
    }
    return this.#take(id, answer, depth === "login" ? askedMs : undefined);
  }

  /** @param checkedMs - When the whole of it was asked for; undefined when only the token was. */
  async #take(id: string, answer: ProbeAnswer, checkedMs: number | undefined): Promise<boolean> {
    const { lives, ending } = this.#parts;
    switch (answer.kind) {
      case "dead":
        await ending.revoke({ kind: "login", id }, { reason: "upstream_rejected" });
        return false;
      case "unknown": {
        const found = lives.find(id);
        if (found.kind === "live" && checkedMs !== undefined)
          found.live.probeAgainMs = this.#context.times.monotonic() + ASK_AGAIN_MS;
        return found.kind === "live";
      }
      case "alive": {
        if (answer.upstream !== undefined && checkedMs !== undefined)
          await this.#replace(id, answer.upstream, checkedMs).catch(this.#warnUnstored);
        const found = lives.read(id);
        if (found.kind === "live" && checkedMs !== undefined) lives.noteChecked(found.live, checkedMs);
        return found.kind === "live";
      }
      default:
        return answer satisfies never;
    }
  }

  async #replace(
    id: string,
    upstream: { readonly token: string; readonly expMs: number },
    checkedMs: number,
  ): Promise<void> {
    const found = this.#parts.lives.find(id);
    if (found.kind !== "live") return;
    const upEnc = this.#context.vault.seal(placeOf(found.live.row, "up"), Buffer.from(upstream.token));
    const ttlMs = Math.max(0, upstream.expMs - this.#context.times.wall());
    const write = { upEnc, upExpMs: upstream.expMs, checkedMs, ttlMs };
    await this.#context.store.write((tx) => tx.sessions.writeUpstream(id, write));
    this.#parts.lives.forgetUpstream(id);
  }

  #ageMs({ row }: Live): number {
    if (this.#due.isDue(row)) return Number.POSITIVE_INFINITY;
    return Math.abs(this.#context.times.steady() - row.upCheckedMs);
  }
}

const PAGE = 1_000;

const jitterOf = ({ row }: Live): number =>
  ((row.id.charCodeAt(0) * 64 + row.id.charCodeAt(1)) % 1000) * (JITTER_MS / 1000);
