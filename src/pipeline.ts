// The whole gateway on one screen: which kind of traffic walks which stages, and how a request walks.
import { Refusal, renderRefusal } from "./errors.ts";
import type { Exchange, Stage } from "./exchange.ts";
import type { Answer } from "./http/answer.ts";
import type { WireRequest } from "./http/serverConnection.ts";
import { createAdmit } from "./middleware/admit.ts";
import { createForward } from "./middleware/forward.ts";
import { createIdentify } from "./middleware/identify.ts";
import { createTrace } from "./middleware/trace.ts";
import type { TrafficKind } from "./pocketbase/routes.ts";
import type { Services } from "./services.ts";

/** Every stage in walking order. `trace` and `admit` open each walk: they make the Exchange. */
export const STAGE_NAMES = ["trace", "admit", "identify", "forward"] as const;
export type StageName = (typeof STAGE_NAMES)[number];

/** Which stages each kind of traffic walks. */
export const PLANS = {
  probe: ["trace", "admit"],
  preflight: ["trace", "admit", "forward"],
  auth: ["trace", "admit", "identify", "forward"],
  records: ["trace", "admit", "identify", "forward"],
  batch: ["trace", "admit", "identify", "forward"],
  file: ["trace", "admit", "identify", "forward"],
  realtime: ["trace", "admit", "identify", "forward"],
  admin: ["trace", "admit", "identify", "forward"],
  custom: ["trace", "admit", "identify", "forward"],
} as const satisfies Record<TrafficKind, readonly StageName[]>;

/** Answers the exchanges whose plan ends before `forward`: Hapta's own routes. */
export type OwnRoutes = (exchange: Exchange) => Answer | Promise<Answer>;

/** Takes a request to its answer. Never throws: bugs become a 500 that says nothing. */
export type Pipeline = (request: WireRequest) => Promise<Answer>;

export const createPipeline = (services: Services, ownRoutes: OwnRoutes): Pipeline => {
  const trace = createTrace(services);
  const admit = createAdmit(services);
  const stages: Record<StageName, Stage | undefined> = {
    trace: undefined,
    admit: undefined,
    identify: createIdentify(services),
    forward: createForward(services),
  };
  const plans = new Map(
    Object.entries(PLANS).map(([kind, names]) => [kind, names.flatMap((name) => stages[name] ?? [])]),
  );

  const walk = async (exchange: Exchange): Promise<Answer> => {
    for (const stage of plans.get(exchange.route.kind) ?? []) {
      const outcome = stage(exchange);
      const answer = outcome instanceof Promise ? await outcome : outcome;
      if (answer !== undefined) return answer;
    }
    return ownRoutes(exchange);
  };

  return async (request) => {
    const traced = trace.begin(request);
    try {
      const admitted = admit(request, traced);
      const exchange = admitted instanceof Promise ? await admitted : admitted;
      return trace.finish(traced, await walk(exchange));
    } catch (error) {
      if (error instanceof Refusal) return trace.refuse(traced, renderRefusal(error.code, error.detail), error);
      return trace.refuse(traced, renderRefusal("internal"), error);
    }
  };
};
