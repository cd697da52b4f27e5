// The operator's own rules for routes that hooks add to the app, in Zod: which rule a request means, and what breaks it.
// Reads no bodies.
import { z } from "zod";
import { createFindRoute } from "../utils/routeKeys.ts";
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

/**
 * Makes the look-up of rules by method and canonical path.
 * @param routes - By keys of the form of `ROUTE_KEY`.
 */
export const createRouteRules = (
  routes: ReadonlyMap<string, RefineRoute>,
): ((method: string, path: string) => RouteRule | undefined) => {
  const find = createFindRoute(new Map([...routes].map(([key, refine]) => [key, refine(z)])));
  return (method, path) => {
    const found = find(method, path);
    return found && toRule(found.value, found.params);
  };
};

const toRule =
  (schema: z.ZodType, params: Readonly<Record<string, string>>): RouteRule =>
  (input) => {
    const parsed = schema.safeParse({ params, ...input });
    // The first step of a path says only where the member is.
    return parsed.success ? undefined : toErrors(parsed.error, 1);
  };
