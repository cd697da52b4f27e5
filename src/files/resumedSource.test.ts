// A download that breaks off and goes on: what the reader gets is one file, or a break, never two files in one.
import { expect, test } from "bun:test";
import { eventually } from "../../tests/support/eventually.ts";
import type { Answer, BodySink, BodySource } from "../http/answer.ts";
import { systemClock } from "../pocketbase/clock.ts";
import { UpstreamError } from "../pocketbase/wire/upstreamError.ts";
import { resumable } from "./resumedSource.ts";

const BYTES = Buffer.from(Uint8Array.from({ length: 400_000 }, (_, i) => (i * 7 + (i >> 9)) & 255));
const DATE = "Sat, 21 Nov 2026 10:00:00 GMT";
const BROKEN = new UpstreamError("invalid");

/** Sends `upTo` bytes from `from` on, then breaks off, or ends when that is all. */
class Part implements BodySource {
  isCancelled = false;
  readonly #bytes: Buffer;
  readonly #error: Error | undefined;

  constructor(from: number, upTo: number, error: Error = BROKEN) {
    this.#bytes = BYTES.subarray(from, upTo);
    this.#error = upTo < BYTES.length ? error : undefined;
  }

  start(sink: BodySink): void {
    // A copy, which the sink may empty.
    sink.data(Buffer.from(this.#bytes));
    if (this.#error === undefined) sink.end();
    else sink.fail(this.#error);
  }

  resume(): void {}

  cancel(): void {
    this.isCancelled = true;
  }
}

const FIELDS = ["Accept-Ranges", "bytes", "Last-Modified", DATE];

const whole = (body: BodySource, more: readonly string[] = []): Answer => ({
  status: 200,
  headers: [...FIELDS, "Content-Length", String(BYTES.length), ...more],
  body,
});

const rest = (from: number, body: Answer["body"], more: Readonly<Record<string, string>> = {}): Answer => ({
  status: 206,
  headers: Object.entries({
    "Accept-Ranges": "bytes",
    "Last-Modified": DATE,
    "Content-Length": String(BYTES.length - from),
    "Content-Range": `bytes ${from}-${BYTES.length - 1}/${BYTES.length}`,
    ...more,
  }).flat(),
  body,
});

/** Reads an answer to its end or break. */
const read = ({ body }: Answer, takes: () => boolean = () => true): Promise<Buffer | Error> =>
  new Promise((resolve) => {
    if (body === null || !("start" in body)) return resolve(new Error("no stream"));
    const pieces: Uint8Array[] = [];
    body.start({
      data: (chunk) => {
        pieces.push(chunk);
        return takes();
      },
      end: () => resolve(Buffer.concat(pieces)),
      fail: resolve,
    });
  });

/** Answers each question with the next of `answers`; the last one again and again. */
const asking = (...answers: readonly ((from: number) => Answer)[]) => {
  const asked: string[] = [];
  const ask = async (fields: readonly string[]): Promise<Answer> => {
    const from = Number(/bytes=(\d+)-/.exec(fields[1] ?? "")?.[1]);
    const answer = answers[Math.min(asked.length, answers.length - 1)];
    asked.push(fields.join(" "));
    if (answer === undefined) throw new Error("nobody should be asked");
    return answer(from);
  };
  return { asked, ask };
};

const PATIENCE = { pausesMs: [0, 0, 0], clock: systemClock, random: Math.random };

test("goes on where it broke off, as often as it breaks", async () => {
  const { asked, ask } = asking(
    (from) => rest(from, new Part(from, 250_000)),
    (from) => rest(from, BYTES.subarray(from)),
  );
  expect(await read(resumable(whole(new Part(0, 100_000)), ask, PATIENCE))).toEqual(BYTES);
  expect(asked).toEqual([
    `Range bytes=100000-399999 If-Range ${DATE}`,
    `Range bytes=250000-399999 If-Range ${DATE}`,
  ]);
});

test("a part of a file goes on within that part", async () => {
  const { asked, ask } = asking((from) => rest(from, new Part(from, BYTES.length)));
  const part = await read(resumable(rest(50_000, new Part(50_000, 60_000)), ask, PATIENCE));
  expect(part).toEqual(BYTES.subarray(50_000));
  expect(asked).toEqual([`Range bytes=60000-399999 If-Range ${DATE}`]);
});

const OTHERS: Readonly<Record<string, (from: number) => Answer>> = {
  "another date": (from) =>
    rest(from, BYTES.subarray(from), { "Last-Modified": "Sun, 22 Nov 2026 10:00:00 GMT" }),
  "another length": (from) =>
    rest(from, BYTES.subarray(from), { "Content-Range": `bytes ${from}-399999/400001` }),
  "another place": (from) =>
    rest(from, BYTES.subarray(from), { "Content-Range": `bytes ${from - 1}-399999/400000` }),
  "an entity tag": (from) => rest(from, BYTES.subarray(from), { ETag: '"x"' }),
  "an encoding": (from) => rest(from, BYTES.subarray(from), { "Content-Encoding": "gzip" }),
  "the whole file": () => whole(new Part(0, BYTES.length)),
  "no such file": () => ({ status: 404, headers: [], body: Buffer.from("{}") }),
};
for (const [name, other] of Object.entries(OTHERS))
  test(`${name} is no rest, and the reader sees a break`, async () => {
    const { asked, ask } = asking(other);
    expect(await read(resumable(whole(new Part(0, 100_000)), ask, PATIENCE))).toBeInstanceOf(UpstreamError);
    expect(asked).toHaveLength(1);
  });

test("what is no rest is let go", async () => {
  const body = new Part(0, BYTES.length);
  const { ask } = asking(() => whole(body));
  await read(resumable(whole(new Part(0, 100_000)), ask, PATIENCE));
  expect(body.isCancelled).toBe(true);
});

test("a PocketBase that is away is asked so often in a row, and again after progress", async () => {
  const away = (): Answer => {
    throw new UpstreamError("unreachable");
  };
  const busy = (): Answer => ({ status: 503, headers: [], body: null });
  const on = (from: number): Answer => rest(from, new Part(from, from + 70_000));
  const back = asking(away, busy, on, away, busy, (from) => rest(from, BYTES.subarray(from)));
  expect(await read(resumable(whole(new Part(0, 100_000)), back.ask, PATIENCE))).toEqual(BYTES);
  const gone = asking(away);
  expect(await read(resumable(whole(new Part(0, 100_000)), gone.ask, PATIENCE))).toMatchObject({
    failure: "unreachable",
  });
  expect(gone.asked).toHaveLength(3);
});

test("downloads that break off at the same moment do not ask in step", async () => {
  const waits = async (random: number): Promise<readonly number[]> => {
    const waited: number[] = [];
    const after = (delayMs: number, run: () => void): (() => void) => {
      waited.push(delayMs);
      queueMicrotask(run);
      return () => undefined;
    };
    const { ask } = asking(() => {
      throw new UpstreamError("unreachable");
    });
    const patience = { pausesMs: [200, 1_000], clock: { ...systemClock, after }, random: () => random };
    await read(resumable(whole(new Part(0, 100_000)), ask, patience));
    return waited;
  };
  expect([await waits(0), await waits(0.5)]).toEqual([
    [150, 750],
    [200, 1_000],
  ]);
});

test("who breaks off after each byte is not asked for ever", async () => {
  const { asked, ask } = asking((from) => rest(from, new Part(from, from + 1)));
  expect(await read(resumable(whole(new Part(0, 100_000)), ask, PATIENCE))).toBeInstanceOf(UpstreamError);
  expect(asked.length).toBeLessThanOrEqual(4);
});

test("deadlines, and a client that left, are an end", async () => {
  for (const failure of ["timeout", "client_gone", "overloaded"] as const) {
    const { asked, ask } = asking();
    const first = new Part(0, 100_000, new UpstreamError(failure));
    expect(await read(resumable(whole(first), ask, PATIENCE))).toMatchObject({ failure });
    expect(asked).toEqual([]);
  }
});

test("a reader that takes nothing at the moment is waited for", async () => {
  const { asked, ask } = asking((from) => rest(from, BYTES.subarray(from)));
  let isReady = false;
  const answer = resumable(whole(new Part(0, 100_000)), ask, PATIENCE);
  const reading = read(answer, () => isReady);
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(asked).toEqual([]);
  isReady = true;
  if (answer.body !== null && "start" in answer.body) answer.body.resume();
  expect(await reading).toEqual(BYTES);
});

test("a reader that left is not asked for, and what still comes for it is let go", async () => {
  const late = new Part(100_000, BYTES.length);
  let answered: ((answer: Answer) => void) | undefined;
  const { body } = resumable(
    whole(new Part(0, 100_000)),
    () =>
      new Promise((resolve) => {
        answered = resolve;
      }),
    PATIENCE,
  );
  if (body === null || !("start" in body)) throw new Error("no stream");
  let told = 0;
  const tell = (): void => {
    told += 1;
  };
  body.start({ data: () => true, end: tell, fail: tell });
  await eventually(() => answered, 10_000);
  body.cancel();
  answered?.(rest(100_000, late));
  await new Promise((resolve) => setTimeout(resolve, 0));
  expect([late.isCancelled, told]).toEqual([true, 0]);
});

test("what says too little about itself breaks off as it did", () => {
  const { ask } = asking();
  for (const answer of [
    { ...whole(new Part(0, 1)), headers: ["Content-Length", "400000", "Accept-Ranges", "bytes"] },
    { ...whole(new Part(0, 1)), headers: FIELDS },
    whole(new Part(0, 1), ["Content-Encoding", "gzip"]),
    { ...whole(new Part(0, 1)), status: 206 },
    { ...whole(new Part(0, 1)), body: BYTES },
  ])
    expect(resumable(answer, ask, PATIENCE)).toBe(answer);
});
