// The last stage: rebuilds the request from the Exchange, sends it, and turns what goes wrong upstream
// into refusals. What PocketBase answers is passed on as it came.
import { type ErrorCode, Refusal } from "../errors.ts";
import type { Exchange, Stage } from "../exchange.ts";
import { type Answer, isStreamed } from "../http/answer.ts";
import type { UpstreamRequest } from "../pocketbase/wire/requestWriter.ts";
import type { UpstreamError, UpstreamFailure } from "../pocketbase/wire/upstreamError.ts";
import type { Services } from "../services.ts";
import { isPrivateAddress } from "../utils/address.ts";
import { guardWrite } from "./cutWrites.ts";
import { createJudgeUpload } from "./judgeUpload.ts";
import { createRewriteUpload, type Upload } from "./rewriteUpload.ts";

const CODES: Record<UpstreamFailure, ErrorCode> = {
  unreachable: "upstream_unreachable",
  invalid: "upstream_invalid",
  timeout: "upstream_timeout",
  overloaded: "overloaded",
  client_slow: "body_too_slow",
  client_body_too_large: "body_too_large",
  client_gone: "body_invalid",
};

export const createForward = (services: Services): Stage => {
  const { pool, settings, sessions, writes } = services;
  const { authority, origin } = pool;
  const { bodyBytesMax } = settings.server;
  const rewriteUpload = createRewriteUpload(services, createJudgeUpload(services));

  return (exchange) => {
    if (exchange.body.kind === "none") return send(exchange);
    const upload = rewriteUpload(exchange);
    if (upload === undefined) return send(exchange);
    return upload instanceof Promise
      ? upload.then((ready) => (ready === undefined ? send(exchange) : sendUpload(ready)))
      : sendUpload(upload);
  };

  // What broke the body off is what the client hears, not that it broke.
  function sendUpload({ exchange, rewriter }: Upload): Promise<Answer> {
    return send(exchange).catch((error: unknown) => {
      throw rewriter.refusal ?? error;
    });
  }

  function send(exchange: Exchange): Promise<Answer> {
    const { client, method, presence, route } = exchange;
    if (presence.isGone) throw new Refusal("body_invalid");
    const guarded = route.body === "drop" ? undefined : guardWrite(exchange, { sessions, writes });
    const request: UpstreamRequest = {
      method,
      head: renderHead(exchange, authority),
      body: guarded?.body ?? exchange.body,
      bodyBytesMax,
      isStream: route.isStream === true,
      fairnessKey: client.block,
    };
    return new Promise((resolve, reject) => {
      pool.request(request, {
        onPending: (pending) => {
          presence.whenGone = () => pending.cancel();
        },
        onAnswer: (answer) => {
          guarded?.done();
          const passed = withoutUpstream(answer, origin, client.isPrivate);
          if (passed !== undefined) resolve(passed);
          else reject(new Refusal("upstream_invalid"));
        },
        onFailure: (error) => {
          guarded?.done();
          reject(guarded?.isCut() === true ? new Refusal("session_required") : toRefusal(error));
        },
      });
    });
  }
};

const toRefusal = (error: UpstreamError): Refusal => {
  const detail = error.failure === "overloaded" ? { retryAfterSeconds: retryAfter() } : {};
  return new Refusal(CODES[error.failure], { ...detail, cause: error });
};

/** Request line and headers; the only client address PocketBase hears is the one Hapta resolved. */
const renderHead = (exchange: Exchange, authority: string): string => {
  const { client, credential, headers, method, path, query } = exchange;
  let head = `${method} ${path}${query === "" ? "" : `?${query}`} HTTP/1.1\r\nHost: ${authority}\r\n`;
  for (let i = 0; i < headers.length; i += 2) head += `${headers[i]}: ${headers[i + 1]}\r\n`;
  if (credential !== undefined) head += `Authorization: ${credential}\r\n`;
  return `${head}X-Forwarded-For: ${client.address}\r\n`;
};

// Spread out, so that everybody turned away does not come back in the same second.
const retryAfter = (): number => 1 + Math.floor(Math.random() * 3);

// Redirects are never followed. One that names the upstream becomes relative; one that sends the client
// in from outside to some private address can only be a mistake or an attack: undefined.
const withoutUpstream = (answer: Answer, origin: string, isPrivateClient: boolean): Answer | undefined => {
  if (answer.status < 300 || answer.status >= 400) return answer;
  const headers = [...answer.headers];
  for (let i = 0; i < headers.length; i += 2) {
    const location = headers[i + 1];
    if (location === undefined || headers[i]?.toLowerCase() !== "location") continue;
    if (location.startsWith(`${origin}/`)) headers[i + 1] = location.slice(origin.length);
    else if (!isPrivateClient && namesPrivateHost(location)) {
      if (isStreamed(answer.body)) answer.body.cancel();
      return undefined;
    }
  }
  return { ...answer, headers };
};

const namesPrivateHost = (location: string): boolean => {
  try {
    // Read as a browser does, which takes `\\` for `/` and drops tabs; relative ones keep the public base.
    const hostname = new URL(location, "https://relative.invalid").hostname.replace(/\.$/, "");
    if (hostname === "localhost" || hostname.endsWith(".localhost") || hostname === "0.0.0.0") return true;
    return isPrivateAddress(hostname.replace(/^\[|\]$/g, ""));
  } catch {
    return true;
  }
};
