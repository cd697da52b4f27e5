// What a file of a type must begin with, as PocketBase's detection has it (gabriel-vasile/mimetype): enough to be certain
// that a file is not of a type, never that it is. Types that are not listed may be anything.

/** How much of a file PocketBase looks at. */
export const HEAD_BYTES = 3_072;

interface Mark {
  readonly text: string;
  /** Byte where it stands; undefined: anywhere in the head. */
  readonly at: number | undefined;
}

const begins = (text: string): Mark[] => [{ text, at: 0 }];
/** Every one of the family of MP4 names its brand behind this. */
const FTYP: readonly Mark[] = [{ text: "ftyp", at: 4 }];
const RIFF = (kind: string): Mark[] => [...begins("RIFF"), { text: kind, at: 8 }];

/** Latin1 texts: every mark of a type must be there. */
const MARKS: Readonly<Record<string, readonly Mark[]>> = {
  "image/png": begins("\x89PNG\r\n\x1a\n"),
  "image/jpeg": begins("\xff\xd8\xff"),
  "image/gif": begins("GIF8"),
  "image/webp": RIFF("WEBP"),
  "image/bmp": begins("BM"),
  "image/avif": FTYP,
  "image/heic": FTYP,
  "video/mp4": FTYP,
  "audio/mp4": FTYP,
  "video/webm": begins("\x1a\x45\xdf\xa3"),
  "audio/wav": RIFF("WAVE"),
  "application/pdf": [{ text: "%PDF", at: undefined }],
  "application/zip": begins("PK"),
  "application/gzip": begins("\x1f\x8b"),
};

const EXTENSIONS: Readonly<Record<string, string>> = {
  png: "image/png",
  jpg: "image/jpeg",
  jpeg: "image/jpeg",
  gif: "image/gif",
  webp: "image/webp",
  bmp: "image/bmp",
  avif: "image/avif",
  heic: "image/heic",
  mp4: "video/mp4",
  webm: "video/webm",
  wav: "audio/wav",
  pdf: "application/pdf",
  zip: "application/zip",
  gz: "application/gzip",
};

/**
 * Whether a file that begins so could be of a type.
 * @param head - Its first bytes, {@link HEAD_BYTES} at most; fewer when no more have come.
 */
export const couldBe = (type: string, head: Buffer): boolean =>
  MARKS[type]?.every(({ text, at }) => {
    if (at === undefined) return head.length < HEAD_BYTES || head.includes(text, 0, "latin1");
    const seen = head.toString("latin1", at, at + text.length);
    return text.startsWith(seen);
  }) ?? true;

/** The type that a name claims by its last extension; undefined for extensions nothing is known of. */
export const claimedByName = (name: string): string | undefined =>
  EXTENSIONS[/\.(\w{1,5})$/.exec(name)?.[1]?.toLowerCase() ?? ""];
