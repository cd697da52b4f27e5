// Devices that wait to be logged in from elsewhere (RFC 8628), and how far each of them is. Every step is one statement,
// so that of two who take the same step, in whichever process, one does.
import type { Database } from "bun:sqlite";
import type { Sealer } from "./database.ts";
import type { LoginResult } from "./flow.ts";
import { OAuthBusy, type RowLimits } from "./slips.ts";

/**
 * How far a device is: `pending`, `opened` (somebody sees the page), `confirmed` (and goes to the provider), then
 * `done` or `denied`.
 */
export type DeviceStatus = "pending" | "opened" | "confirmed" | "done" | "denied";

/** What a device says of itself, for the page that asks whether it is the right one. */
export interface DeviceInfo {
  readonly cid: string;
  /** Empty when whoever approves may choose. */
  readonly provider: string;
  /** What the device calls itself: anybody's text. */
  readonly label: string;
  readonly address: string;
  /** Such as `Dart on Linux`, from its User-Agent. */
  readonly kind: string;
  readonly startedMs: number;
}

/** The two codes of a device, and whose share it counts against, such as a network. */
export interface NewDevice {
  /** The secret it holds. */
  readonly device: string;
  /** The code it shows. */
  readonly user: string;
  readonly owner: string;
}

export interface Device {
  readonly id: string;
  readonly status: DeviceStatus;
  readonly info: DeviceInfo;
}

export interface DevicesOptions extends RowLimits {
  readonly sealer: Sealer;
  /** Unix time in ms. */
  readonly now: () => number;
}

/** How long a device waits. */
export const DEVICE_MS = 600_000;
/** How long a finished login waits for its device. */
const RESULT_MS = 60_000;

export class Devices {
  readonly #options: DevicesOptions;
  readonly #statements: ReturnType<typeof prepare>;

  constructor(db: Database, options: DevicesOptions) {
    this.#options = options;
    this.#statements = prepare(db);
  }

  /** Lets a device wait for ten minutes. @throws OAuthBusy */
  add({ device, user, owner }: NewDevice, info: DeviceInfo): void {
    const { now, rowsMax, rowsPerOwnerMax, sealer } = this.#options;
    const nowMs = now();
    const { owned = 0 } = this.#statements.countOwned.get(owner, nowMs) ?? {};
    if (owned >= rowsPerOwnerMax) throw new OAuthBusy();
    if ((this.#statements.count.get()?.rows ?? 0) >= rowsMax && this.sweep() === 0) throw new OAuthBusy();
    const [id, userId] = [this.#idOf(device), this.#userIdOf(user)];
    this.#statements.insert.run(id, userId, owner, nowMs + DEVICE_MS, sealer.seal(id, info));
  }

  /** The device that holds this secret. */
  byDeviceCode(code: string): Device | undefined {
    return this.#toDevice(this.#statements.byId.get(this.#idOf(code), this.#options.now()));
  }

  /** The device that shows this code, in the spelling of `readUserCode`. */
  byUserCode(code: string): Device | undefined {
    return this.#toDevice(this.#statements.byUserId.get(this.#userIdOf(code), this.#options.now()));
  }

  /** One step; false when the device is not where it would have to be, or gone. */
  move(id: string, from: readonly DeviceStatus[], to: DeviceStatus): boolean {
    const nowMs = this.#options.now();
    return from.some((status) => this.#statements.move.run(to, id, status, nowMs).changes === 1);
  }

  /** Leaves the result of a confirmed device for its holder to fetch within a minute. */
  finish(id: string, result: LoginResult): boolean {
    const nowMs = this.#options.now();
    const sealed = this.#options.sealer.seal(`result:${id}`, result);
    return this.#statements.finish.run(sealed, nowMs + RESULT_MS, id, nowMs).changes === 1;
  }

  /** Takes the result away, and the device with it; undefined when somebody else did. */
  takeResult(id: string): LoginResult | undefined {
    const row = this.#statements.take.get(id, this.#options.now());
    if (row === null) return undefined;
    return this.#options.sealer.open(`result:${id}`, row.result) as LoginResult | undefined;
  }

  /** Notes that the device asks. @returns ms since it asked before. */
  poll(id: string): number {
    const nowMs = this.#options.now();
    const before = this.#statements.polled.get(id)?.polled ?? 0;
    this.#statements.poll.run(nowMs, id);
    return nowMs - before;
  }

  sweep(): number {
    return this.#statements.sweep.run(this.#options.now()).changes;
  }

  #idOf(deviceCode: string): string {
    return this.#options.sealer.idOf(`device:${deviceCode}`);
  }

  #userIdOf(userCode: string): string {
    return this.#options.sealer.idOf(`user:${userCode}`);
  }

  #toDevice(row: Row | null): Device | undefined {
    if (row === null) return undefined;
    const info = this.#options.sealer.open(row.id, row.info) as DeviceInfo | undefined;
    return info === undefined ? undefined : { id: row.id, status: row.status, info };
  }
}

interface Row {
  readonly id: string;
  readonly status: DeviceStatus;
  readonly info: Uint8Array;
}

const prepare = (db: Database) => ({
  insert: db.prepare(
    "INSERT INTO devices (id, user_id, owner, exp, status, polled, info) VALUES (?, ?, ?, ?, 'pending', 0, ?)",
  ),
  byId: db.prepare<Row, [string, number]>("SELECT id, status, info FROM devices WHERE id = ? AND exp > ?"),
  byUserId: db.prepare<Row, [string, number]>(
    "SELECT id, status, info FROM devices WHERE user_id = ? AND exp > ?",
  ),
  move: db.prepare("UPDATE devices SET status = ? WHERE id = ? AND status = ? AND exp > ?"),
  finish: db.prepare(
    "UPDATE devices SET status = 'done', result = ?, exp = ? WHERE id = ? AND status = 'confirmed' AND exp > ?",
  ),
  take: db.prepare<{ result: Uint8Array }, [string, number]>(
    "DELETE FROM devices WHERE id = ? AND status = 'done' AND exp > ? RETURNING result",
  ),
  polled: db.prepare<{ polled: number }, [string]>("SELECT polled FROM devices WHERE id = ?"),
  poll: db.prepare("UPDATE devices SET polled = ? WHERE id = ?"),
  sweep: db.prepare("DELETE FROM devices WHERE exp <= ?"),
  count: db.prepare<{ rows: number }, []>("SELECT COUNT(*) AS rows FROM devices"),
  countOwned: db.prepare<{ owned: number }, [string, number]>(
    "SELECT COUNT(*) AS owned FROM devices WHERE owner = ? AND exp > ?",
  ),
});
