// Keeps the embedded PocketBase's superuser e-mail and password in one private file. Logs in nowhere.
import { chmod, open, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Log } from "../insight/log.ts";
import { Secret } from "../utils/secret.ts";
import { BootError, codeOf, toBootError } from "./bootError.ts";
import { field } from "./superuser.ts";

/** Who Hapta is towards its own PocketBase. */
export type SuperuserLogin = { readonly email: string; readonly password: Secret };

// `.internal` is reserved for private use: mail to this address can reach nobody.
const EMAIL = "hapta@hapta.internal";
const PASSWORD_BYTES = 32;

/** The file's place inside a data folder. */
export function superuserFilePath(dataDir: string): string {
  return join(dataDir, "superuser.json");
}

/**
 * Reads the login, or makes one with a random password. The file has mode 0600 and is either whole or
 * absent, whenever the machine stops; a laxer mode is repaired with a warning.
 *
 * @throws BootError when the file cannot be read, written or understood.
 */
export async function keepSuperuserLogin(dataDir: string, log: Log): Promise<SuperuserLogin> {
  const path = superuserFilePath(dataDir);
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    if (codeOf(error) === "ENOENT") return undefined;
    throw toBootError(`Cannot read ${path}`, error);
  });
  if (text === undefined) return createLogin(path);
  await repairMode(path, log);
  return parseLogin(text, path);
}

function parseLogin(text: string, path: string): SuperuserLogin {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    // Reported below like any other text that is not a login; the parser's words may quote the secret.
    json = undefined;
  }
  const email = field(json, "email");
  const password = field(json, "password");
  if (typeof email !== "string" || typeof password !== "string" || password.length < 8) {
    throw new BootError(
      `${path} is damaged; delete it and start again: a new password is made and no record is lost.`,
    );
  }
  return { email, password: new Secret(password) };
}

async function createLogin(path: string): Promise<SuperuserLogin> {
  const password = Buffer.from(crypto.getRandomValues(new Uint8Array(PASSWORD_BYTES))).toString("base64url");
  const part = `${path}.${crypto.randomUUID()}.part`;
  try {
    await writePrivate(part, `${JSON.stringify({ email: EMAIL, password })}\n`);
    await rename(part, path);
    await syncFolder(dirname(path));
  } catch (error) {
    throw toBootError(`Cannot write ${path}`, error);
  } finally {
    // The failure before it matters more than one to remove what may not even exist.
    await rm(part, { force: true }).catch(() => undefined);
  }
  return { email: EMAIL, password: new Secret(password) };
}

async function writePrivate(path: string, text: string): Promise<void> {
  const file = await open(path, "wx", 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function syncFolder(folder: string): Promise<void> {
  if (process.platform === "win32") return;
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function repairMode(path: string, log: Log): Promise<void> {
  if (process.platform === "win32") return;
  const mode = (await stat(path)).mode & 0o777;
  if (mode === 0o600) return;
  log("warn", `${path} could be read by others (mode ${mode.toString(8)}); it is private again now.`);
  await chmod(path, 0o600).catch((error: unknown) => {
    throw toBootError(`Cannot make ${path} private`, error);
  });
}
