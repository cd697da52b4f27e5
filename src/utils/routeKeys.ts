// Routes of an app by method and path, as an operator names them in the config file: which of them a request means. Decides
// nothing about it.

/** A method and a path; `{name}` stands for one segment, `{name...}` at the end for all that follow. */
export const ROUTE_KEY =
  /^(GET|POST|PUT|PATCH|DELETE) ((?:\/(?:[\w.~-]+|\{\w{1,64}\}))*(?:\/\{\w{1,64}\.\.\.\})?)$/;

/** What stands at a route, and what its path has for the names in braces. */
export interface FoundRoute<T> {
  readonly value: T;
  readonly params: Readonly<Record<string, string>>;
}

/**
 * Makes the look-up by method and canonical path; the first of several wins, and what holds for GET holds for HEAD.
 * @param routes - By keys of the form of {@link ROUTE_KEY}.
 */
export const createFindRoute = <T>(
  routes: ReadonlyMap<string, T>,
): ((method: string, path: string) => FoundRoute<T> | undefined) => {
  const known = [...routes].map(([key, value]) => {
    const [, method = "", path = ""] = ROUTE_KEY.exec(key) ?? [];
    return { method, segments: path.slice(1).split("/"), value };
  });
  return (method, path) => {
    const asked = method === "HEAD" ? "GET" : method;
    const segments = path.slice(1).split("/").map(decoded);
    for (const route of known) {
      const params = route.method === asked ? paramsOf(route.segments, segments) : undefined;
      if (params !== undefined) return { value: route.value, params };
    }
    return undefined;
  };
};

const paramsOf = (
  pattern: readonly string[],
  segments: readonly string[],
): Readonly<Record<string, string>> | undefined => {
  const rest = /^\{(\w+)\.\.\.\}$/.exec(pattern.at(-1) ?? "")?.[1];
  const fixed = rest === undefined ? pattern : pattern.slice(0, -1);
  if (segments.length < fixed.length || (rest === undefined && segments.length > fixed.length))
    return undefined;
  const params = new Map<string, string>();
  for (const [index, one] of fixed.entries()) {
    const [name, segment = ""] = [/^\{(\w+)\}$/.exec(one)?.[1], segments[index]];
    if (name === undefined ? one !== segment : segment === "") return undefined;
    if (name !== undefined) params.set(name, segment);
  }
  if (rest !== undefined) params.set(rest, segments.slice(fixed.length).join("/"));
  return Object.fromEntries(params);
};

const decoded = (segment: string): string => {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment; // no UTF-8
  }
};
