// Requests for routes that hooks add, held to the operator's own rules for them (`Validation.Routes`). What could not be
// read whole and without doubt does not go on.
import { Refusal } from "../errors.ts";
import type { Exchange } from "../exchange.ts";
import { createRouteRules } from "../schema/routeRules.ts";
import type { Services } from "../services.ts";
import { readGoQuery } from "../utils/goQuery.ts";

/** The members of an exchange's body. @throws Refusal what keeps it from being read. */
type ReadMembers = (exchange: Exchange) => Promise<Readonly<Record<string, unknown>>>;

/** Undefined when there are no rules. @throws Refusal `input_invalid`, or what keeps a body from being read. */
export const createRefineRoutes = (
  { settings }: Services,
  readMembers: ReadMembers,
): ((exchange: Exchange) => undefined | Promise<undefined>) | undefined => {
  const { routes } = settings.validation;
  if (routes.size === 0) return undefined;
  const ruleOf = createRouteRules(routes);
  return (exchange) => {
    const rule = ruleOf(exchange.method, exchange.path);
    if (rule === undefined) return undefined;
    return readMembers(exchange).then((body) => {
      const errors = rule({ query: queryOf(exchange), body });
      if (errors !== undefined) throw new Refusal("input_invalid", { data: errors });
      return undefined;
    });
  };
};

// A value that is no UTF-8 is not one of the operator's texts, whatever PocketBase reads there.
const queryOf = ({ query }: Exchange): Readonly<Record<string, string>> => {
  const values = [...readGoQuery(query)];
  if (values.some(([, value]) => value === undefined)) throw new Refusal("input_invalid");
  return Object.fromEntries(values.map(([name, value]) => [name, value ?? ""]));
};
