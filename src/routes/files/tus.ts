// Resumable uploads (tus 1.0) at `/files/tus`: the adapter between the pipeline and the library that speaks the protocol.
// Who may begin one is decided here, who may finish it by PocketBase.
import { randomBytes } from "node:crypto";
import { Server } from "@tus/server";
import { type ErrorCode, Refusal } from "../../errors.ts";
import type { Exchange } from "../../exchange.ts";
import { CHECKSUM_ALGORITHMS, readChecksum } from "../../files/checkedStore.ts";
import type { Spool, Spooled } from "../../files/spool.ts";
import { UploadLocks } from "../../files/uploadLocks.ts";
import { readUploadMetadata } from "../../files/uploadMetadata.ts";
import { type Answer, isStreamed } from "../../http/answer.ts";
import { fileBytesMax } from "../../pocketbase/collection.ts";
import type { Services } from "../../services.ts";
import type { Session } from "../../sessions/liveSessions.ts";
import { headerValue } from "../../utils/headers.ts";
import { endOf, sessionRequired } from "../sessionEnd.ts";
import { createDeliver, type Deliver } from "./deliver.ts";
import { toRequest } from "./tusRequest.ts";
import { uploadPlace } from "./uploadPlace.ts";

const PATH = "/files/tus";
const VERSION = "1.0.0";
const BYTES = "application/offset+octet-stream";
/** What may be done with an upload. The library knows more methods, and makes uploads wherever a POST goes. */
const OF_UPLOADS = new Set(["HEAD", "PATCH", "DELETE"]);
/** Bytes of the form that a whole upload is sent on in, besides the file: names of 1000 characters, escaped. */
const FORM_BYTES_MAX = 16_384;

const CODES: Readonly<Record<number, ErrorCode>> = {
  404: "not_found",
  409: "upload_conflict",
  410: "not_found",
  413: "body_too_large",
  423: "upload_conflict",
  460: "upload_corrupt",
  // The disk did not take it.
  500: "spool_full",
};

/** What a whole upload will never get past; after anything else it may be tried again. */
const FINAL = new Set<ErrorCode>(["file_refused", "not_found", "write_denied"]);

/** What a request creates, as it is kept beside the upload. */
type Kept = Readonly<Record<string, string>>;

interface Begun {
  readonly id: string;
  readonly kept: Kept;
}

/** Answers everything under `/files/tus`. */
export const createTusRoute = (services: Services): ((exchange: Exchange) => Promise<Answer>) => {
  const uploads = new TusUploads(services);
  return async (exchange) => {
    if (exchange.method === "OPTIONS") return await uploads.speak(exchange);
    if (headerValue(exchange.headers, "tus-resumable") !== VERSION)
      throw new Refusal("upload_version", { headers: ["Tus-Version", VERSION] });
    const { cid, uid } = sessionOf(exchange);
    const owner = `${cid}/${uid}`;
    if (exchange.path === PATH) return await uploads.begin(exchange, owner);
    if (!OF_UPLOADS.has(exchange.method)) throw new Refusal("not_found");
    if (exchange.method === "PATCH" && headerValue(exchange.headers, "content-type") !== BYTES)
      throw new Refusal("media_type_unsupported", { message: `The bytes of an upload come as ${BYTES}.` });
    return await uploads.goOn(exchange, { id: exchange.path.slice(PATH.length + 1), owner });
  };
};

interface Named {
  readonly id: string;
  readonly owner: string;
}

class TusUploads {
  readonly #services: Services;
  readonly #spool: Spool;
  readonly #deliver: Deliver;
  readonly #mayBegin: ReturnType<typeof createPermission>;
  readonly #server: Server;
  /** What requests create, until the library asks for it. */
  readonly #begun = new WeakMap<Request, Begun>();
  readonly #delivering = new Map<string, Promise<void>>();

  constructor(services: Services) {
    this.#services = services;
    this.#spool = services.uploads.spool;
    this.#deliver = createDeliver(services);
    this.#mayBegin = createPermission(services);
    this.#server = new Server({
      path: PATH,
      datastore: this.#spool.store,
      locker: new UploadLocks(),
      relativeLocation: true,
      namingFunction: (request) => this.#begun.get(request)?.id ?? randomBytes(16).toString("hex"),
      onUploadCreate: async (request) => ({ metadata: { ...this.#begun.get(request)?.kept } }),
      allowedHeaders: ["Upload-Checksum"],
      exposedHeaders: ["Tus-Checksum-Algorithm", "Upload-Expires"],
    });
  }

  async begin(exchange: Exchange, owner: string): Promise<Answer> {
    const length = headerValue(exchange.headers, "upload-length") ?? "";
    if (exchange.method !== "POST" || !/^\d{1,15}$/.test(length)) throw new Refusal("upload_invalid");
    const place = await this.#mayBegin(exchange, Number(length));
    const id = randomBytes(16).toString("hex");
    const answer = await this.#spool.create({ id, owner, bytes: Number(length) }, () =>
      this.speak(exchange, { id, kept: { ...place, owner } }).catch(async (error: unknown) => {
        // Its maker will never hear where it is.
        await this.#spool.remove(id);
        throw error;
      }),
    );
    if (answer === undefined) throw new Refusal("spool_full");
    return await this.#finished(exchange, answer, { id, owner });
  }

  async goOn(exchange: Exchange, named: Named): Promise<Answer> {
    if ((await this.#spool.find(named.id, named.owner)) === undefined) throw new Refusal("not_found");
    const answer = await this.speak(exchange);
    return exchange.method === "DELETE" ? answer : await this.#finished(exchange, answer, named);
  }

  /** Hands a request to the library. @throws Refusal for what it refuses. */
  async speak(exchange: Exchange, begun?: Begun): Promise<Answer> {
    const given = headerValue(exchange.headers, "upload-checksum");
    const checksum = given === undefined ? undefined : readChecksum(given);
    if (given !== undefined && checksum === undefined) throw new Refusal("upload_invalid");
    let isStalled = false;
    const { idleTimeoutMs, uploadBytesPerSecondMin } = this.#services.settings.upstream;
    const request = toRequest(exchange, {
      idleMs: idleTimeoutMs,
      bytesPerSecondMin: uploadBytesPerSecondMin,
      onStall: () => {
        isStalled = true;
      },
    });
    if (begun !== undefined) this.#begun.set(request, begun);
    const response = await this.#spool.store.expect(checksum, () => this.#server.handleWeb(request));
    if (exchange.method === "OPTIONS")
      response.headers.set("Tus-Checksum-Algorithm", CHECKSUM_ALGORITHMS.join(","));
    // Which pages may read is said in one place for all answers.
    response.headers.delete("access-control-allow-origin");
    const headers = [...response.headers].flat();
    const { status } = response;
    if (isStalled) throw new Refusal("body_too_slow", { headers: forTus(headers) });
    if (status >= 400) throw new Refusal(CODES[status] ?? "upload_invalid", { headers: forTus(headers) });
    // Without a length only these end where their head ends (RFC 9112 section 6.3).
    const isBodyless = status === 204 || exchange.method === "HEAD";
    return { status, headers, body: isBodyless ? null : new Uint8Array(0) };
  }

  // Whole, and not in its record yet: also found so after a crash, or when PocketBase was away.
  async #finished(exchange: Exchange, answer: Answer, { id, owner }: Named): Promise<Answer> {
    const upload = await this.#spool.find(id, owner);
    if (upload === undefined || upload.offset !== upload.size) return answer;
    const running =
      this.#delivering.get(id) ?? this.#finish(exchange, upload).finally(() => this.#delivering.delete(id));
    this.#delivering.set(id, running);
    await running;
    return answer;
  }

  async #finish(exchange: Exchange, upload: Spooled): Promise<void> {
    // It may have ended while the bytes came.
    if (!this.#services.sessions.isLive(sessionOf(exchange))) throw new Refusal("session_required");
    const answer = await this.#deliver(exchange, upload).catch(async (error: unknown) => {
      if (error instanceof Refusal && FINAL.has(error.code)) await this.#spool.remove(upload.id);
      throw error;
    });
    if (answer.status >= 500) throw new Refusal("upstream_unreachable");
    await this.#spool.remove(upload.id);
    if (answer.status >= 400) throw new Refusal("upload_refused", { data: dataOf(answer) });
  }
}

const sessionOf = (exchange: Exchange): Session => {
  const { principal } = exchange;
  const session =
    principal.kind === "record" || principal.kind === "superuser" ? principal.session : undefined;
  if (session === undefined || exchange.credential === undefined) throw sessionRequired(endOf(exchange));
  return session;
};

// What can be known before a byte is sent; the rule itself is PocketBase's to judge, at the end.
const createPermission =
  (services: Services) =>
  async (exchange: Exchange, bytes: number): Promise<Kept> => {
    const said = readUploadMetadata(headerValue(exchange.headers, "upload-metadata") ?? "");
    if (said === undefined) throw new Refusal("upload_invalid");
    const { collection, field } = await uploadPlace(services, said, exchange.principal);
    const { settings, uploads } = services;
    const sendBytesMax = settings.server.bodyBytesMax - FORM_BYTES_MAX;
    if (bytes > Math.min(fileBytesMax(field), sendBytesMax, uploads.spool.ownerBytesMax))
      throw new Refusal("body_too_large");
    const path = `/api/collections/${collection.id}/records/${said.record}?fields=id`;
    const { credential = "", client } = exchange;
    const verdict = await services.memberCalls.maySee(credential, path, client.address);
    if (verdict === undefined) throw new Refusal("upstream_unreachable");
    if (!verdict) throw new Refusal("not_found");
    return { collectionId: collection.id, recordId: said.record, field: field.name, filename: said.filename };
  };

const forTus = (headers: readonly string[]): string[] =>
  headers.filter((_, i, all) => /^(?:tus-|upload-|access-control-expose)/i.test(all[i - (i % 2)] ?? ""));

/** PocketBase's word on each field. */
const dataOf = ({ body }: Answer): Readonly<Record<string, unknown>> => {
  if (body === null || isStreamed(body)) return {};
  try {
    const json: unknown = JSON.parse(Buffer.from(body).toString("utf8"));
    const data: unknown = typeof json === "object" && json !== null ? Reflect.get(json, "data") : undefined;
    return typeof data === "object" && data !== null ? { ...data } : {};
  } catch {
    return {}; // a hook's own words
  }
};
