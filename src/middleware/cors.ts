// Which pages may read answers (CORS). Without a list that is PocketBase's business, which lets every page; with
// `Security.Origins` only listed ones. Refuses nothing: the browser does that.
import { readOrigin } from "../utils/webOrigin.ts";

/** What of the settings decides. */
interface CorsSettings {
  readonly origins: readonly string[];
  readonly cookies: { readonly isEnabled: boolean };
}

/** What a page may be told: the fields of an answer that are left, and lines behind them. */
type ListedCors = (
  origin: string | undefined,
  headers: readonly string[],
) => { readonly headers: readonly string[]; readonly lines: string };

/**
 * Makes the function that replaces PocketBase's permission for everybody by one for the page that asks, if it is
 * listed, and takes it away otherwise. Pages may send cookies only where there are any. Undefined without a list.
 */
export const createListedCors = ({ origins, cookies }: CorsSettings): ListedCors | undefined => {
  if (origins.length === 0) return undefined;
  const listed = new Set(origins);
  const credentials = cookies.isEnabled ? "Access-Control-Allow-Credentials: true\r\n" : "";
  return (origin, headers) => {
    const isListed = origin !== undefined && listed.has(readOrigin(origin) ?? "");
    const lines = isListed ? `Access-Control-Allow-Origin: ${origin}\r\n${credentials}` : "";
    return { headers: withoutPermission(headers, isListed), lines };
  };
};

const PREFIX = "access-control-";
const DECIDED = new Set([`${PREFIX}allow-origin`, `${PREFIX}allow-credentials`]);

// What a page that is not listed may send is not told either. Most answers have nothing to lose: those keep their list.
const withoutPermission = (headers: readonly string[], isListed: boolean): readonly string[] => {
  const kept = headers.filter((_, i) => {
    const lower = headers[i - (i % 2)]?.toLowerCase() ?? "";
    return isListed ? !DECIDED.has(lower) : !lower.startsWith(PREFIX);
  });
  return kept.length === headers.length ? headers : kept;
};
