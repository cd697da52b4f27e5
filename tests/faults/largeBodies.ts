// Bodies far larger than memory should ever hold, through a real Hapta process, with its peak memory taken.
import { readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { startRawUpstream } from "../adversarial/rawUpstream.ts";
import { startHapta } from "../support/hapta.ts";

/** What one transfer cost. */
export interface Transfer {
  readonly bytes: number;
  readonly status: number;
  /** Growth of the peak of resident memory, in MiB. */
  readonly growthMb: number;
}

const PART = Buffer.alloc(262_144, "0123456789abcdef");

/** An upstream that sends `?n=` bytes to a GET, and swallows the body of anything else and says how long it was. */
const startSink = () =>
  startRawUpstream((socket) => {
    let head = "";
    let left = -1;
    socket.on("data", (part: Buffer) => {
      let body = part.length;
      if (left < 0) {
        const before = head.length;
        head += part.toString("latin1");
        const end = head.indexOf("\r\n\r\n");
        if (end < 0) return;
        left = Number(/content-length: (\d+)/i.exec(head.slice(0, end))?.[1] ?? 0);
        body = before + part.length - end - 4;
        const wanted = /^GET \S*[?&]n=(\d+)/.exec(head)?.[1];
        if (wanted !== undefined)
          sendBytes(socket, Number(wanted), `HTTP/1.1 200 OK\r\nContent-Length: ${wanted}\r\n\r\n`);
      }
      left -= body;
      if (left === 0 && !head.startsWith("GET"))
        socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
      if (left <= 0) {
        head = "";
        left = -1;
      }
    });
  });

interface Writable {
  write(bytes: Uint8Array | string): boolean;
  once(event: "drain", listener: () => void): unknown;
}

const sendBytes = (socket: Writable, count: number, head: string): void => {
  socket.write(head);
  const go = (from: number): void => {
    let at = from;
    while (at < count) {
      const part = count - at < PART.length ? PART.subarray(0, count - at) : PART;
      at += part.length;
      if (!socket.write(part)) return void socket.once("drain", () => go(at));
    }
  };
  go(0);
};

const peakMb = (pid: number): number =>
  Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024;

/** Sends a request with `bytes` of body, or asks for as many; resolves at the end of the answer. */
const transfer = (
  port: number,
  direction: "up" | "down",
  bytes: number,
): Promise<{ bytes: number; status: number }> =>
  new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port });
    let head = "";
    let received = 0;
    let wanted = Number.POSITIVE_INFINITY;
    socket.on("error", reject);
    socket.on("close", () => resolve({ bytes: received, status: Number(head.slice(9, 12)) }));
    socket.on("data", (part: Buffer) => {
      let from = 0;
      if (wanted === Number.POSITIVE_INFINITY) {
        const before = head.length;
        head += part.toString("latin1");
        const end = head.indexOf("\r\n\r\n");
        if (end < 0) return;
        wanted = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
        from = end + 4 - before;
      }
      received += part.length - from;
      if (received >= wanted) socket.destroy();
    });
    if (direction === "down") socket.write(`GET /api/big?n=${bytes} HTTP/1.1\r\nHost: a\r\n\r\n`);
    else sendBytes(socket, bytes, `POST /api/big HTTP/1.1\r\nHost: a\r\nContent-Length: ${bytes}\r\n\r\n`);
  });

/** Moves `bytes` through Hapta in one direction. A first, small transfer warms it up. */
export const measureTransfer = async (direction: "up" | "down", bytes: number): Promise<Transfer> => {
  await using upstream = await startSink();
  await using hapta = await startHapta(upstream, { waitFor: "/hapta/live" });
  const { pid } = hapta.child;
  await transfer(hapta.port, direction, 20_000_000);
  writeFileSync(`/proc/${pid}/clear_refs`, "5");
  const before = peakMb(pid);
  const moved = await transfer(hapta.port, direction, bytes);
  return { ...moved, growthMb: peakMb(pid) - before };
};
