// Judges the files of a form by the fields they are for, while they flow: how many, how large, of what type. Says what is
// wrong as soon as it is certain; whether that may be told to who asks is not known here.
import { Refusal } from "../errors.ts";
import {
  type Collection,
  type CollectionField,
  fileBytesMax,
  isMultiple,
  listOption,
  numberOption,
} from "../pocketbase/collection.ts";
import { claimedByName, couldBe, HEAD_BYTES } from "./fileTypes.ts";
import { PictureSize } from "./pictureSize.ts";

/** What is wrong with a form. */
export interface Objection {
  /**
   * - `limit`: PocketBase refuses the form for it, in the same words.
   * - `policy`: PocketBase would take it; the settings do not.
   */
  readonly kind: "limit" | "policy";
  /** Without modifiers. */
  readonly field: string;
  /** As it stands in `data` of an answer of PocketBase's. */
  readonly error: {
    readonly code: string;
    readonly message: string;
    readonly params?: Readonly<Record<string, unknown>>;
  };
}

/** A part of a form as its head announces it. */
export interface JudgedPart {
  readonly name: string;
  readonly filename?: string;
  readonly contentType?: string;
}

/** The refusal of a file that only the settings do not take. */
export const policyRefusal = ({ field, error }: Objection): Refusal =>
  new Refusal("file_refused", { data: { [field]: error } });

export interface JudgeOptions {
  /** Whether the fields' own limits are judged. */
  readonly judgesLimits: boolean;
  /** Content, extension and declared type of a file must not contradict each other. */
  readonly isStrict: boolean;
  /** A picture may have as many; 0: any number. */
  readonly pixelsMax: number;
  /** Superusers may fill hidden fields; for everybody else PocketBase drops them unseen. */
  readonly isSuperuser: boolean;
}

interface FileInHand {
  readonly field: CollectionField;
  readonly name: string;
  readonly judgesLimits: boolean;
  /** It must look like all of these. */
  readonly claims: readonly string[];
  /** It must look like one of these; empty: anything. */
  readonly allowed: readonly string[];
  readonly picture: PictureSize | undefined;
  head: Buffer;
  bytes: number;
}

export class FormJudge {
  readonly #fields = new Map<string, CollectionField>();
  readonly #counts = new Map<CollectionField, number>();
  readonly #options: JudgeOptions;
  #file: FileInHand | undefined;

  constructor({ fields }: Collection, options: JudgeOptions) {
    this.#options = options;
    for (const field of fields) {
      if (field.type !== "file" || (field.isHidden && !options.isSuperuser)) continue;
      for (const name of [field.name, `${field.name}+`, `+${field.name}`]) this.#fields.set(name, field);
    }
  }

  /** A part begins. */
  part({ name, filename, contentType }: JudgedPart): Objection | undefined {
    this.#file = undefined;
    const field = this.#fields.get(name);
    if (field === undefined || filename === undefined || filename === "") return undefined;
    const { isStrict, pixelsMax } = this.#options;
    // A single field keeps the last of its files: when it has one, what is put before that is dropped unseen.
    const judgesLimits = this.#options.judgesLimits && (isMultiple(field) || !name.startsWith("+"));
    const claimed = [claimedByName(filename), contentType?.split(";", 1)[0]?.trim().toLowerCase()];
    this.#file = {
      field,
      name: filename,
      judgesLimits,
      claims: isStrict ? claimed.filter((type) => type !== undefined) : [],
      allowed: judgesLimits ? listOption(field, "mimeTypes") : [],
      picture: pixelsMax > 0 ? new PictureSize() : undefined,
      head: Buffer.alloc(0),
      bytes: 0,
    };
    return judgesLimits ? this.#count(field) : undefined;
  }

  /** Bytes of the part come. */
  data(chunk: Uint8Array): Objection | undefined {
    const file = this.#file;
    if (file === undefined) return undefined;
    file.bytes += chunk.length;
    const hasNewHead = file.head.length < HEAD_BYTES;
    if (hasNewHead) file.head = Buffer.concat([file.head, chunk.subarray(0, HEAD_BYTES - file.head.length)]);
    file.picture?.push(chunk);
    // The settings first: they count even where PocketBase takes the file all the same.
    const byPolicy = (hasNewHead ? this.#claims(file) : undefined) ?? this.#pixels(file);
    return byPolicy ?? this.#size(file) ?? (hasNewHead ? this.#type(file) : undefined);
  }

  // A single field keeps the last of several files.
  #count(field: CollectionField): Objection | undefined {
    const count = (this.#counts.get(field) ?? 0) + 1;
    this.#counts.set(field, count);
    const maxSelect = numberOption(field, "maxSelect") ?? 1;
    if (!isMultiple(field) || count <= maxSelect) return undefined;
    return limit(field, {
      code: "validation_too_many_files",
      message: `The maximum allowed files is ${maxSelect}.`,
      params: { maxSelect },
    });
  }

  #size({ field, name, bytes, judgesLimits }: FileInHand): Objection | undefined {
    const maxSize = fileBytesMax(field);
    if (!judgesLimits || bytes <= maxSize) return undefined;
    return limit(field, {
      code: "validation_file_size_limit",
      message: `Failed to upload ${name} - the maximum allowed file size is ${maxSize} bytes.`,
      params: { file: name, maxSize },
    });
  }

  #type({ allowed, field, head, name }: FileInHand): Objection | undefined {
    if (allowed.length === 0 || allowed.some((type) => couldBe(type, head))) return undefined;
    return limit(field, {
      code: "validation_invalid_mime_type",
      message: `"${drawName(name)}" mime type must be one of: ${allowed.join(", ")}.`,
    });
  }

  #claims({ claims, field, head, name }: FileInHand): Objection | undefined {
    if (claims.every((type) => couldBe(type, head))) return undefined;
    return policy(field, "validation_invalid_mime_type", `"${name}" is not what its name or type says.`);
  }

  #pixels({ field, name, picture }: FileInHand): Objection | undefined {
    const { pixelsMax } = this.#options;
    if (picture?.pixels === undefined || picture.pixels <= pixelsMax) return undefined;
    return policy(field, "validation_picture_too_large", `"${name}" has more than ${pixelsMax} pixels.`);
  }
}

/** A name as PocketBase would store a file under: of this error it says that one, and draws it anew each time. */
const drawName = (name: string): string => {
  const [, base = "", extension = ""] = /^(.*?)(\.\w{1,9})?$/.exec(name) ?? [];
  const words = base.replace(/([a-z\d])([A-Z])/g, "$1_$2").replace(/[\W_]+/g, "_");
  const drawn = Buffer.from(crypto.getRandomValues(new Uint8Array(10)).map((byte) => 97 + (byte % 26)));
  return `${words.replace(/^_|_$/g, "").toLowerCase().slice(0, 100)}_${drawn}${extension.toLowerCase()}`;
};

const limit = ({ name }: CollectionField, error: Objection["error"]): Objection => ({
  kind: "limit",
  field: name,
  error,
});

const policy = ({ name }: CollectionField, code: string, message: string): Objection => ({
  kind: "policy",
  field: name,
  error: { code, message },
});
