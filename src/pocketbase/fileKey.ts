// A superuser's file token, for files whose URL Hapta itself has signed: who may read them was decided when it signed.
// It reads files and backups and does nothing else; it never leaves for a client.
import { field, type SuperuserClient } from "./superuser.ts";

/** PocketBase's file tokens last 10 s at least, and 180 s by default. */
const KEPT_MS = 8_000;

/** Gives the current token; undefined when PocketBase gives none. Never rejects. */
export type FileKey = () => Promise<string | undefined>;

export const createFileKey = (client: SuperuserClient): FileKey => {
  let kept: { readonly token: Promise<string | undefined>; readonly untilMs: number } | undefined;
  return () => {
    const nowMs = performance.now();
    if (kept !== undefined && kept.untilMs > nowMs) return kept.token;
    const token = ask(client);
    kept = { token, untilMs: nowMs + KEPT_MS };
    // A failure is not remembered.
    void token.then((text) => {
      if (text === undefined && kept?.token === token) kept = undefined;
    });
    return token;
  };
};

const ask = async (client: SuperuserClient): Promise<string | undefined> => {
  try {
    const { status, json } = await client.request("POST", "/api/files/token");
    const token = field(json, "token");
    return status === 200 && typeof token === "string" ? token : undefined;
  } catch {
    return undefined; // PocketBase is away: those who watch it say so
  }
};
