// Hapta's own paths about files: `/files/sign` and `/files/tus`.
import { Refusal } from "../../errors.ts";
import type { Exchange } from "../../exchange.ts";
import type { Answer } from "../../http/answer.ts";
import type { Services } from "../../services.ts";
import { createSignRoute } from "./sign.ts";
import { createTusRoute } from "./tus.ts";

/** Answers the exchanges of the kind `files`. */
export const createFilesRoutes = (services: Services): ((exchange: Exchange) => Promise<Answer>) => {
  const sign = createSignRoute(services);
  const tus = createTusRoute(services);
  return async (exchange) => {
    if (exchange.route.operation === "tus") return await tus(exchange);
    if (exchange.path === "/files/sign") return await sign(exchange);
    throw new Refusal("not_found");
  };
};
