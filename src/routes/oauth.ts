// Hapta's own OAuth2 paths, below /auth/oauth2.
import { Refusal } from "../errors.ts";
import type { Exchange } from "../exchange.ts";
import type { Answer } from "../http/answer.ts";
import { renderDonePage, renderFailedPage } from "../oauth/pages/popupPages.ts";

/** `GET /auth/oauth2/done`, `GET /auth/oauth2/failed`: where a popup ends. Everything else: 404. */
export const createOAuthRoutes = (): ((exchange: Exchange) => Answer) => {
  return ({ method, path }) => {
    if (method !== "GET" && method !== "HEAD") throw new Refusal("not_found");
    if (path === "/auth/oauth2/done") return renderDonePage();
    if (path === "/auth/oauth2/failed") return renderFailedPage();
    throw new Refusal("not_found");
  };
};
