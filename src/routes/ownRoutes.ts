// Hapta's own routes, by kind of traffic.
import { Refusal } from "../errors.ts";
import type { Exchange } from "../exchange.ts";
import type { Answer } from "../http/answer.ts";
import type { Routes } from "../pipeline.ts";
import type { Services } from "../services.ts";
import { headerValue } from "../utils/headers.ts";
import { createControlRoutes } from "./control/control.ts";
import { createDocsRoutes } from "./docs/docs.ts";
import { createFilesRoutes } from "./files/files.ts";
import { createHealthRoutes } from "./health.ts";
import { createOAuthRoutes } from "./oauth.ts";
import { createRealtimeRoutes } from "./realtime.ts";
import { createReshape } from "./reshape.ts";
import { createSessionRoutes } from "./sessions.ts";

// As PocketBase does with its own answers; `Security.Origins` narrows both.
const letPagesRead = ({ headers }: Exchange, answer: Answer): Answer =>
  headerValue(headers, "origin") === undefined
    ? answer
    : { ...answer, headers: [...answer.headers, "Access-Control-Allow-Origin", "*"] };

const readable = (exchange: Exchange, answer: Answer | Promise<Answer>): Answer | Promise<Answer> =>
  answer instanceof Promise
    ? answer.then((later) => letPagesRead(exchange, later))
    : letPagesRead(exchange, answer);

export const createRoutes = (services: Services): Routes => {
  const health = createHealthRoutes(services);
  const control = createControlRoutes(services);
  const docs = createDocsRoutes(services);
  const files = createFilesRoutes(services);
  const oauth = createOAuthRoutes(services);
  const realtime = createRealtimeRoutes(services);
  const sessions = createSessionRoutes(services);
  return {
    answer: (exchange, stages) => {
      switch (exchange.route.kind) {
        case "probe":
          return health(exchange);
        case "control":
          return control(exchange);
        case "docs":
          return docs(exchange).then((answer) => letPagesRead(exchange, answer));
        case "files":
          return files(exchange).then((answer) => letPagesRead(exchange, answer));
        case "oauth":
          return oauth(exchange).then((answer) => letPagesRead(exchange, answer));
        case "realtime":
          return readable(exchange, realtime(exchange, stages));
        case "session":
          return sessions(exchange).then((answer) => letPagesRead(exchange, answer));
        default:
          throw new Refusal("not_found");
      }
    },
    reshape: createReshape(services),
  };
};
