// The records of which the feed has told a while ago what they are like, so that at the next change it is known what they
// may have been before. Knows no connection and no answers.

/** A record's fields as JSON texts; a field that is not in it is not known. */
export type Image = ReadonlyMap<string, string>;

/** A change of one record. */
export interface RecordChange {
  readonly collectionId: string;
  readonly recordId: string;
  readonly action: "create" | "update" | "delete";
  /** All that the record may have been before, none when there was no record; undefined when nobody knows. */
  readonly before: readonly Image[] | undefined;
  /** The same of what it is now. */
  readonly after: readonly Image[] | undefined;
  /** An update of a record of which nothing was told lately, or missed: what it was is not known, but it is one thing. */
  readonly isAlone: boolean;
}

/** What the feed tells. */
interface Told {
  readonly collectionId: string;
  readonly recordId: string;
  readonly action: "create" | "update" | "delete";
  readonly record: Readonly<Record<string, unknown>>;
}

/** What a superuser sees of a collection's records. */
export interface RecordShape {
  readonly fields: ReadonlySet<string>;
  /** A date that PocketBase renews at each save; undefined when there is none. */
  readonly stampField: string | undefined;
}

/** How images are remembered. */
export interface ImagesOptions {
  readonly nowMs?: () => number;
  readonly charsMax?: number;
  readonly overlapMs?: number;
}

/** What images may take, in characters, those told longest ago going first. */
const CHARS_MAX = 16_000_000;
/**
 * PocketBase tells of an update what that update has made of the record it had loaded; another one in between shows in
 * the record, but not there. No update takes longer than this from loading to saving, and no event comes later.
 */
const OVERLAP_MS = 5_000;
/** A longer one is not remembered, only that it was told. */
const IMAGE_CHARS_MAX = 64_000;
/** Of one record within that time; of more, some are taken together that were told within so long. */
const IMAGES_MAX = 16;
const MERGED_MS = 1_000;

/** Of more, everything is in doubt. */
const DOUBTS_MAX = 10_000;

/** Something was told, but it does not say what the record is. */
const UNCLEAR: Image = new Map();

/** What a record was told to be at one moment, or within a short time: then only that in which all of it is alike. */
interface Seen {
  readonly image: Image;
  /** What it takes, in characters. */
  readonly chars: number;
  readonly fromMs: number;
  readonly toldMs: number;
}

/** Remembers images. What the feed tells may come late, twice and out of order. */
export class Images {
  readonly #charsMax: number;
  readonly #overlapMs: number;
  readonly #nowMs: () => number;
  readonly #byRecord = new Map<string, readonly Seen[]>();
  /** When the last change may have gone untold, or was told and is forgotten. */
  #blindMs: number;
  #chars = 0;
  /** What may have changed of which nothing was told yet, and since when. */
  readonly #doubtedMs = new Map<string, number>();

  constructor(options: ImagesOptions = {}) {
    this.#charsMax = options.charsMax ?? CHARS_MAX;
    this.#overlapMs = options.overlapMs ?? OVERLAP_MS;
    this.#nowMs = options.nowMs ?? performance.now.bind(performance);
    this.#blindMs = this.#nowMs();
  }

  /** What images take, in characters. */
  get chars(): number {
    return this.#chars;
  }

  /** Takes in what the feed tells. @returns undefined when exactly this was told already. */
  take({ record, ...told }: Told, { fields, stampField }: RecordShape): RecordChange | undefined {
    const key = keyOf(told);
    const seen = this.#byRecord.get(key) ?? [];
    const image = toImage(record, fields);
    if (image === undefined || image.size !== fields.size) {
      this.#remember(key, seen, UNCLEAR);
      return { ...told, before: undefined, after: undefined, isAlone: false };
    }
    const isStamped = stampField !== undefined && told.action !== "delete";
    if (isStamped && seen.some((one) => one.image.size === image.size && isPart(image, one.image)))
      return undefined;
    const change = this.#changeOf(told, image, seen);
    this.#remember(key, seen, told.action === "delete" ? undefined : image);
    return change;
  }

  /**
   * Takes in what somebody was told who may see a part of the record; the feed tells the same before or after.
   * @returns undefined when it was told already.
   */
  glimpse({ record, ...told }: Told, { fields, stampField }: RecordShape): RecordChange | undefined {
    const key = keyOf(told);
    const seen = this.#byRecord.get(key) ?? [];
    const part = toImage(record, fields);
    if (part === undefined) return { ...told, before: undefined, after: undefined, isAlone: false };
    const isStamped = stampField !== undefined && part.has(stampField) && told.action !== "delete";
    if (isStamped && seen.some((one) => isPart(part, one.image))) return undefined;
    const change = this.#changeOf(told, part, seen);
    if (told.action !== "delete") this.#remember(key, seen, part);
    return change;
  }

  /**
   * A record has changed, or any of a collection may have, and nothing was told of that yet: what they were before the next
   * change is not among what is known of them.
   */
  doubt(collectionId: string, recordId?: string): void {
    const key = recordId === undefined ? collectionId : keyOf({ collectionId, recordId });
    const nowMs = this.#nowMs();
    this.#doubtedMs.delete(key);
    this.#doubtedMs.set(key, nowMs);
    for (const [oldest, sinceMs] of this.#doubtedMs) {
      if (nowMs - sinceMs < this.#overlapMs && this.#doubtedMs.size <= DOUBTS_MAX) return;
      if (nowMs - sinceMs < this.#overlapMs) return this.clear();
      this.#doubtedMs.delete(oldest);
    }
  }

  /** Forgets everything: something may have happened of which nobody told. */
  clear(): void {
    this.#byRecord.clear();
    this.#doubtedMs.clear();
    this.#chars = 0;
    this.#blindMs = this.#nowMs();
  }

  #changeOf(told: Omit<Told, "record">, image: Image, seen: readonly Seen[]): RecordChange {
    const images = seen.map((one) => one.image);
    if (images.length > 0 && this.#isDoubted(told)) images.push(UNCLEAR);
    const isBlind = this.#isBlind();
    if (told.action === "create") return { ...told, before: [], after: [image], isAlone: false };
    if (told.action === "delete")
      return { ...told, before: isBlind ? undefined : [...images, image], after: [], isAlone: false };
    const isKnown = images.length > 0;
    return { ...told, before: isKnown ? images : undefined, after: [image], isAlone: !isKnown && !isBlind };
  }

  // What is told now may be of a record that was loaded before a change of which nothing is known.
  #isBlind(): boolean {
    return this.#nowMs() - this.#blindMs < this.#overlapMs;
  }

  // What was told may be late by no more than that.
  #isDoubted({ collectionId, recordId }: Pick<Told, "collectionId" | "recordId">): boolean {
    if (this.#doubtedMs.size === 0) return false;
    const since = (key: string): number => this.#doubtedMs.get(key) ?? -Infinity;
    const sinceMs = Math.max(since(collectionId), since(keyOf({ collectionId, recordId })));
    return this.#nowMs() - sinceMs < this.#overlapMs;
  }

  /** @param image - Undefined when the record is gone: of one that is made with its id, what was told lately still counts. */
  #remember(key: string, seen: readonly Seen[], image: Image | undefined): void {
    this.#forget(key);
    const toldMs = this.#nowMs();
    const missed = this.#isBlind() && seen.length === 0 ? [seenAt(UNCLEAR, this.#blindMs)] : [];
    const kept = [...missed, ...seen].filter((one) => toldMs - one.toldMs < this.#overlapMs);
    if (image !== undefined) kept.push(seenAt(image, toldMs));
    const next = kept.length > IMAGES_MAX ? shortened(kept) : kept;
    if (next.length === 0) return;
    this.#byRecord.set(key, next);
    this.#chars += costOf(key, next);
    for (const [oldest, forgotten] of this.#byRecord) {
      if (this.#chars <= this.#charsMax) return;
      this.#forget(oldest);
      this.#blindMs = Math.max(this.#blindMs, ...forgotten.map((one) => one.toldMs));
    }
  }

  #forget(key: string): void {
    const seen = this.#byRecord.get(key);
    if (seen === undefined) return;
    this.#byRecord.delete(key);
    this.#chars -= costOf(key, seen);
  }
}

const seenAt = (told: Image, toldMs: number): Seen => {
  const chars = charsOf(told);
  // A few of them would leave no room for others.
  const isLarge = chars > IMAGE_CHARS_MAX;
  return { image: isLarge ? UNCLEAR : told, chars: isLarge ? 0 : chars, fromMs: toldMs, toldMs };
};

// Takes two for one, if possible two that were told one soon after the other: what they differ in is soon known again.
const shortened = (seen: readonly Seen[]): readonly Seen[] => {
  const close = seen.findIndex(({ fromMs }, i) => (seen[i + 1]?.toldMs ?? Infinity) - fromMs <= MERGED_MS);
  const at = Math.max(close, 0);
  const [one, other] = [seen[at], seen[at + 1]];
  if (one === undefined || other === undefined) return seen;
  const image = new Map([...one.image].filter(([name, text]) => other.image.get(name) === text));
  return seen.toSpliced(at, 2, { ...seenAt(image, other.toldMs), fromMs: one.fromMs });
};

const costOf = (key: string, seen: readonly Seen[]): number => {
  let chars = key.length + 200;
  for (const one of seen) chars += one.chars;
  return chars;
};

const charsOf = (image: Image): number => {
  let chars = 0;
  for (const [name, text] of image) chars += name.length + text.length + 20;
  return chars;
};

const keyOf = ({ collectionId, recordId }: Pick<Told, "collectionId" | "recordId">): string =>
  `${collectionId}/${recordId}`;

/** What is not part of a record's own fields. */
const ABOUT: ReadonlySet<string> = new Set(["collectionId", "collectionName", "expand"]);

// A member that is no field, as a field that is missing where all are shown, is the work of code in PocketBase that shows
// records otherwise than they are: then nothing is certain.
const toImage = (
  record: Readonly<Record<string, unknown>>,
  fields: ReadonlySet<string>,
): Image | undefined => {
  const image = new Map<string, string>();
  for (const [name, value] of Object.entries(record)) {
    if (ABOUT.has(name)) continue;
    if (!fields.has(name)) return undefined;
    image.set(name, JSON.stringify(value));
  }
  return image;
};

/** Whether all that is known in one image stands in the other. */
const isPart = (part: Image, whole: Image): boolean => {
  for (const [name, text] of part) if (whole.get(name) !== text) return false;
  return true;
};
