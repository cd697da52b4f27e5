// Answers downloads from kept files, for the stage `cache`. Only what PocketBase gives to a guest is kept, so there is nothing to
// share that somebody might not see; protected files always are PocketBase's to give, and leave as private.
import { Refusal } from "../errors.ts";
import type { Exchange, Stage } from "../exchange.ts";
import { partOf } from "../files/fileAnswer.ts";
import { asksForThumb, createFileAsk, type FileAsk } from "../files/fileAsk.ts";
import type { FileEntry, FileLease } from "../files/fileEntry.ts";
import type { FileWish } from "../files/fileQuery.ts";
import type { KeptFiles } from "../files/keptFiles.ts";
import { resumable } from "../files/resumedSource.ts";
import { createThumbGate } from "../files/thumbGate.ts";
import { type Answer, isStreamed } from "../http/answer.ts";
import type { Services } from "../services.ts";
import { headerValue, withoutHeaders } from "../utils/headers.ts";

/** What a file for others is asked with: nothing that could be about who asks. */
const SHARED = new Set(["accept", "user-agent", "origin"]);
const PRIVATE = "private, no-cache";
/** What makes an answer a part of a file, or none. */
const CONDITIONS = [
  "range",
  "if-range",
  "if-match",
  "if-none-match",
  "if-modified-since",
  "if-unmodified-since",
];

interface Wanted {
  readonly wish: FileWish;
  readonly lease: FileLease;
}

interface Parts {
  readonly files: KeptFiles;
  readonly ask: (exchange: Exchange) => Promise<Answer>;
}

/** @param forward - The stage that asks PocketBase. */
export const createDownload = ({ collections, files, settings }: Services, forward: Stage): Stage => {
  const askOf = createFileAsk();
  const inTurn = createThumbGate(settings.upstream.queueTimeoutMs);

  const send = async (exchange: Exchange): Promise<Answer> => {
    const answer = await forward(exchange);
    if (answer === undefined) throw new Error("the stage forward did not answer");
    return answer;
  };

  const askNow = async (exchange: Exchange): Promise<Answer> =>
    resumable(await send(exchange), async (fields) => {
      const headers = [...withoutHeaders(exchange.headers, CONDITIONS), ...fields];
      const query = (await exchange.renewQuery?.()) ?? exchange.query;
      return await send({ ...exchange, headers, query });
    });

  const ask = async (exchange: Exchange): Promise<Answer> => {
    if (!asksForThumb(exchange.query)) return await askNow(exchange);
    const { client, presence } = exchange;
    const onQueued = (withdraw: () => void): void => {
      presence.whenGone = withdraw;
    };
    const answer = await inTurn({ key: client.address, onQueued }, () => askNow(exchange));
    if (answer === undefined) throw new Refusal("overloaded", { retryAfterSeconds: 2 });
    return answer;
  };

  const askPrivately = async (exchange: Exchange): Promise<Answer> => {
    const answer = await ask(exchange);
    return { ...answer, headers: privately(answer.headers) };
  };

  const download = (exchange: Exchange, asked: FileAsk): ReturnType<Stage> => {
    if (asked.kind === "guarded") return askPrivately(exchange);
    const { wish } = asked;
    return files === undefined || wish === undefined
      ? undefined
      : serve({ files, ask }, exchange, { ...asked, wish });
  };

  return (exchange) => {
    const { route } = exchange;
    if (route.isFile !== true || route.body !== "drop") return undefined;
    const asked = askOf(exchange, collections.current());
    const answer = download(exchange, asked);
    return answer instanceof Promise
      ? answer.then((given) => given ?? ask(exchange))
      : (answer ?? ask(exchange));
  };
};

type Asked = FileAsk & Pick<Wanted, "wish">;

const serve = (parts: Parts, exchange: Exchange, asked: Asked): ReturnType<Stage> => {
  const { files } = parts;
  const { collectionId } = asked;
  if (!files.isClosed(collectionId)) return serveKept(parts, exchange, asked);
  // After a quiet time nothing is wrong but that nobody has asked: a moment brings proof.
  return files
    .reopened()
    .then(() =>
      files.isClosed(collectionId) ? bypass(files, exchange, "feed") : serveKept(parts, exchange, asked),
    );
};

const bypass = ({ counts }: KeptFiles, exchange: Exchange, detail: string): undefined => {
  counts.bypasses += 1;
  exchange.cacheStatus = `hapta; fwd=bypass; detail=${detail}`;
};

const serveKept = (
  parts: Parts,
  exchange: Exchange,
  { wish, collectionId, recordId, hasOrigin, isWhole: wantsWhole }: Asked,
): ReturnType<Stage> => {
  const { files } = parts;
  const entry = files.cache.find(wish.key);
  const isKnown = entry !== undefined && (!hasOrigin || knowsOrigin(exchange, entry));
  if (isKnown && entry.lease?.holds() === true) {
    const isFrame = wantsWhole && !hasOrigin && exchange.method === "GET";
    const answer = isFrame ? files.cache.whole(entry) : answerOf(parts, exchange, entry);
    if (answer === undefined) return bypass(files, exchange, "range");
    files.counts.hits += 1;
    exchange.cacheStatus = "hapta; hit";
    return answer;
  }
  if (isKnown && !wish.isThumb && entry.lastModified !== undefined)
    return renew(parts, exchange, { wish, lease: files.lease(collectionId, recordId), entry });
  files.counts.misses += 1;
  exchange.cacheStatus = "hapta; fwd=miss";
  // A part of a file, or none of it, is nothing to keep.
  const isWhole = exchange.method === "GET" && headerValue(exchange.headers, "range") === undefined;
  return isWhole ? fill(parts, exchange, { wish, lease: files.lease(collectionId, recordId) }) : undefined;
};

const fill = async (
  parts: Parts,
  exchange: Exchange,
  { wish, lease }: Wanted,
): Promise<Answer | undefined> => {
  const { isOwn, fill: filling } = parts.files.cache.fill({
    key: wish.key,
    lease,
    ask: () => parts.ask(asGuest(exchange, wish)),
    keeps: (answer) => !wish.isThumb || isThumbOrNoImage(answer),
  });
  const landed = await filling.catch(toRefusal);
  if (landed.kind === "kept")
    return knowsOrigin(exchange, landed.entry) ? answerOf(parts, exchange, landed.entry) : undefined;
  return isOwn ? ownAnswer(exchange, landed.answer, wish) : undefined;
};

// A file that was kept before something moved, or before a restart: PocketBase says whether it is still there.
const renew = async (
  parts: Parts,
  exchange: Exchange,
  { wish, lease, entry }: Wanted & { readonly entry: FileEntry },
): Promise<Answer | undefined> => {
  const { cache } = parts.files;
  exchange.cacheStatus = "hapta; fwd=stale";
  const answer = await parts.ask(asGuest(exchange, wish, ["If-Modified-Since", entry.lastModified ?? ""]));
  discard(answer);
  if (answer.status !== 304) {
    cache.delete(entry);
    return undefined;
  }
  if (!lease.holds() || !(await cache.prove(entry))) return undefined;
  entry.lease = lease;
  parts.files.counts.renewed += 1;
  exchange.cacheStatus = "hapta; hit; detail=renewed";
  return answerOf(parts, exchange, entry);
};

const answerOf = ({ files }: Parts, exchange: Exchange, entry: FileEntry): Answer | undefined => {
  const part = partOf(entry, exchange.headers);
  if (part === undefined) return undefined;
  const { status, from, to } = part;
  const headers = withOrigin(exchange, entry, part.headers);
  if (status === 304) return { status, headers, body: null };
  const body = exchange.method === "HEAD" ? null : files.cache.read(entry, from, to);
  return body === undefined ? undefined : { status, headers, body };
};

// The answer to a fill goes to who began it, unless PocketBase might have told them something else than a guest.
const ownAnswer = (exchange: Exchange, answer: Answer, wish: FileWish): Answer | undefined => {
  const isGuest = exchange.credential === undefined && exchange.authorizations.length === 0;
  if (answer.status === 200 || (isGuest && exchange.query === wish.query)) return answer;
  discard(answer);
  return undefined;
};

// When a thumb could not be made, PocketBase sends the image itself, and may do better the next time.
const isThumbOrNoImage = ({ headers }: Answer): boolean =>
  /filename="?\d+x\d+[tbf]?_/.test(headerValue(headers, "content-disposition") ?? "") ||
  !/^image\/(?:png|jpe?g|gif|webp)/.test(headerValue(headers, "content-type") ?? "");

const discard = ({ body }: Answer): void => {
  if (body !== null && isStreamed(body)) body.cancel();
};

const toRefusal = (error: unknown): never => {
  throw error instanceof Refusal ? error : new Refusal("upstream_invalid", { cause: error });
};

// It goes on when its client leaves: others may wait for it.
const asGuest = (exchange: Exchange, wish: FileWish, more: readonly string[] = []): Exchange => {
  const headers = exchange.headers.filter((_, i, all) => SHARED.has(all[i - (i % 2)]?.toLowerCase() ?? ""));
  return {
    ...exchange,
    method: "GET",
    headers: [...headers, ...more],
    query: wish.query,
    renewQuery: undefined,
    credential: undefined,
    presence: { isGone: false, whenGone: undefined, whenOver: undefined },
  };
};

// Which pages may read stands in the answer only when a page asked; what counts for all of them is `*`.
const knowsOrigin = ({ headers }: Exchange, { allowsOrigin }: FileEntry): boolean =>
  headerValue(headers, "origin") === undefined || allowsOrigin === "*";

const withOrigin = (exchange: Exchange, { allowsOrigin }: FileEntry, headers: string[]): string[] => {
  if (allowsOrigin !== undefined && headerValue(exchange.headers, "origin") !== undefined)
    headers.push("Access-Control-Allow-Origin", allowsOrigin);
  return headers;
};

// PocketBase lets any cache keep even protected files for a month.
const privately = (headers: readonly string[]): string[] =>
  headers.map((text, i) =>
    i % 2 === 1 && headers[i - 1]?.toLowerCase() === "cache-control" ? PRIVATE : text,
  );
