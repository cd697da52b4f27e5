// PocketBase's list of login methods: reads its providers, and writes Hapta's verifiers in the place of its own.
// Speaks to nobody.
import { sha256 } from "./pkce.ts";

/** One provider as `GET /api/collections/{c}/auth-methods` shows it. */
export interface OfferedProvider {
  readonly name: string;
  readonly displayName: string;
  /** Where the browser goes; ends with an empty `redirect_uri`. */
  readonly authUrl: string;
  readonly verifier: string;
}

/** The providers in a list of login methods; those that say too little (`fields`) are left out. */
export const providersIn = (json: unknown): OfferedProvider[] => {
  const list = memberOf(memberOf(json, "oauth2"), "providers");
  if (!Array.isArray(list)) return [];
  return list.flatMap((item: unknown) => {
    const name = textOf(item, "name");
    const authUrl = textOf(item, "authURL");
    if (name === undefined || authUrl === undefined) return [];
    const displayName = textOf(item, "displayName") ?? "";
    return [
      {
        name,
        displayName: displayName === "" ? name : displayName,
        authUrl,
        verifier: textOf(item, "codeVerifier") ?? "",
      },
    ];
  });
};

/**
 * The same list with a verifier of `issue` for every provider. Only the texts of verifiers and challenges change, so
 * that everything else stays as PocketBase wrote it.
 */
export const withIssuedVerifiers = (text: string, issue: (provider: string) => string): string => {
  let rewritten = text;
  for (const { authUrl, name, verifier } of providersIn(parsed(text))) {
    if (verifier === "") continue;
    const issued = issue(name);
    rewritten = rewritten.replaceAll(verifier, issued);
    const challenge = challengeIn(authUrl);
    if (challenge !== undefined) rewritten = rewritten.replaceAll(challenge, sha256(issued));
  }
  return rewritten;
};

/** The PKCE challenge in an authorization URL; undefined when the provider does without. */
export const challengeIn = (authUrl: string): string | undefined =>
  /[?&]code_challenge=([A-Za-z0-9_-]{43})(?:&|$)/.exec(authUrl)?.[1];

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // not the list: passed on as it is
  }
};

const memberOf = (value: unknown, name: string): unknown =>
  typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;

const textOf = (value: unknown, name: string): string | undefined => {
  const member = memberOf(value, name);
  return typeof member === "string" ? member : undefined;
};
