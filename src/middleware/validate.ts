// The stage that stops bad input before it costs PocketBase anything: queries of lists, and bodies of new records. It
// refuses only what PocketBase surely refuses, in PocketBase's words, and lets pass what PocketBase has to judge.
import type { Exchange, Stage } from "../exchange.ts";
import type { Services } from "../services.ts";
import { createCheckQuery } from "./checkQuery.ts";
import { createCheckRecord } from "./checkRecord.ts";

export const createValidate = (services: Services): Stage => {
  if (!services.settings.validation.isEnabled) return () => undefined;
  const checkQuery = createCheckQuery(services);
  const checkRecord = createCheckRecord(services);

  return (exchange) => {
    if (exchange.route.kind !== "records") return undefined;
    return isRead(exchange) ? checkQuery(exchange) : checkRecord(exchange);
  };
};

const isRead = ({ method }: Exchange): boolean => method === "GET" || method === "HEAD";
