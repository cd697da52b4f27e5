// What a person sees after the start: where it is, who can log in, what to try.
import { DEMO_LIST_PATH, DEMO_LOGINS } from "./pocketbase/demo/seed.ts";
import type { Settings } from "./settings.ts";
import { VERSION } from "./utils/version.ts";

interface BannerOptions {
  readonly settings: Settings;
  readonly port: number;
  readonly isEmbedded: boolean;
}

/** The start banner, ended by a blank line. */
export const renderBanner = ({ settings, port, isEmbedded }: BannerOptions): string => {
  const url = `http://localhost:${port}`;
  const lines = [
    "",
    `Hapta ${VERSION}`,
    `  App URL    ${url}  (point the PocketBase SDK here)`,
    `  API docs   ${url}/`,
    `  Dashboard  ${url}/_/`,
    `  Upstream   ${isEmbedded ? "embedded PocketBase" : settings.upstream.url}`,
  ];
  if (isEmbedded) {
    lines.push(
      `  Superuser  e-mail and password are in ${settings.dataDir}/superuser.json`,
      "",
      "  Demo logins",
    );
    for (const { email, password } of DEMO_LOGINS) lines.push(`    ${email}  ${password}`);
    lines.push(
      "",
      "  Try",
      `    curl '${url}${DEMO_LIST_PATH}'`,
      `    open ${url}/ in a browser, log in as ${DEMO_LOGINS[0]?.email} and try a call`,
      `    new PocketBase("${url}").collection("posts").getList()`,
    );
  }
  for (const notice of settings.notices) lines.push(`  Note: ${notice}`);
  return `${lines.join("\n")}\n\n`;
};
