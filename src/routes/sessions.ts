// A caller's own sessions: what devices are signed in, signing them out, and whether a token still counts.
import { Refusal } from "../errors.ts";
import { addCookie, type Exchange } from "../exchange.ts";
import type { Answer } from "../http/answer.ts";
import { OWN_HEADERS } from "../http/ownHeaders.ts";
import { refuseUnavailable } from "../middleware/identify.ts";
import type { Services } from "../services.ts";
import type { Session } from "../sessions/liveSessions.ts";
import { clearSessionCookie } from "../sessions/sessionCookie.ts";
import { endOf, sessionRequired } from "./sessionEnd.ts";

const HEADERS = ["Cache-Control", "no-store", ...OWN_HEADERS];

const json = (value: unknown): Answer => ({
  status: 200,
  headers: ["Content-Type", "application/json", ...HEADERS],
  body: Buffer.from(`${JSON.stringify(value)}\n`),
});

const noContent = (): Answer => ({ status: 204, headers: [...HEADERS], body: null });

const takeCookieBack = (exchange: Exchange, { security }: Services["settings"]): void => {
  const { isSecure } = exchange.client;
  const { sameSite } = security.cookies;
  if (exchange.cookieToken !== undefined) addCookie(exchange, clearSessionCookie({ isSecure, sameSite }));
};

/**
 * `GET /auth/sessions`: the caller's, an array. `DELETE /auth/sessions`: ends the others. `DELETE
 * /auth/sessions/{id}`: ends one; foreign and unknown ids answer the same 404. `POST /auth/logout`: 204.
 * `GET /auth/verify`: 200 while the token counts. Everything answers 401 without a live session.
 */
export const createSessionRoutes = ({
  sessions,
  settings,
}: Services): ((exchange: Exchange) => Promise<Answer>) => {
  const note = (exchange: Exchange, reason: string) => ({
    reason,
    ip: exchange.client.address,
    request: exchange.id,
  });

  const list = ({ cid, uid, id }: Session): Answer =>
    json(
      sessions.list({ cid, uid }, { currentId: id }).map((view) => ({
        id: view.id,
        current: view.isCurrent,
        label: view.label,
        ip: view.ip,
        created: new Date(view.createdMs).toISOString(),
        lastSeen: new Date(view.lastSeenMs).toISOString(),
      })),
    );

  const end = async (exchange: Exchange, { cid, uid }: Session, id: string): Promise<Answer> => {
    // Only the caller's own: somebody else's id and no id at all must look alike.
    if (!sessions.list({ cid, uid }).some((view) => view.id === id)) throw new Refusal("not_found");
    await sessions.revoke({ kind: "session", id }, note(exchange, "ended_by_owner"));
    return noContent();
  };

  const serve = async (exchange: Exchange, session: Session): Promise<Answer> => {
    const { cid, uid, id } = session;
    const [, , place, target] = exchange.path.split("/");
    const call = `${exchange.method === "HEAD" ? "GET" : exchange.method} ${place}`;
    if (call === "DELETE sessions" && target !== undefined) return await end(exchange, session, target);
    if (target !== undefined) throw new Refusal("not_found");
    switch (call) {
      case "GET sessions":
        return list(session);
      case "DELETE sessions":
        await sessions.revoke({ kind: "others", cid, uid, keepId: id }, note(exchange, "ended_by_owner"));
        return noContent();
      case "POST logout":
        await sessions.revoke({ kind: "session", id }, note(exchange, "logout"));
        takeCookieBack(exchange, settings);
        return noContent();
      case "GET verify":
        return json({ record: { id: uid, collectionId: cid }, session: id });
      default:
        throw new Refusal("not_found");
    }
  };

  return async (exchange) => {
    const { principal } = exchange;
    const session =
      principal.kind === "record" || principal.kind === "superuser" ? principal.session : undefined;
    if (session === undefined) throw sessionRequired(endOf(exchange));
    try {
      return await serve(exchange, session);
    } catch (error) {
      return refuseUnavailable(error);
    }
  };
};
