// What superusers change in their own area (settings, collections, backups, other superusers, impersonation), for the event
// log. Keeps neither bodies nor queries.
import { type Exchange, isUnsafe } from "../exchange.ts";
import type { Services } from "../services.ts";
import { labelOf } from "../sessions/device.ts";
import { headerValue } from "../utils/headers.ts";

/** Notes a change that PocketBase has made for a superuser. Logins and refreshes have events of their own. */
export const noteSuperuserAction = (
  { sessions }: Services,
  { principal, route, method, path, client, headers, id }: Exchange,
  status: number,
): void => {
  if (route.isAdmin !== true || principal.kind !== "superuser" || !isUnsafe(method) || status >= 300) return;
  if (route.kind === "auth" && route.operation !== "impersonate") return;
  const { session } = principal;
  sessions.note({
    type: "superuser_action",
    session: session.id,
    cid: session.cid,
    uid: session.uid,
    ip: client.address,
    label: labelOf(headerValue(headers, "user-agent") ?? ""),
    request: id,
    detail: `${method} ${path}`,
  });
};
