// JSON bodies of login calls, refused where PocketBase surely refuses them, before it looks anybody up. Who it is, and whether
// a password is right, is PocketBase's to say.
import { readStructMembers } from "../bodies/structMembers.ts";
import { Refusal } from "../errors.ts";
import type { Exchange } from "../exchange.ts";
import { multipartCodec } from "../multipart/codec.ts";
import { type AuthRefusal, judgeAuthBody } from "../schema/authBody.ts";
import type { Services } from "../services.ts";
import { headerValue } from "../utils/headers.ts";

const PATH = /^\/api\/collections\/([^/]+)\/([a-z0-9-]+)$/;

/** @throws Refusal `auth_invalid`. */
export const createCheckLogin = ({
  collections,
}: Services): ((exchange: Exchange) => undefined | Promise<undefined>) => {
  const judge = ({ method, path, body, headers }: Exchange): AuthRefusal | undefined => {
    const contentType = headerValue(headers, "content-type") ?? "";
    if (method !== "POST" || body.kind !== "bytes" || !contentType.startsWith("application/json"))
      return undefined;
    const [, segment = "", operation = ""] = PATH.exec(path) ?? [];
    const collection = collections.current().find(segment);
    if (collection === undefined) return undefined;
    return judgeAuthBody(collection, operation, readStructMembers(body.bytes, contentType, multipartCodec));
  };

  // Asked again before anybody is refused: the collections may have changed a moment ago.
  const refuse = async (exchange: Exchange): Promise<undefined> => {
    const refusal = (await collections.confirm(0)) ? judge(exchange) : undefined;
    if (refusal !== undefined) throw new Refusal("auth_invalid", refusal);
    return undefined;
  };

  return (exchange) => (judge(exchange) === undefined ? undefined : refuse(exchange));
};
