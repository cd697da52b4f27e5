// A large file up as a form and down again, or up in pieces, with the growth of memory taken.
import { readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { loginCallers } from "../support/fixture/load.ts";
import { type Hapta, startHapta } from "../support/hapta.ts";
import { type PocketBase, startPocketBase } from "../support/pocketbase.ts";
import { call, metadata } from "./tusKit.ts";

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

/** Sends a request with `count` bytes between `start` and `end`; resolves with the answer, once it has `enough`. */
const send = (
  port: number,
  count: number,
  { head, start, end, enough }: { head: string; start: string; end: string; enough: string },
): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    let answer = "";
    socket.on("error", reject);
    socket.on("data", (part: Buffer) => {
      answer += part.toString("latin1");
      if (!answer.includes(enough)) return;
      socket.destroy();
      resolve(answer);
    });
    socket.write(`${head}Content-Length: ${start.length + count + end.length}\r\n\r\n${start}`);
    const go = (from: number): void => {
      for (let at = from; at < count; ) {
        const part = PIECE.subarray(0, Math.min(PIECE.length, count - at));
        at += part.length;
        if (!socket.write(part)) return void socket.once("drain", () => go(at));
      }
      socket.write(end);
    };
    go(0);
  });

/** Uploads a file of `count` bytes as a form; resolves with the answer's text. */
const upload = (port: number, count: number): Promise<string> =>
  send(port, count, { head: HEAD, start: START, end: END, enough: "}" });

/** A PocketBase whose notices take files of so many bytes. */
const startRoomy = async (bytes: number): Promise<PocketBase> => {
  const pocketbase = await startPocketBase();
  const headers = { Authorization: pocketbase.world.tokens.superuser, "Content-Type": "application/json" };
  const path = `${pocketbase.url}/api/collections/notices`;
  const fields = member(await (await fetch(path, { headers })).json(), "fields");
  const larger = [fields]
    .flat()
    .map((one) => (member(one, "name") === "blob" ? { ...Object(one), maxSize: bytes } : one));
  await fetch(path, { method: "PATCH", headers, body: JSON.stringify({ fields: larger }) });
  return pocketbase;
};

/** PocketBase copies a file once more after its last byte; gigabytes take it longer than a minute on a busy disk. */
const PATIENT = { FirstByteTimeout: 600 };

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
  await using pocketbase = await startRoomy(bytes);
  await using hapta = await startHapta(pocketbase, {
    config: { Files: { CacheBytes: cacheBytes }, Upstream: PATIENT },
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

/** Uploads a file of so many bytes in one piece of a resumable upload, but for its last byte, and then that. */
export const measureResumable = async (bytes: number): Promise<readonly number[]> => {
  await using pocketbase = await startRoomy(bytes);
  await using hapta = await startHapta(pocketbase, {
    config: { Files: { SpoolBytes: 5 * bytes }, Server: { MaxBodyBytes: 2 * bytes }, Upstream: PATIENT },
  });
  const { ada } = await loginCallers(hapta.url);
  await uploadInPieces(hapta, ada, 20_000_000);
  return await uploadInPieces(hapta, ada, bytes);
};

const uploadInPieces = async (hapta: Hapta, token: string, bytes: number): Promise<readonly number[]> => {
  const headers = { "Upload-Length": String(bytes), "Upload-Metadata": metadata("notice000000001") };
  const made = await call(`${hapta.url}/files/tus`, "POST", { token, headers });
  const path = made.headers.get("location");
  const append = async (offset: number, count: number): Promise<number> => {
    const head =
      `PATCH ${path} HTTP/1.1\r\nHost: a\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: ${offset}\r\n` +
      `Authorization: ${token}\r\nContent-Type: application/offset+octet-stream\r\n`;
    let answer = "";
    const grown = await growth(hapta.child.pid, async () => {
      answer = await send(hapta.port, count, { head, start: "", end: "", enough: "\r\n\r\n" });
    });
    if (!answer.startsWith("HTTP/1.1 204 ")) throw new Error(`the piece was answered ${answer}`);
    return grown;
  };
  return [await append(0, bytes - 1), await append(bytes - 1, 1)];
};
