// Logins that PocketBase has refused, for the event log. Keeps neither what was typed as a name (people type passwords
// there) nor what PocketBase said about it.
import type { Exchange } from "../exchange.ts";
import { type Answer, isStreamed } from "../http/answer.ts";
import type { Services } from "../services.ts";
import { labelOf } from "../sessions/device.ts";
import { headerValue } from "../utils/headers.ts";

const FAILED = new Set([400, 401, 403]);
const MFA_MEMBER = '"mfaId"';

/** Notes an answer to `auth-with-*` that says no. The 401 that asks for a second factor is no failure. */
export const noteFailedLogin = (
  { sessions, collections }: Services,
  { route, client, headers, id }: Exchange,
  { status, body }: Answer,
): void => {
  const { collection = "", operation = "" } = route;
  if (!operation.startsWith("auth-with-") || !FAILED.has(status)) return;
  if (status === 401 && body !== null && !isStreamed(body) && Buffer.from(body).includes(MFA_MEMBER)) return;
  sessions.note({
    type: "authn_fail",
    cid: collections.find(collection)?.id,
    ip: client.address,
    label: labelOf(headerValue(headers, "user-agent") ?? ""),
    request: id,
    detail: `${operation} ${status}`,
  });
};
