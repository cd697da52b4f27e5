// `POST /files/sign`: a URL with which anybody may read one file for a while. Whether the caller may read it is asked of
// PocketBase, in the caller's name, before anything is signed.
import { z } from "zod";
import { Refusal } from "../../errors.ts";
import type { Exchange } from "../../exchange.ts";
import { UrlSigner } from "../../files/signedUrl.ts";
import type { Answer } from "../../http/answer.ts";
import { OWN_HEADERS } from "../../http/ownHeaders.ts";
import type { Services } from "../../services.ts";
import { readOwnBody } from "../readOwnBody.ts";
import { endOf, sessionRequired } from "../sessionEnd.ts";

const BODY_BYTES_MAX = 8_192;
const WEEK_SECONDS = 604_800;

const input = z.strictObject({
  collection: z.string().regex(/^\w{1,255}$/),
  record: z.string().regex(/^\w{1,255}$/),
  file: z.string().regex(/^[\w.-]{1,255}$/),
  /** Seconds. */
  expiresIn: z.int().min(1).max(WEEK_SECONDS).default(3_600),
});

export const createSignRoute = (services: Services): ((exchange: Exchange) => Promise<Answer>) => {
  const { collections, memberCalls, sessions } = services;
  const signer = new UrlSigner(sessions.root.derive("files", "sign"));

  return async (exchange) => {
    if (exchange.method !== "POST") throw new Refusal("not_found");
    const { principal, credential, client } = exchange;
    const isMember = principal.kind === "record" || principal.kind === "superuser";
    if (!isMember || credential === undefined) throw sessionRequired(endOf(exchange));
    const wanted = readInput(await readOwnBody(exchange.body, BODY_BYTES_MAX));
    const collection = collections.current().find(wanted.collection);
    if (collection === undefined) throw new Refusal("not_found");
    const path = `/api/files/${collection.id}/${wanted.record}/${wanted.file}`;
    const verdict = await memberCalls.mayReadFile(credential, path, client.address);
    if (verdict === undefined) throw new Refusal("upstream_unreachable");
    if (!verdict) throw new Refusal("not_found");
    const expMs = Date.now() + wanted.expiresIn * 1000;
    const place = { collectionId: collection.id, recordId: wanted.record, name: wanted.file };
    const url = `${path}?token=${signer.sign(place, expMs)}`;
    return {
      status: 200,
      headers: ["Content-Type", "application/json", "Cache-Control", "no-store", ...OWN_HEADERS],
      body: Buffer.from(`${JSON.stringify({ url, expires: new Date(expMs).toISOString() })}\n`),
    };
  };
};

const readInput = (bytes: Uint8Array | undefined): z.output<typeof input> => {
  const parsed = input.safeParse(toJson(bytes));
  if (parsed.success) return parsed.data;
  const members = parsed.error.issues.map(({ path, message }) => [
    String(path[0] ?? "body"),
    { code: "validation_invalid_value", message },
  ]);
  throw new Refusal("input_invalid", { data: Object.fromEntries(members) });
};

const toJson = (bytes: Uint8Array | undefined): unknown => {
  try {
    return JSON.parse(Buffer.from(bytes ?? []).toString("utf8"));
  } catch {
    return undefined; // refused like any other value that is no object
  }
};
