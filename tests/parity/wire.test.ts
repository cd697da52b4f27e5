// Parity of HTTP/1.1 itself as clients use it: pipelining, kept connections, Expect, HTTP/1.0, absolute targets.
import { expect, test } from "bun:test";
import { startOwnClock } from "../support/ownTime.ts";
import { describeTargets } from "../support/targets.ts";
import { sendRaw, WireConnection } from "../support/wire.ts";

const QUIET_MS = 1_500;
const HEALTH = '{"message":"API is healthy.","code":200,"data":{}}\n';

const statusesOf = (answer: Buffer): string[] =>
  [...answer.toString("latin1").matchAll(/HTTP\/1\.[01] (\d{3})/g)].map((match) => match[1] ?? "");

describeTargets("wire", (target) => {
  const host = (): string => new URL(target.url).host;

  test("pipelined requests are answered in order, the last one closes", async () => {
    const one = `GET /api/health HTTP/1.1\r\nHost: ${host()}\r\n\r\n`;
    const two = `GET /custom/hello HTTP/1.1\r\nHost: ${host()}\r\n\r\n`;
    const three = `GET /api/nope HTTP/1.1\r\nHost: ${host()}\r\nConnection: close\r\n\r\n`;
    const answer = await sendRaw(target.url, one + two + three, 5_000);
    expect(statusesOf(answer)).toEqual(["200", "200", "404"]);
    const text = answer.toString();
    expect(text.indexOf("healthy")).toBeLessThan(text.indexOf("hello"));
  });

  test("a request that asks to close is answered and closed", async () => {
    using clock = startOwnClock();
    const answer = await sendRaw(
      target.url,
      `GET /api/health HTTP/1.1\r\nHost: ${host()}\r\nConnection: close\r\n\r\n`,
      5_000,
    );
    expect(answer.toString()).toEndWith(HEALTH);
    expect(clock.ms()).toBeLessThan(4_000);
  });

  test("a body may arrive in two parts, with its head first", async () => {
    using connection = new WireConnection(target.url);
    const body = "x".repeat(200_000);
    const headers = [["Content-Type", "a/b"]] as const;
    for (const chunkBytes of [1_000, 100_000]) {
      const answer = await connection.send({
        method: "POST",
        path: "/custom/echo",
        headers,
        body,
        chunkBytes,
      });
      expect(answer.text).toBe(body);
    }
  });

  test("a client that waits for 100 Continue gets its answer", async () => {
    const head = `POST /custom/echo HTTP/1.1\r\nHost: ${host()}\r\nContent-Type: a/b\r\nContent-Length: 4\r\n`;
    const answer = await sendRaw(
      target.url,
      `${head}Expect: 100-continue\r\nConnection: close\r\n\r\nbody`,
      QUIET_MS,
    );
    expect(statusesOf(answer).at(-1)).toBe("200");
    expect(answer.toString()).toEndWith("body");
  });

  test("one connection carries a hundred mixed requests", async () => {
    using connection = new WireConnection(target.url);
    const paths = ["/api/health", "/api/nope", "/custom/stream", "/custom/hello", "/custom/bytes?n=70000"];
    const statuses: number[] = [];
    for (let i = 0; i < 100; i++) {
      const method = i % 7 === 0 ? "HEAD" : "GET";
      const answer = await connection.send({ method, path: paths[i % paths.length] ?? "/" });
      statuses.push(answer.status);
    }
    expect(statuses.filter((status) => status === 200).length).toBe(80);
    expect(statuses.filter((status) => status === 404).length).toBe(20);
  });

  test("HTTP/1.0 is answered and closed", async () => {
    const answer = await sendRaw(target.url, `GET /custom/hello HTTP/1.0\r\nHost: ${host()}\r\n\r\n`, 5_000);
    expect(statusesOf(answer)).toEqual(["200"]);
    expect(answer.toString()).toEndWith("hello");
  });
});
