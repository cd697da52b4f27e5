// The whole gateway on one screen: which kind of traffic walks which stages, and how a request walks.
import { Refusal, renderRefusal } from "./errors.ts";
import type { Exchange, Stage } from "./exchange.ts";
import type { Answer } from "./http/answer.ts";
import type { WireRequest } from "./http/wireRequest.ts";
import { createAdmit } from "./middleware/admit.ts";
import { createCache } from "./middleware/cache.ts";
import { createForward } from "./middleware/forward.ts";
import { createIdentify } from "./middleware/identify.ts";
import { createMeter } from "./middleware/meter.ts";
import { createRedeem } from "./middleware/redeem.ts";
import { createTrace, type Traced } from "./middleware/trace.ts";
import { createValidate } from "./middleware/validate.ts";
import type { TrafficKind } from "./pocketbase/routes.ts";
import type { Services } from "./services.ts";

/** Every stage in walking order. `trace` and `admit` open each walk: they make the Exchange. */
export const STAGE_NAMES = [
  "trace",
  "admit",
  "identify",
  "meter",
  "redeem",
  "validate",
  "cache",
  "forward",
] as const;
export type StageName = (typeof STAGE_NAMES)[number];

/** Which stages each kind of traffic walks. */
export const PLANS = {
  probe: ["trace", "admit"],
  control: ["trace", "admit", "identify"],
  docs: ["trace", "admit", "identify", "meter"],
  session: ["trace", "admit", "identify", "meter"],
  preflight: ["trace", "admit", "meter", "forward"],
  auth: ["trace", "admit", "identify", "meter", "redeem", "validate", "cache", "forward"],
  oauth: ["trace", "admit", "identify", "meter", "redeem"],
  records: ["trace", "admit", "identify", "meter", "validate", "cache", "forward"],
  batch: ["trace", "admit", "identify", "meter", "validate", "cache", "forward"],
  files: ["trace", "admit", "identify", "meter"],
  file: ["trace", "admit", "identify", "meter", "cache", "forward"],
  realtime: ["trace", "admit", "identify", "meter"],
  admin: ["trace", "admit", "identify", "meter", "validate", "cache", "forward"],
  custom: ["trace", "admit", "identify", "meter", "validate", "cache", "forward"],
} as const satisfies Record<TrafficKind, readonly StageName[]>;

/** Stages that an exchange may walk again: what is asked over a WebSocket is asked as if it came alone. */
export interface AgainStages {
  readonly identify: Stage;
  readonly meter: Stage;
}

/** What the routes do: answer what is Hapta's own, and reshape what PocketBase answered. */
export interface Routes {
  /** Answers the exchanges whose plan ends before `forward`. */
  readonly answer: (exchange: Exchange, stages: AgainStages) => Answer | Promise<Answer>;
  /** The last word on an answer from PocketBase; most pass as they are. */
  readonly reshape: (exchange: Exchange, answer: Answer) => Answer | Promise<Answer>;
}

/** Takes a request to its answer. Never throws or rejects: bugs become a 500 that says nothing. */
export type Pipeline = (request: WireRequest) => Answer | Promise<Answer>;

const toPlans = (stages: Record<StageName, Stage | undefined>): ReadonlyMap<string, readonly Stage[]> =>
  new Map(Object.entries(PLANS).map(([kind, names]) => [kind, names.flatMap((name) => stages[name] ?? [])]));

type Walk = (exchange: Exchange, from?: number) => Answer | Promise<Answer>;

const createWalk = (services: Services, routes: Routes): Walk => {
  const forward = createForward(services);
  const again: AgainStages = { identify: createIdentify(services), meter: createMeter(services) };
  const stages: Record<StageName, Stage | undefined> = {
    trace: undefined,
    admit: undefined,
    ...again,
    redeem: createRedeem(services),
    validate: createValidate(services),
    cache: createCache(services, forward),
    forward,
  };
  const plans = toPlans(stages);

  // Runs the stages one after the other; waits only for those that make it wait.
  const walk: Walk = (exchange, from = 0) => {
    const plan = plans.get(exchange.route.kind) ?? [];
    for (let i = from; i < plan.length; i++) {
      const outcome = plan[i]?.(exchange);
      if (outcome instanceof Promise) {
        return outcome.then((answer) =>
          answer === undefined ? walk(exchange, i + 1) : routes.reshape(exchange, answer),
        );
      }
      if (outcome !== undefined) return routes.reshape(exchange, outcome);
    }
    return routes.answer(exchange, again);
  };
  return walk;
};

export const createPipeline = (services: Services, routes: Routes): Pipeline => {
  const trace = createTrace(services);
  const admit = createAdmit(services);
  const walk = createWalk(services, routes);

  const refuse = (traced: Traced, reason: unknown): Answer => {
    const error = traced.exchange?.loginTry?.refused() ?? reason;
    traced.exchange?.whenDone?.(isUnsent(error) ? "unsent" : undefined);
    return error instanceof Refusal
      ? trace.refuse(traced, renderRefusal(error.code, error.detail), error)
      : trace.refuse(traced, renderRefusal("internal"), error);
  };
  const finish = (traced: Traced, answer: Answer): Answer => {
    traced.exchange?.whenDone?.(answer.status);
    return trace.finish(traced, answer);
  };
  const complete = (traced: Traced, answer: Answer): Answer | Promise<Answer> => {
    const pending = traced.exchange?.loginTry;
    if (pending === undefined) return finish(traced, answer);
    return pending.answered(answer).then(
      (later) => finish(traced, later),
      (error) => refuse(traced, error),
    );
  };
  const enter = (traced: Traced, exchange: Exchange): Answer | Promise<Answer> => {
    traced.exchange = exchange;
    return walk(exchange);
  };

  return (request) => {
    const traced = trace.begin(request);
    try {
      const admitted = admit(request, traced);
      const answer =
        admitted instanceof Promise
          ? admitted.then((exchange) => enter(traced, exchange))
          : enter(traced, admitted);
      if (!(answer instanceof Promise)) return complete(traced, answer);
      return answer.then(
        (later) => complete(traced, later),
        (error) => refuse(traced, error),
      );
    } catch (error) {
      return refuse(traced, error);
    }
  };
};

// No turn came for it: PocketBase has not heard a word.
const isUnsent = (error: unknown): boolean => error instanceof Refusal && error.code === "overloaded";
