// Hapta's own routes, by kind of traffic.
import { Refusal } from "../errors.ts";
import type { Routes } from "../pipeline.ts";
import type { Services } from "../services.ts";
import { createControlRoutes } from "./control/control.ts";
import { createHealthRoutes } from "./health.ts";
import { createReshape } from "./reshape.ts";
import { createSessionRoutes } from "./sessions.ts";

export const createRoutes = (services: Services): Routes => {
  const health = createHealthRoutes(services);
  const control = createControlRoutes(services);
  const sessions = createSessionRoutes(services);
  return {
    answer: (exchange) => {
      switch (exchange.route.kind) {
        case "probe":
          return health(exchange);
        case "control":
          return control(exchange);
        case "session":
          return sessions(exchange);
        default:
          throw new Refusal("not_found");
      }
    },
    reshape: createReshape(services),
  };
};
