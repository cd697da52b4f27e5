// The stage that stops bad input before it costs PocketBase anything: queries of lists, bodies of new records, alone and in
// batches, of changes, and of logins. It refuses only what PocketBase surely refuses, in PocketBase's words, and lets pass
// what PocketBase has to judge; what the operator forbids besides comes after that.
import { type Exchange, isUnsafe, type Stage } from "../exchange.ts";
import type { Services } from "../services.ts";
import { createCheckBatch } from "./checkBatch.ts";
import { createCheckCost } from "./checkCost.ts";
import { createCheckLogin } from "./checkLogin.ts";
import { createCheckQuery } from "./checkQuery.ts";
import { createCheckRecord } from "./checkRecord.ts";
import { createJudgeChange } from "./judgeChange.ts";
import { createJudgeCreate } from "./judgeCreate.ts";
import { createJudging } from "./judging.ts";
import { createReadMembers } from "./readMembers.ts";
import { createRefineRoutes } from "./refineRoutes.ts";
import { createRefineWrites } from "./refineWrites.ts";

type Checked = undefined | Promise<undefined>;
type Check = (exchange: Exchange) => Checked;

// One after the other; waits only for what makes it wait.
const both =
  (first: Check | undefined, second: Check | undefined): Check =>
  (exchange) => {
    const checked = first?.(exchange);
    return checked === undefined ? second?.(exchange) : checked.then(() => second?.(exchange));
  };

export const createValidate = (services: Services): Stage => {
  const { isEnabled } = services.settings.validation;
  const readMembers = createReadMembers();
  const refine = createRefineWrites(services, readMembers);
  const refineRoute = createRefineRoutes(services, readMembers);
  const cost = createCheckCost(services);
  const isIdle = !isEnabled && refine === undefined && refineRoute === undefined && cost === undefined;
  if (isIdle) return () => undefined;
  const checkRead = both(isEnabled ? createCheckQuery(services) : undefined, cost?.request);
  const judging = createJudging(services);
  const judgeCreate = createJudgeCreate(services, judging);
  const judges = { judgeCreate, judgeChange: createJudgeChange(services, judging) };
  const checkWrite = both(
    both(cost?.request, refine?.record),
    isEnabled ? createCheckRecord(services, judges) : undefined,
  );
  const checkBatch = both(
    both(cost?.batch, refine?.batch),
    isEnabled ? createCheckBatch(services, judges) : undefined,
  );

  const checkLogin = both(cost?.request, isEnabled ? createCheckLogin(services, judging) : undefined);

  return (exchange) => {
    const { kind } = exchange.route;
    if (kind === "batch") return checkBatch(exchange);
    // A collection's name in an odd spelling makes a route of the superusers' area.
    if (kind === "admin") return isUnsafe(exchange.method) ? refine?.record(exchange) : undefined;
    if (kind === "auth") return checkLogin(exchange);
    if (kind === "custom") return refineRoute?.(exchange);
    if (kind !== "records") return undefined;
    return isUnsafe(exchange.method) ? checkWrite(exchange) : checkRead(exchange);
  };
};
