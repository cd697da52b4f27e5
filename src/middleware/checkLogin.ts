// Bodies of login calls, refused where PocketBase surely refuses them, before it looks anybody up, and of impersonations, when
// there is somebody to impersonate. Who it is, and whether a password is right, is PocketBase's to say.
import { readFormTexts, readStructMembers } from "../bodies/structMembers.ts";
import { Refusal } from "../errors.ts";
import { type Exchange, rankOf } from "../exchange.ts";
import { multipartCodec } from "../multipart/codec.ts";
import type { CallerKind } from "../rules/mayPass.ts";
import { type AuthRefusal, judgeAuthBody } from "../schema/authBody.ts";
import { judgeImpersonation } from "../schema/impersonateBody.ts";
import type { BodyContext } from "../schema/resolveBody.ts";
import type { Services } from "../services.ts";
import { headerValue } from "../utils/headers.ts";
import { foldMemberName } from "../utils/strictJson.ts";

const PATH = /^\/api\/collections\/([^/]+)\/([a-z0-9-]+)$/;
const IMPERSONATE = /^\/api\/collections\/([^/]+)\/impersonate\/([^/]+)$/;

/** Who asks, to a rule (undefined when PocketBase may see somebody else) and to the schema. */
interface Judging {
  callerOf(principal: Exchange["principal"]): CallerKind | undefined;
  contextOf(principal: Exchange["principal"]): Omit<BodyContext, "action">;
}

/** @throws Refusal `auth_invalid`. */
export const createCheckLogin = (
  { collections, memberCalls }: Services,
  { callerOf, contextOf }: Judging,
): ((exchange: Exchange) => undefined | Promise<undefined>) => {
  const judge = (exchange: Exchange): AuthRefusal | undefined => {
    const { method, path, principal } = exchange;
    const memberOf = method === "POST" ? readerOf(exchange) : undefined;
    const [, segment = "", operation = ""] = PATH.exec(path) ?? [];
    const collection = collections.current().find(segment);
    if (collection === undefined || memberOf === undefined) return undefined;
    const caller = callerOf(principal);
    const isRecord = principal.kind === "record" && caller?.kind === "record";
    return judgeAuthBody(collection, {
      operation,
      memberOf,
      callerCollectionId: isRecord ? caller.collectionId : undefined,
      wording: contextOf(principal).wording,
    });
  };

  // Asked again before anybody is refused: the collections may have changed a moment ago.
  const refuse = async (exchange: Exchange): Promise<undefined> => {
    const refusal = (await collections.confirm(0)) ? judge(exchange) : undefined;
    if (refusal !== undefined) throw new Refusal("auth_invalid", refusal);
    return undefined;
  };

  // Whether the caller may, and whether there is such a record, comes first.
  const refuseImpersonation = async (exchange: Exchange, refusal: AuthRefusal): Promise<undefined> => {
    const [, segment = "", recordId] = IMPERSONATE.exec(exchange.path) ?? [];
    const collection = (await collections.confirm(0)) ? collections.current().find(segment) : undefined;
    if (collection?.type !== "auth") return undefined;
    const path = `/api/collections/${collection.id}/records/${recordId}?fields=id`;
    const { client, credential = "" } = exchange;
    if ((await memberCalls.maySee(credential, path, client.address)) === true)
      throw new Refusal("auth_invalid", refusal);
    return undefined;
  };

  return (exchange) => {
    if (exchange.route.operation !== "impersonate")
      return judge(exchange) === undefined ? undefined : refuse(exchange);
    const refusal = impersonationFault(exchange);
    return refusal === undefined ? undefined : refuseImpersonation(exchange, refusal);
  };
};

const impersonationFault = (exchange: Exchange): AuthRefusal | undefined => {
  const { body, headers, method, path, principal } = exchange;
  const isCertain = method === "POST" && rankOf(principal) === "superuser" && IMPERSONATE.test(path);
  if (!isCertain || body.kind !== "bytes") return undefined;
  const isForm = !(headerValue(headers, "content-type") ?? "").startsWith("application/json");
  const text = Buffer.from(body.bytes).toString("utf8");
  return judgeImpersonation(readerOf(exchange)?.("duration"), { isForm, text });
};

/** What PocketBase reads under each name of its forms: JSON folds names, other bodies do not. */
const readerOf = ({ body, headers }: Exchange): ((name: string) => unknown) | undefined => {
  if (body.kind === "none") return () => undefined;
  if (body.kind !== "bytes") return undefined;
  const contentType = headerValue(headers, "content-type") ?? "";
  if (!contentType.startsWith("application/json")) {
    const texts = readFormTexts(body.bytes, contentType, multipartCodec);
    return texts === undefined ? undefined : (name) => texts.get(name);
  }
  const members = readStructMembers(body.bytes, contentType, multipartCodec);
  return (name) => members.get(foldMemberName(name));
};
