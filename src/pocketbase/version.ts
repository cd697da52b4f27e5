// Tells which PocketBase answers. It has no version endpoint, so this looks at what it can do.
import { field, type SuperuserClient } from "./superuser.ts";

/**
 * What was seen. `line` is the release line in words.
 * - `supported`: tested with every change of Hapta (0.36.8, 0.39.1).
 * - `ahead`: newer than those; 0.40.4 is tested as a look-ahead.
 * - `between`: lies between tested versions.
 * - `old`: before 0.36.4, which reads `Authorization` differently.
 */
export type VersionSeen = {
  readonly line: string;
  readonly support: "supported" | "ahead" | "between" | "old";
};

/**
 * Probes as superuser; changes nothing.
 *
 * Signs used: `Cross-Origin-Opener-Policy` (0.40), `/api/sql` (0.39), settings key `superuserIPs` (0.38),
 * `meta/oauth2-providers` (0.37), lower-case `bearer` (0.36.4), superusers as a collection (0.23).
 *
 * @throws SuperuserError when PocketBase does not answer.
 */
export async function probeVersion(client: SuperuserClient): Promise<VersionSeen> {
  const health = await client.askAsGuest("/api/health");
  if (health.headers.has("cross-origin-opener-policy")) return { line: "0.40 or newer", support: "ahead" };
  // An empty query is refused before anything runs; before 0.39 the route does not exist.
  const sql = await client.request("POST", "/api/sql", {});
  if (sql.status === 400) return { line: "0.39", support: "supported" };
  const settings = await client.request("GET", "/api/settings");
  if (field(settings.json, "superuserIPs") !== undefined) return { line: "0.38", support: "between" };
  const providers = await client.request("GET", "/api/collections/meta/oauth2-providers?fields=name");
  if (providers.status === 200) return { line: "0.37", support: "between" };
  if (await client.acceptsLowerCaseBearer()) return { line: "0.36", support: "supported" };
  return { line: "older than 0.36.4", support: "old" };
}
