// Which pages may read answers (CORS). Without a list that is PocketBase's business, which lets every page; with
// `Security.Origins` only listed ones. Refuses nothing: the browser does that.
import { readOrigin } from "../utils/webOrigin.ts";

/** What of the settings decides. */
interface CorsSettings {
  readonly origins: readonly string[];
  readonly cookies: { readonly isEnabled: boolean };
}

/**
 * Makes the function that replaces PocketBase's permission for everybody by one for the page that asks, if it is
 * listed, and takes it away otherwise. Pages may send cookies only where there are any. Undefined without a list.
 */
export const createListedCors = ({
  origins,
  cookies,
}: CorsSettings): ((origin: string | undefined, headers: string[]) => void) | undefined => {
  if (origins.length === 0) return undefined;
  const listed = new Set(origins);
  return (origin, headers) => {
    const isListed = origin !== undefined && listed.has(readOrigin(origin) ?? "");
    dropPermission(headers, isListed);
    if (!isListed) return;
    headers.push("Access-Control-Allow-Origin", origin);
    if (cookies.isEnabled) headers.push("Access-Control-Allow-Credentials", "true");
  };
};

const PREFIX = "access-control-";
const DECIDED = new Set([`${PREFIX}allow-origin`, `${PREFIX}allow-credentials`]);

// In place: what a page that is not listed may send is not told either.
const dropPermission = (headers: string[], isListed: boolean): void => {
  let kept = 0;
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] ?? "";
    const lower = name.toLowerCase();
    if (isListed ? DECIDED.has(lower) : lower.startsWith(PREFIX)) continue;
    headers[kept++] = name;
    headers[kept++] = headers[i + 1] ?? "";
  }
  headers.length = kept;
};
