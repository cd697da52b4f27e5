// The operator's own rules for routes that hooks add to the app, in Zod: which rule a request means, and what breaks it.
// Reads no bodies.
import { z } from "zod";
import type { FieldErrors } from "./fieldError.ts";
import { toErrors } from "./refinement.ts";

/**
 * Makes the schema that requests of a route must meet: of an object with `params` and `query`, both texts by name, and
 * `body`, the members of a JSON object or form. Called once. The request goes on as it came.
 */
export type RefineRoute = (zod: typeof z) => z.ZodType;

/** One request, taken apart. */
interface RouteInput {
  readonly query: Readonly<Record<string, string>>;
  readonly body: Readonly<Record<string, unknown>>;
}

/** The rule of a route, with the parameters of a path. @returns Errors by member; undefined when there are none. */
export type RouteRule = (input: RouteInput) => FieldErrors | undefined;

interface Route {
  readonly method: string;
  readonly segments: readonly string[];
  readonly schema: z.ZodType;
}

/** A method and a path; `{name}` stands for one segment, `{name...}` at the end for all that follow. */
export const ROUTE_KEY =
  /^(GET|POST|PUT|PATCH|DELETE) ((?:\/(?:[\w.~-]+|\{\w{1,64}\}))*(?:\/\{\w{1,64}\.\.\.\})?)$/;

/**
 * Makes the look-up of rules by method and canonical path; the first of several wins, and a rule for GET holds for HEAD.
 * @param routes - By keys of the form of {@link ROUTE_KEY}.
 */
export const createRouteRules = (
  routes: ReadonlyMap<string, RefineRoute>,
): ((method: string, path: string) => RouteRule | undefined) => {
  const known = [...routes].map(([key, refine]): Route => {
    const [, method = "", path = ""] = ROUTE_KEY.exec(key) ?? [];
    return { method, segments: path.slice(1).split("/"), schema: refine(z) };
  });
  return (method, path) => {
    const asked = method === "HEAD" ? "GET" : method;
    const segments = path.slice(1).split("/").map(decoded);
    for (const route of known) {
      const params = route.method === asked ? paramsOf(route.segments, segments) : undefined;
      if (params !== undefined) return toRule(route.schema, params);
    }
    return undefined;
  };
};

const toRule =
  (schema: z.ZodType, params: Readonly<Record<string, string>>): RouteRule =>
  (input) => {
    const parsed = schema.safeParse({ params, ...input });
    // The first step of a path says only where the member is.
    return parsed.success ? undefined : toErrors(parsed.error, 1);
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
