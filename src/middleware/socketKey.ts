// The request for a WebSocket (RFC 6455 section 4.2.1): whether it is one, and its key. A helper of the stage `admit`;
// answers nothing.
import { Refusal } from "../errors.ts";
import type { RequestHead } from "../http/requestHead.ts";
import type { Route } from "../pocketbase/routes.ts";

/** 16 bytes in base64, in the only spelling they have. */
const KEY = /^[A-Za-z0-9+/]{21}[AQgw]==$/;
const VERSION = "13";
/** What the refusal tells: what would be understood (RFC 9110 section 15.5.22, RFC 6455 section 4.4). */
const OFFER: readonly string[] = [
  "Connection",
  "Upgrade",
  "Upgrade",
  "websocket",
  "Sec-WebSocket-Version",
  VERSION,
];

/**
 * The key of a request for a WebSocket; undefined for other routes. Extensions and subprotocols that it offers are
 * passed over.
 *
 * @throws Refusal `upgrade_required` when it is none, `upgrade_invalid` when two readers could disagree about that
 */
export const readSocketKey = (head: RequestHead, { isSocket }: Route): string | undefined => {
  if (isSocket !== true) return undefined;
  if (!listOf(head, "upgrade").includes("websocket"))
    throw new Refusal("upgrade_required", { headers: OFFER });
  const key = valuesOf(head, "sec-websocket-key");
  const version = valuesOf(head, "sec-websocket-version");
  const isWhole =
    head.method === "GET" &&
    head.minor === 1 &&
    head.framing.kind === "none" &&
    listOf(head, "connection").includes("upgrade") &&
    key.length === 1 &&
    version.length === 1;
  if (!isWhole || !KEY.test(key[0] ?? "")) throw new Refusal("upgrade_invalid");
  if (version[0] !== VERSION) throw new Refusal("upgrade_required", { headers: OFFER });
  return key[0] ?? "";
};

const valuesOf = ({ names, values }: RequestHead, name: string): string[] =>
  values.filter((_, at) => names[at]?.lower === name);

const listOf = (head: RequestHead, name: string): string[] =>
  valuesOf(head, name)
    .join()
    .toLowerCase()
    .split(",")
    .map((one) => one.trim());
