// Which devices have logged in as whom within the last thirty days. Holds hashes only.
import { createHash } from "node:crypto";

const KEPT_MS = 30 * 86_400_000;
const DEVICES_MAX = 200_000;

export class KnownDevices {
  readonly #wallMs: () => number;
  // Hash -> when it is forgotten; oldest first.
  readonly #devices = new Map<string, number>();

  /** @param wallMs - Unix milliseconds. */
  constructor(wallMs: () => number) {
    this.#wallMs = wallMs;
  }

  get size(): number {
    return this.#devices.size;
  }

  has(identity: string, device: string): boolean {
    const untilMs = this.#devices.get(hash(identity, device));
    return untilMs !== undefined && untilMs > this.#wallMs();
  }

  /** Notes a login. The device that logged in longest ago makes room. */
  add(identity: string, device: string): void {
    const key = hash(identity, device);
    this.#devices.delete(key);
    const [oldest] = this.#devices.keys();
    if (this.#devices.size >= DEVICES_MAX && oldest !== undefined) this.#devices.delete(oldest);
    this.#devices.set(key, this.#wallMs() + KEPT_MS);
  }

  /** Everything that is still known, for saving. */
  entries(): [string, number][] {
    const nowMs = this.#wallMs();
    return [...this.#devices].filter(([, untilMs]) => untilMs > nowMs);
  }

  /** Takes saved entries back. */
  restore(entries: readonly (readonly [string, number])[]): void {
    for (const [key, untilMs] of entries.slice(-DEVICES_MAX))
      this.#devices.set(key, Math.min(untilMs, this.#wallMs() + KEPT_MS));
  }
}

const hash = (identity: string, device: string): string =>
  createHash("sha256").update(`${identity}\n${device}`).digest("base64url").slice(0, 22);
