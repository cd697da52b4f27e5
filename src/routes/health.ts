// Liveness and readiness: anonymous, without detail, never limited.
import { Refusal } from "../errors.ts";
import type { Exchange } from "../exchange.ts";
import type { Answer } from "../http/answer.ts";
import { OWN_HEADERS } from "../http/ownHeaders.ts";
import type { Services } from "../services.ts";

const say = (status: number, message: string): Answer => ({
  status,
  headers: ["Content-Type", "application/json", "Cache-Control", "no-store", ...OWN_HEADERS],
  body: Buffer.from(`${JSON.stringify({ data: {}, message, status })}\n`),
});

/**
 * `GET /hapta/live`: 200 while the process serves. `GET /hapta/ready`: 200 when PocketBase is checked and
 * answers, else 503.
 */
export const createHealthRoutes = ({ upstreamState }: Services): ((exchange: Exchange) => Answer) => {
  return ({ method, path }) => {
    if (method !== "GET" && method !== "HEAD") throw new Refusal("not_found");
    if (path === "/hapta/live") return say(200, "Alive.");
    if (path !== "/hapta/ready") throw new Refusal("not_found");
    return upstreamState().kind === "ready" ? say(200, "Ready.") : say(503, "Not ready.");
  };
};
