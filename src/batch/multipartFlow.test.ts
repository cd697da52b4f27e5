// A multipart batch on its way: when it goes on, how fast, and what ends it.
import { describe, expect, test } from "bun:test";
import { Readable } from "node:stream";
import { END, file, payload, readParts, reasonOf, rebuild, refusalOf } from "../../tests/support/batchKit.ts";
import { Refusal } from "../errors.ts";

/** What begins a file and does not end it. */
const begun = file("requests.0.f", "").slice(0, -2);
/** A source that the test feeds by hand. */
const createSource = (): Readable => new Readable({ read: () => undefined });
const settled = () => new Promise((resolve) => setTimeout(resolve, 5));

describe("rebuildMultipartBatch flow", () => {
  test("rebuildMultipartBatch resolves when a file comes behind the payload, not at the end of the body", async () => {
    const source = createSource();
    source.push(payload + file("requests.0.f", "first").slice(0, -2));
    const batch = await rebuild(source);
    const parts = readParts(batch);
    source.push(" second\r\n");
    source.push(END);
    source.push(null);
    expect((await parts)[1]?.data).toBe("first second");
  });

  test("rebuildMultipartBatch hands nothing on before the payload is checked", async () => {
    const source = createSource();
    let isSettled = false;
    const work = rebuild(source).finally(() => {
      isSettled = true;
    });
    source.push(file("requests.0.f", "1") + payload);
    await settled();
    expect(isSettled).toBe(false);
    source.push("--BB\r");
    await settled();
    expect(isSettled).toBe(false);
    source.push("\n");
    await settled();
    expect(isSettled).toBe(false);
    source.push(begun.slice("--BB\r\n".length));
    await work;
  });

  test("rebuildMultipartBatch tells which files have come, and whether all have", async () => {
    const source = createSource();
    source.push(file("requests.0.f", "12345") + payload + begun);
    const batch = await rebuild(source);
    const { files } = batch;
    expect([files.isWhole, files.list]).toEqual([
      false,
      [
        { name: "requests.0.f", bytes: 5 },
        { name: "requests.0.f", bytes: 0 },
      ],
    ]);
    source.push(`123\r\n${END}`);
    source.push(null);
    await readParts(batch);
    expect([files.isWhole, files.list[1]]).toEqual([true, { name: "requests.0.f", bytes: 3 }]);
    const whole = await rebuild(file("requests.1.f", "12") + payload + END);
    expect([whole.files.isWhole, whole.files.list]).toEqual([true, [{ name: "requests.1.f", bytes: 2 }]]);
    whole.stream.resume();
  });

  test("rebuildMultipartBatch breaks the stream off when the rest is bad", async () => {
    const source = createSource();
    source.push(payload + file("requests.0.f", "1"));
    source.push(`${file("other", "2")}${END}`);
    const batch = await rebuild(source);
    let handedOn = "";
    const read = async (): Promise<void> => {
      for await (const chunk of batch.stream) handedOn += chunk;
    };
    expect(await reasonOf(read())).toContain("requests.0.field");
    expect(handedOn).not.toContain("--\r\n");
    expect(source.destroyed).toBe(false);
  });

  test("rebuildMultipartBatch reads on only when its output is read", async () => {
    const source = createSource();
    source.push(payload + begun);
    const batch = await rebuild(source);
    source.push("\r\n--BB\r\nnot a header\r\n\r\n");
    await settled();
    expect(batch.stream.destroyed).toBe(false);
    expect(await reasonOf(readParts(batch))).toContain("header");
  });

  test("rebuildMultipartBatch breaks the stream off when the client does, before and after", async () => {
    const early = createSource();
    const work = rebuild(early);
    early.push(payload);
    early.destroy(new Error("gone"));
    expect((await refusalOf(work)).code).toBe("body_invalid");

    const late = createSource();
    late.push(payload + begun);
    const batch = await rebuild(late);
    late.destroy();
    await settled();
    expect((await refusalOf(readParts(batch))).code).toBe("body_invalid");

    const slow = createSource();
    const waiting = rebuild(slow);
    slow.destroy(new Refusal("body_too_slow"));
    expect((await refusalOf(waiting)).code).toBe("body_too_slow");
    expect((await refusalOf(rebuild(slow))).code).toBe("body_invalid");
  });

  test("rebuildMultipartBatch survives an error of a body that it has refused", async () => {
    const source = createSource();
    source.push("junk");
    await refusalOf(rebuild(source));
    source.destroy(new Error("gone"));
    await settled();
    expect(source.destroyed).toBe(true);
  });

  test("rebuildMultipartBatch stops waiting when the signal says so", async () => {
    const controller = new AbortController();
    const work = rebuild(createSource(), { signal: controller.signal });
    controller.abort(new Refusal("body_too_slow"));
    expect((await refusalOf(work)).code).toBe("body_too_slow");
    expect((await refusalOf(rebuild(createSource(), { signal: controller.signal }))).code).toBe(
      "body_too_slow",
    );
  });

  test("rebuildMultipartBatch pulls no faster than its output is read", async () => {
    const block = Buffer.alloc(65_536, "x");
    let pulled = 0;
    const head = payload + file("requests.0.f", "").slice(0, -2);
    const source = new Readable({
      read() {
        if (pulled === 0) this.push(head);
        else if (pulled <= 400) this.push(block);
        else if (pulled === 401) this.push(`\r\n${END}`);
        else this.push(null);
        pulled++;
      },
    });
    const { stream } = await rebuild(source);
    await settled();
    expect(pulled).toBeLessThan(20);
    let length = 0;
    for await (const chunk of stream) {
      length += chunk.length;
      if (length < 1_000_000) {
        await settled();
        expect(pulled).toBeLessThan(length / block.length + 20);
      }
    }
    expect(length).toBeGreaterThan(400 * block.length);
  });

  test("rebuildMultipartBatch stops reading when its output is given up", async () => {
    const source = createSource();
    source.push(payload + begun);
    const { stream } = await rebuild(source);
    stream.destroy();
    await settled();
    expect(source.isPaused()).toBe(true);
    expect(source.destroyed).toBe(false);
    expect(source.listenerCount("data")).toBe(0);
  });
});
