// A large file up as a form and down again, with the growth of memory taken.
import { readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { startHapta } from "../support/hapta.ts";
import { startPocketBase } from "../support/pocketbase.ts";

const PIECE = Buffer.alloc(262_144, "0123456789abcdef");
const HEAD =
  "POST /api/collections/notices/records HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; boundary=BB\r\n";
const START =
  '--BB\r\nContent-Disposition: form-data; name="title"\r\n\r\nbig\r\n' +
  '--BB\r\nContent-Disposition: form-data; name="blob"; filename="a.bin"\r\n\r\n';
const END = "\r\n--BB--\r\n";

const peakMb = (pid: number): number =>
  Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024;

/** Runs `move` and says by how many MiB the peak of resident memory grew. */
const growth = async (pid: number, move: () => Promise<unknown>): Promise<number> => {
  writeFileSync(`/proc/${pid}/clear_refs`, "5");
  const before = peakMb(pid);
  await move();
  return peakMb(pid) - before;
};

/** Uploads a file of `count` bytes; resolves with the answer's text. */
const upload = (port: number, count: number): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    let answer = "";
    socket.on("error", reject);
    socket.on("data", (part: Buffer) => {
      answer += part.toString("latin1");
      if (answer.includes("}")) resolve(answer);
    });
    socket.write(`${HEAD}Content-Length: ${START.length + count + END.length}\r\n\r\n${START}`);
    const go = (from: number): void => {
      for (let at = from; at < count; ) {
        const part = PIECE.subarray(0, Math.min(PIECE.length, count - at));
        at += part.length;
        if (!socket.write(part)) return void socket.once("drain", () => go(at));
      }
      socket.write(END);
    };
    go(0);
  });

const member = (value: unknown, name: string): unknown => Reflect.get(Object(value), name);

/** What sending a file there and back cost: growth of the peak of Hapta's resident memory, in MiB, and bytes received. */
export interface RoundTrip {
  readonly growthMb: readonly number[];
  readonly received: readonly number[];
}

/** Uploads a file of so many bytes, and downloads it `downs` times. */
export const measureRoundTrip = async (
  bytes: number,
  { downs, cacheBytes }: { readonly downs: number; readonly cacheBytes: number },
): Promise<RoundTrip> => {
  await using pocketbase = await startPocketBase();
  const headers = { Authorization: pocketbase.world.tokens.superuser, "Content-Type": "application/json" };
  const path = `${pocketbase.url}/api/collections/notices`;
  const fields = member(await (await fetch(path, { headers })).json(), "fields");
  const larger = [fields]
    .flat()
    .map((one) => (member(one, "name") === "blob" ? { ...Object(one), maxSize: bytes } : one));
  await fetch(path, { method: "PATCH", headers, body: JSON.stringify({ fields: larger }) });
  await using hapta = await startHapta(pocketbase, {
    // PocketBase copies a file once more after its last byte; gigabytes take it longer than a minute on a busy disk.
    config: { Files: { CacheBytes: cacheBytes }, Upstream: { FirstByteTimeout: 600 } },
  });
  const { pid } = hapta.child;
  await upload(hapta.port, 20_000_000);
  let answer = "";
  const startedMs = performance.now();
  const growthMb = [
    await growth(pid, async () => {
      answer = await upload(hapta.port, bytes);
    }),
  ];
  const seconds = Math.round((performance.now() - startedMs) / 1000);
  if (!answer.startsWith("HTTP/1.1 200 "))
    throw new Error(`after ${seconds} s (PocketBase gives a request 300) the upload was answered ${answer}`);
  const record: unknown = JSON.parse(answer.slice(answer.indexOf("{"), answer.lastIndexOf("}") + 1));
  const url = `${hapta.url}/api/files/notices/${member(record, "id")}/${[member(record, "blob")].flat()[0]}`;
  const received: number[] = [];
  const down = async (): Promise<void> => {
    let count = 0;
    for await (const chunk of (await fetch(url)).body ?? []) count += chunk.length;
    received.push(count);
  };
  for (let i = 0; i < downs; i++) growthMb.push(await growth(pid, down));
  return { growthMb, received };
};
