// Keys of the config file that name a route which hooks add to the app.
import { toRoute } from "../pocketbase/routes.ts";
import { ROUTE_KEY } from "../utils/routeKeys.ts";

/** Whether a key names a route that is neither PocketBase's nor Hapta's own: what is said of those would never be asked. */
export const isOwnRoute = (key: string): boolean => {
  const [all, method = "", path = ""] = ROUTE_KEY.exec(key) ?? [];
  return all !== undefined && toRoute(method, path.slice(1).split("/")).kind === "custom";
};
