// Judges the values of environment variables one by one. What two settings say together is judged in checks.ts.

import { rootKeyProblem } from "../sessions/rootKey.ts";
import type { VariableName, Variables } from "./environment.ts";
import { describeValue } from "./explain.ts";
import { renderOrigin } from "./origin.ts";

/** Fewest characters of a key. */
const KEY_CHARACTERS_MIN = 16;
/** Fewest different ones of the admin key; 16 random hexadecimal digits hold ten on average. */
const KEY_VARIETY_MIN = 6;

/** Texts that stand in examples; anyone can read them, so they are no secrets. */
export const PUBLISHED_SECRETS: readonly string[] = [
  "replace-me-with-32-random-characters",
  "change-me-to-a-long-random-text",
  "your-secret-here-your-secret-here",
];

/** Says why a text is no good as a key (`name` begins the sentence), or returns undefined when it is. */
export function judgeKey(name: string, text: string): string | undefined {
  if (PUBLISHED_SECRETS.includes(text)) {
    return `${name}: is a text from an example that everybody can read; put a random one of your own`;
  }
  if (text.length >= KEY_CHARACTERS_MIN) return undefined;
  return `${name}: found a text of ${text.length} characters; allowed: at least ${KEY_CHARACTERS_MIN}, random`;
}

// It may be tried without end, so its length has to mean something.
const judgeVariety = (name: string, text: string): string | undefined =>
  new Set(text).size >= KEY_VARIETY_MIN
    ? undefined
    : `${name}: is easily guessed: fewer than ${KEY_VARIETY_MIN} different characters; put a random text of your own`;

/** Hides what stands before an @ in an address, where user and password are. */
export const withoutCredentials = (text: string): string => text.replace(/^([a-z]+:\/*)?.*@/i, "$1***@");

function judgeUrl(text: string, protocols: readonly string[]): URL | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return url !== undefined && protocols.includes(url.protocol) && url.hostname !== "" ? url : undefined;
}

function judgeDbUrl(name: string, text: string): string | undefined {
  const fix = "write it like http://127.0.0.1:8090";
  const url = judgeUrl(text, ["http:", "https:"]);
  if (url === undefined) {
    return `${name}: found ${describeValue(withoutCredentials(text))}; allowed: an http:// or https:// URL; ${fix}`;
  }
  if (url.username !== "" || url.password !== "") {
    return `${name}: must not hold a user or password; put them in ADMIN_EMAIL and ADMIN_PASSWORD and ${fix}`;
  }
  if (url.pathname !== "/" || url.search !== "" || url.hash !== "" || /[?#]/.test(text)) {
    return `${name}: found ${describeValue(text)}; a path or query is not allowed; ${fix}`;
  }
  return undefined;
}

function judgeOther(name: VariableName, text: string): string | undefined {
  switch (name) {
    case "HAPTA_ADMIN_KEY":
      return judgeKey(name, text) ?? judgeVariety(name, text);
    case "HAPTA_ROOT_KEY": {
      const problem = rootKeyProblem(text.trim());
      return problem && `${name} ${problem}`;
    }
    case "HAPTA_CLUSTER_SECRET":
      return judgeKey(name, text);
    case "ADMIN_EMAIL":
      return /^[^\s@]+@[^\s@]+$/.test(text)
        ? undefined
        : `${name}: found ${describeValue(text)}; allowed: an email address`;
    case "REDIS_URL":
      return judgeUrl(text, ["redis:", "rediss:"])
        ? undefined
        : `${name}: is not a redis:// or rediss:// URL; write it like redis://127.0.0.1:6379`;
    case "HAPTA_POCKETBASE_DOWNLOAD":
      return judgeUrl(text, ["http:", "https:"])
        ? undefined
        : `${name}: found ${describeValue(withoutCredentials(text))}; allowed: an http:// or https:// URL`;
    default:
      return undefined;
  }
}

/** Returns a sentence for every variable whose value cannot be used. Secrets are never shown. */
export function judgeVariables(variables: Variables): string[] {
  const problems: string[] = [];
  for (const [name, { value, origin }] of variables) {
    const problem = name === "DB_URL" ? judgeDbUrl(name, value) : judgeOther(name, value);
    if (problem !== undefined) problems.push(`${problem} (${renderOrigin(origin)})`);
  }
  return problems;
}

/** Shows a REDIS_URL without its user and password. */
export function maskRedisUrl(text: string): string {
  const url = new URL(text);
  const credentials = url.username === "" && url.password === "" ? "" : "***@";
  return `${url.protocol}//${credentials}${url.host}${url.pathname}`;
}
