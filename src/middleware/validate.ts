// The stage that stops bad input before it costs PocketBase anything: queries of lists, and bodies of new records. It
// refuses only what PocketBase surely refuses, in PocketBase's words, and lets pass what PocketBase has to judge.
import { type Exchange, isUnsafe, type Stage } from "../exchange.ts";
import type { Services } from "../services.ts";
import { createCheckQuery } from "./checkQuery.ts";
import { createCheckRecord } from "./checkRecord.ts";
import { createRefineWrites } from "./refineWrites.ts";

export const createValidate = (services: Services): Stage => {
  const { isEnabled } = services.settings.validation;
  const refine = createRefineWrites(services);
  if (!isEnabled && refine === undefined) return () => undefined;
  const checkQuery = createCheckQuery(services);
  const checkRecord = createCheckRecord(services);

  const checkWrite = (exchange: Exchange): undefined | Promise<undefined> => {
    const refined = refine?.record(exchange);
    if (!isEnabled) return refined;
    return refined === undefined ? checkRecord(exchange) : refined.then(() => checkRecord(exchange));
  };

  return (exchange) => {
    const { kind } = exchange.route;
    if (kind === "batch") return refine?.batch(exchange);
    // A collection's name in an odd spelling makes a route of the superusers' area.
    if (kind === "admin") return isUnsafe(exchange.method) ? refine?.record(exchange) : undefined;
    if (kind !== "records") return undefined;
    if (isUnsafe(exchange.method)) return checkWrite(exchange);
    return isEnabled ? checkQuery(exchange) : undefined;
  };
};
