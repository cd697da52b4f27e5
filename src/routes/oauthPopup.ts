// PocketBase's answers in the SDK's popup flow: login methods leave with verifiers of Hapta's own, and the redirect
// ends at a page of Hapta's, because PocketBase's lies under `/_/`, which public clients do not see.
import type { Exchange } from "../exchange.ts";
import type { Answer } from "../http/answer.ts";
import { gatherAnswer } from "../http/gatherAnswer.ts";
import { withIssuedVerifiers } from "../oauth/authMethods.ts";
import type { Services } from "../services.ts";
import { headerValue, withoutHeaders } from "../utils/headers.ts";

const HELD = { bytesMax: 8_388_608, timeoutMs: 10_000 };

/** The list of login methods with Hapta's verifiers; what is no list passes as it is. Not to be stored by anybody. */
export const reissuedMethods = async (
  services: Services,
  exchange: Exchange,
  answer: Answer,
): Promise<Answer> => {
  const { collections, oauth } = services;
  const whole = await gatherAnswer(answer, HELD);
  const cid = collections.find(exchange.route.collection ?? "")?.id;
  if (cid === undefined || !(whole.body instanceof Uint8Array)) return whole;
  const text = Buffer.from(whole.body).toString("utf8");
  const rewritten = withIssuedVerifiers(text, (provider) => oauth.verifiers.issue({ cid, provider }));
  if (rewritten === text) return whole;
  const headers = withoutHeaders(whole.headers, ["content-length", "cache-control"]);
  return {
    status: whole.status,
    headers: [...headers, "Cache-Control", "no-store"],
    body: Buffer.from(rewritten),
  };
};

// Relative, as PocketBase's is, so that it works below a path prefix of a proxy.
const ENDS: readonly (readonly [string, string])[] = [
  ["/auth/oauth2-redirect-success", "../auth/oauth2/done"],
  ["/auth/oauth2-redirect-failure", "../auth/oauth2/failed"],
];

/** The redirect with the place changed to Hapta's own page; the URL with the code goes to no third party. */
export const endedPopup = (answer: Answer): Answer => {
  const location = headerValue(answer.headers, "location") ?? "";
  const place = ENDS.find(([end]) => location.endsWith(end))?.[1];
  if (place === undefined) return answer;
  const headers = withoutHeaders(answer.headers, ["location"]);
  return {
    ...answer,
    headers: [...headers, "Location", place, "Referrer-Policy", "no-referrer", "Cache-Control", "no-store"],
  };
};
