// The admin API as one Hono app: every part adds its routes here, and all of them describe themselves. Knows
// nothing of sockets, keys and stages: whoever gets here has been let in.
import { OpenAPIHono } from "@hono/zod-openapi";
import { HTTPException } from "hono/http-exception";
import { Refusal } from "../../errors.ts";
import type { Exchange } from "../../exchange.ts";
import type { Services } from "../../services.ts";
import { VERSION } from "../../utils/version.ts";
import { addCacheRoutes } from "./cacheRoutes.ts";
import { addEventRoutes } from "./eventRoutes.ts";
import { addFileRoutes } from "./fileRoutes.ts";
import { addKeyRoutes } from "./keyRoutes.ts";
import { addLimitRoutes } from "./limitRoutes.ts";
import { refuseInput } from "./refuseInput.ts";
import { addSessionRoutes } from "./sessionRoutes.ts";

/** What handlers get beside the request: `c.env.exchange` says who asks (its principal) and from where. */
export interface ControlEnv {
  readonly Bindings: { readonly exchange: Exchange };
}

export type ControlApp = OpenAPIHono<ControlEnv>;

/** Adds the routes of one feature; handlers throw a Refusal for what they do not serve. */
export type ControlPart = (app: ControlApp, services: Services) => void;

/** Every part of the admin API. A new one is a file beside this one and its name here. */
const PARTS: readonly ControlPart[] = [
  addCacheRoutes,
  addSessionRoutes,
  addEventRoutes,
  addFileRoutes,
  addKeyRoutes,
  addLimitRoutes,
];

/** The admin API's OpenAPI 3.1 description. */
export type ControlDescription = ReturnType<ControlApp["getOpenAPI31Document"]>;

/** Builds the app. Its `fetch` rejects with a Refusal for what is refused; anything else it throws is a bug. */
export const createControlApp = (services: Services): ControlApp => {
  const app: ControlApp = new OpenAPIHono({
    defaultHook: (result) => (result.success ? undefined : refuseInput(result.error.issues)),
  });
  app.notFound(() => {
    throw new Refusal("not_found");
  });
  app.onError((error) => {
    if (error instanceof HTTPException)
      throw new Refusal(error.status === 415 ? "media_type_unsupported" : "body_invalid", { cause: error });
    throw error;
  });
  app.openAPIRegistry.registerComponent("securitySchemes", "adminKey", { type: "http", scheme: "bearer" });
  for (const addPart of PARTS) addPart(app, services);
  app.get("/hapta/openapi.json", (c) => c.json(describeControl(app)));
  return app;
};

/** Describes every route of the app. */
export const describeControl = (app: ControlApp): ControlDescription =>
  app.getOpenAPI31Document({
    openapi: "3.1.0",
    info: { title: "Hapta admin API", version: VERSION },
    security: [{ adminKey: [] }],
  });
