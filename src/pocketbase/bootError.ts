// Problems that stop Hapta while it starts, each told in one plain sentence.
// Refusals of requests are not made here, and nothing here ends the process.

/**
 * A reason why Hapta cannot start. `message` is one sentence for the person at the terminal: it names
 * the setting, file or address to look at and holds no secret; show it without a stack.
 */
export class BootError extends Error {
  override readonly name = "BootError";
}

const FILE_PROBLEMS: Readonly<Record<string, string>> = {
  EACCES: "permission denied; give this user access to it",
  EPERM: "the system does not allow it; check its owner and mount options",
  EROFS: "the file system is read-only",
  ENOSPC: "the disk is full",
  EDQUOT: "the disk quota is used up",
  ENOTDIR: "a part of the path is a file, not a folder",
  EISDIR: "it is a folder, not a file",
  ENOENT: "it does not exist",
  ELOOP: "its symbolic links go round in a circle",
  EMFILE: "too many files are open",
};

/**
 * Turns a failed file operation into a sentence.
 *
 * @param action - What was tried, with the path, such as `Cannot write /srv/data/superuser.json`.
 * @returns A BootError whose cause is the original error; a BootError is handed back as it is.
 */
export function toBootError(action: string, error: unknown): BootError {
  if (error instanceof BootError) return error;
  const code = codeOf(error);
  const reason = FILE_PROBLEMS[code] ?? (code === "" ? "an unexpected problem" : code);
  return new BootError(`${action}: ${reason}.`, { cause: error });
}

/** The system's error code of a thrown value (`EACCES`), or an empty string. Never throws. */
export function codeOf(error: unknown): string {
  if (typeof error !== "object" || error === null || !("code" in error)) return "";
  return typeof error.code === "string" ? error.code : "";
}
