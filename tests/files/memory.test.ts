// 300 MB up as a form and down again, from PocketBase and from disk, in constant memory.
import { expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { startHapta } from "../support/hapta.ts";
import { startPocketBase } from "../support/pocketbase.ts";

const BYTES = 300_000_000;
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

test("300 MB up and down grow memory by less than 32 MB", async () => {
  await using pocketbase = await startPocketBase();
  const headers = { Authorization: pocketbase.world.tokens.superuser, "Content-Type": "application/json" };
  const path = `${pocketbase.url}/api/collections/notices`;
  const fields = member(await (await fetch(path, { headers })).json(), "fields");
  const larger = [fields]
    .flat()
    .map((one) => (member(one, "name") === "blob" ? { ...Object(one), maxSize: BYTES } : one));
  await fetch(path, { method: "PATCH", headers, body: JSON.stringify({ fields: larger }) });
  await using hapta = await startHapta(pocketbase, { config: { Files: { CacheBytes: 1_000_000_000 } } });
  const { pid } = hapta.child;
  await upload(hapta.port, 20_000_000);
  let answer = "";
  const up = await growth(pid, async () => {
    answer = await upload(hapta.port, BYTES);
  });
  const record: unknown = JSON.parse(answer.slice(answer.indexOf("{"), answer.lastIndexOf("}") + 1));
  const url = `${hapta.url}/api/files/notices/${member(record, "id")}/${[member(record, "blob")].flat()[0]}`;
  const down = async (): Promise<void> => {
    let bytes = 0;
    for await (const chunk of (await fetch(url)).body ?? []) bytes += chunk.length;
    expect(bytes).toBe(BYTES);
  };
  const downs = [await growth(pid, down), await growth(pid, down)];
  for (const megabytes of [up, ...downs]) expect(megabytes).toBeLessThan(32);
}, 90_000);
