// The root key: 32 bytes from which every other key is derived. Reads or makes it; stores nothing in the database.

import { hkdfSync } from "node:crypto";
import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  statSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { inspect } from "node:util";
import { MASK } from "../utils/secret.ts";
import type { RandomSource } from "./sources.ts";

/** What a derived key is for; one label, one use (RFC 5869 `info`). */
export type KeyLabel =
  | "signing"
  | "vault"
  | "events"
  | "fingerprint"
  | "device"
  | "secret"
  | "etag"
  | "oauth"
  | "realtime"
  | "dpop"
  | "files"
  | "cluster";

/** Sessions cannot start; the message is one sentence with the fix and without a secret. */
export class SessionStartError extends Error {
  override readonly name = "SessionStartError";
}

const KEY_BYTES = 32;

/** Holds the root key and gives out keys derived from it; prints as `***`. */
export class RootKey {
  readonly #bytes: Uint8Array;

  /** @throws RangeError unless `bytes` are 32. */
  constructor(bytes: Uint8Array) {
    if (bytes.length !== KEY_BYTES) throw new RangeError("a root key has 32 bytes");
    this.#bytes = bytes;
  }

  /** A 32-byte key for one use (HKDF-SHA256); `context` separates keys of one label. */
  derive(label: KeyLabel, context = ""): Buffer {
    return Buffer.from(hkdfSync("sha256", this.#bytes, context, `hapta/1/${label}`, KEY_BYTES));
  }

  toString(): string {
    return MASK;
  }

  toJSON(): string {
    return MASK;
  }

  [inspect.custom](): string {
    return MASK;
  }
}

/** Where a root key comes from. */
export interface RootKeyOptions {
  /** `HAPTA_ROOT_KEY`: 64 hex digits, or 32 bytes in base64 or base64url. */
  readonly text?: string | undefined;
  /** Folder that holds `hapta.root` when `text` is absent; must exist. */
  readonly dataDir: string;
  /** False when a session database exists already: a new key could not open it. */
  readonly mayCreate: boolean;
  readonly random: RandomSource;
  readonly warn: (message: string) => void;
}

/**
 * Reads the root key from the environment's text, else from `<dataDir>/hapta.root`, which is made (O_EXCL, 0600,
 * file and folder synced) when it is missing. A laxer mode of file or folder is repaired with a warning.
 *
 * @throws SessionStartError when the key is malformed, unreadable, missing beside existing sessions, or the folder
 * stays writable for others.
 */
export const loadRootKey = (options: RootKeyOptions): RootKey => {
  if (options.text !== undefined) return new RootKey(parseKey(options.text.trim(), "HAPTA_ROOT_KEY"));
  const path = join(options.dataDir, "hapta.root");
  protectFolder(options.dataDir, options.warn);
  if (!existsSync(path)) {
    if (!options.mayCreate) {
      throw new SessionStartError(
        `The sessions in ${options.dataDir} were made with a root key that is gone; restore hapta.root or HAPTA_ROOT_KEY.`,
      );
    }
    createFile(path, options);
  }
  repairMode(path, options.warn);
  try {
    return new RootKey(parseKey(readFileSync(path, "latin1").trim(), path));
  } catch (error) {
    if (error instanceof SessionStartError) throw error;
    throw new SessionStartError(`Cannot read ${path}; check that this user may read it.`, { cause: error });
  }
};

const HEX = /^[0-9a-fA-F]{64}$/;
const BASE64 = /^[A-Za-z0-9+/_-]{43}=?$/;
const HOW_TO_MAKE = "make one with: openssl rand -hex 32";

const bytesOf = (text: string): Uint8Array => Buffer.from(text, HEX.test(text) ? "hex" : "base64url");

/** What is wrong with the text of a root key, as the rest of a sentence; undefined when it is good. */
export const rootKeyProblem = (text: string): string | undefined => {
  if (!HEX.test(text) && !BASE64.test(text))
    return `must be 32 random bytes as 64 hex digits or as base64; ${HOW_TO_MAKE}`;
  // A key of few different bytes was typed, not drawn: 32 random bytes have fewer than 12 once in 10^17 draws.
  return new Set(bytesOf(text)).size < 12 ? `is not random; ${HOW_TO_MAKE}` : undefined;
};

const parseKey = (text: string, where: string): Uint8Array => {
  const problem = rootKeyProblem(text);
  if (problem !== undefined) throw new SessionStartError(`${where} ${problem}`);
  return bytesOf(text);
};

const createFile = (path: string, { dataDir, random }: RootKeyOptions): void => {
  try {
    const file = openSync(path, "wx", 0o600);
    try {
      writeSync(file, `${Buffer.from(random(KEY_BYTES)).toString("base64url")}\n`);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    syncFolder(dataDir);
  } catch (error) {
    // Another process of this node made it first; its key is the one to use.
    if (error instanceof Error && Reflect.get(error, "code") === "EEXIST") return;
    throw new SessionStartError(`Cannot write ${path}; check that this user may write there.`, {
      cause: error,
    });
  }
};

const syncFolder = (folder: string): void => {
  if (process.platform === "win32") return;
  const handle = openSync(folder, "r");
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
};

const repairMode = (path: string, warn: (message: string) => void): void => {
  if (process.platform === "win32") return;
  const mode = statSync(path).mode & 0o777;
  if (mode === 0o600 || mode === 0o400) return;
  try {
    chmodSync(path, 0o600);
  } catch (error) {
    throw new SessionStartError(`${path} can be read by others; run: chmod 600 ${path}`, { cause: error });
  }
  warn(`${path} could be read by others (mode ${mode.toString(8)}); it is private again now.`);
};

const protectFolder = (folder: string, warn: (message: string) => void): void => {
  if (process.platform === "win32") return;
  const mode = statSync(folder).mode & 0o777;
  if ((mode & 0o077) === 0) return;
  try {
    chmodSync(folder, 0o700);
    warn(`${folder} was open to others (mode ${mode.toString(8)}); it is private again now.`);
  } catch (error) {
    // Whoever may write here may put another key in place.
    if ((mode & 0o022) !== 0) {
      throw new SessionStartError(`${folder} can be written by others; run: chmod 700 ${folder}`, {
        cause: error,
      });
    }
    warn(`${folder} can be read by others (mode ${mode.toString(8)}) and its mode cannot be changed.`);
  }
};
