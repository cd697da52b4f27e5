// Bodies of login calls, refused where PocketBase surely refuses them, before it looks anybody up. Who it is, and whether a
// password is right, is PocketBase's to say.
import { readFormTexts, readStructMembers } from "../bodies/structMembers.ts";
import { Refusal } from "../errors.ts";
import type { Exchange } from "../exchange.ts";
import { multipartCodec } from "../multipart/codec.ts";
import type { CallerKind } from "../rules/mayPass.ts";
import { type AuthRefusal, judgeAuthBody } from "../schema/authBody.ts";
import type { BodyContext } from "../schema/resolveBody.ts";
import type { Services } from "../services.ts";
import { headerValue } from "../utils/headers.ts";
import { foldMemberName } from "../utils/strictJson.ts";

const PATH = /^\/api\/collections\/([^/]+)\/([a-z0-9-]+)$/;

/** Who asks, to a rule (undefined when PocketBase may see somebody else) and to the schema. */
interface Judging {
  callerOf(principal: Exchange["principal"]): CallerKind | undefined;
  contextOf(principal: Exchange["principal"]): Omit<BodyContext, "action">;
}

/** @throws Refusal `auth_invalid`. */
export const createCheckLogin = (
  { collections }: Services,
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

  return (exchange) => (judge(exchange) === undefined ? undefined : refuse(exchange));
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
