// Notices when logins fail everywhere at once: guessing spread over so many addresses and identities that no single one
// of them stands out. Counts only.

/** After this long a failure counts half. */
const HALF_LIFE_MS = 60_000;
/** Fresh failures from which it is a storm, and below which it is over. */
const ON = 100;
const OFF = 40;
/** Failures for each success: an app's own users do not mistype this often. */
const RATIO = 4;

export class StormWatch {
  readonly #nowMs: () => number;
  #failed = 0;
  #succeeded = 0;
  #atMs: number;
  #isOn = false;

  /** @param nowMs - Monotonic milliseconds. */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
    this.#atMs = nowMs();
  }

  get isOn(): boolean {
    this.#fade();
    return this.#isOn;
  }

  /** Notes how a login from a device nobody knows ended. */
  note(isFailure: boolean): void {
    this.#fade();
    if (isFailure) this.#failed++;
    else this.#succeeded++;
    if (this.#failed >= ON && this.#failed >= RATIO * this.#succeeded) this.#isOn = true;
  }

  #fade(): void {
    const nowMs = this.#nowMs();
    const share = 2 ** (-Math.max(0, nowMs - this.#atMs) / HALF_LIFE_MS);
    this.#atMs = nowMs;
    this.#failed *= share;
    this.#succeeded *= share;
    if (this.#failed < OFF) this.#isOn = false;
  }
}
