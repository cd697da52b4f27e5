// HT5, CN7: an upstream that speaks broken, endless or lying HTTP. Before a body has begun the client gets a 502
// or 504; after that a visibly broken body, never a clean end. Memory stays bounded, nothing hangs.
import { describe, expect, test } from "bun:test";
import type { Socket } from "node:net";
import { eventually } from "../support/eventually.ts";
import { startGateway, type TestGateway } from "./gateway.ts";
import { RawClient } from "./rawClient.ts";
import { startHostileUpstream, startRawUpstream } from "./rawUpstream.ts";

const HOST = "Host: app.test\r\n";
const OK = "HTTP/1.1 200 OK\r\n";
const CONFIG = {
  Upstream: { ConnectTimeout: 0.5, FirstByteTimeout: 0.5, IdleTimeout: 0.5, TotalTimeout: 1.5 },
} as const;

/** Runs `act` with a client that has sent a GET, against an upstream that does `answer`. */
const against = async (
  answer: (socket: Socket, head: string) => void,
  act: (client: RawClient, gateway: TestGateway) => Promise<void>,
): Promise<void> => {
  await using upstream = await startHostileUpstream(answer);
  await using gateway = startGateway(upstream.url, {
    config: CONFIG,
    timeouts: { lingerMs: 200, stallMs: 1_000 },
  });
  using client = await RawClient.open(gateway.port);
  client.write(`GET /api/x HTTP/1.1\r\n${HOST}\r\n`);
  await act(client, gateway);
  await eventually(() => gateway.services.pool.load.inFlight === 0, 2_000);
  await eventually(() => upstream.open.size === 0, 2_000);
  expect(gateway.lines.filter(({ level }) => level === "error")).toEqual([]);
};

const REFUSED: Readonly<Record<string, string>> = {
  "not HTTP": "SSH-2.0-OpenSSH_9.2\r\n\r\n",
  "HTTP/2.0 status line": "HTTP/2.0 200 OK\r\n\r\n",
  "a status of two digits": "HTTP/1.1 20 OK\r\n\r\n",
  "a status of four digits": "HTTP/1.1 2000 OK\r\n\r\n",
  "status 999": "HTTP/1.1 999 Odd\r\n\r\n",
  "status 101 nobody asked for": "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n",
  "Content-Length with Transfer-Encoding": `${OK}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  "two different Content-Length fields": `${OK}Content-Length: 2\r\nContent-Length: 3\r\n\r\nabc`,
  "Content-Length: -1": `${OK}Content-Length: -1\r\n\r\n`,
  "Content-Length: abc": `${OK}Content-Length: abc\r\n\r\n`,
  "Content-Length of 400 digits": `${OK}Content-Length: ${"9".repeat(400)}\r\n\r\n`,
  "Transfer-Encoding: gzip": `${OK}Transfer-Encoding: gzip\r\n\r\nx`,
  "two Transfer-Encoding fields": `${OK}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  "bare LF in a header": `${OK}X-A: b\nX-Injected: c\r\nContent-Length: 0\r\n\r\n`,
  "bare CR in a header": `${OK}X-A: b\rX-Injected: c\r\nContent-Length: 0\r\n\r\n`,
  "NUL in a header": `${OK}X-A: b\0c\r\nContent-Length: 0\r\n\r\n`,
  "blank before the colon": `${OK}X-A : b\r\nContent-Length: 0\r\n\r\n`,
  "a folded header": `${OK}X-A: b\r\n c\r\nContent-Length: 0\r\n\r\n`,
  "a header without a name": `${OK}: b\r\nContent-Length: 0\r\n\r\n`,
  "bad first chunk": `${OK}Transfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n`,
  "100 KB of headers": `${OK}X-A: ${"x".repeat(100_000)}\r\n\r\n`,
  "20,000 interim answers at once": `${"HTTP/1.1 100 Continue\r\n\r\n".repeat(20_000)}${OK}Content-Length: 0\r\n\r\n`,
};

describe("HT5: no answer begins", () => {
  for (const [name, bytes] of Object.entries(REFUSED)) {
    test(`502: ${name}`, () =>
      against(
        (socket) => socket.write(Buffer.from(bytes, "latin1")),
        async (client) => {
          await client.contains("HTTP/1.1 502 Bad Gateway", 2_000);
          expect(client.text).toContain("\r\nX-Hapta-Error: upstream_invalid\r\n");
          expect(client.text).toEndWith(
            '{"data":{},"message":"The upstream server sent an invalid answer.","status":502}\n',
          );
          expect(client.text).not.toContain("Injected");
        },
      ));
  }

  test("502: headers without end cost bounded memory", async () => {
    const part = Buffer.alloc(1_000_000, "X: y\r\n");
    let sent = 0;
    const flood = (socket: Socket): void => {
      while (!socket.destroyed && sent < 1_000 && socket.write(part)) sent++;
    };
    await against(
      (socket) => {
        socket.write(OK);
        socket.on("drain", () => flood(socket));
        flood(socket);
      },
      async (client) => {
        await client.contains("502 Bad Gateway", 2_000);
        expect(sent).toBeLessThan(50);
      },
    );
  });

  test("502: interim answers without end", () =>
    against(
      (socket) => {
        const drip = setInterval(() => socket.write("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"), 5);
        socket.on("close", () => clearInterval(drip));
      },
      async (client) => {
        await client.contains("502 Bad Gateway", 1_200);
        expect(client.text).not.toContain("103");
      },
    ));

  test("a few interim answers are swallowed", () =>
    against(
      (socket) =>
        socket.write(
          `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${OK}Content-Length: 2\r\nConnection: close\r\n\r\nhi`,
        ),
      async (client) => {
        await client.contains("hi");
        expect(client.statuses).toEqual([200]);
        expect(client.text).not.toContain("Link");
      },
    ));

  test("502: the connection closes before the head is whole", () =>
    against(
      (socket) => socket.end(`${OK}Content-Le`),
      async (client) => {
        await client.contains("502 Bad Gateway");
      },
    ));

  test("504: a head that drips", () =>
    against(
      (socket) => {
        socket.write(OK);
        const drip = setInterval(() => socket.write("X"), 50);
        socket.on("close", () => clearInterval(drip));
      },
      async (client) => {
        await client.contains("504 Gateway Timeout", 3_000);
      },
    ));
});

/** Body beginnings that break off, and the framing the client must see them with. */
const BROKEN: Readonly<Record<string, string>> = {
  "Content-Length longer than the body": `${OK}Content-Length: 300000\r\n\r\n${"x".repeat(100_000)}`,
  "chunked body without its last chunk": `${OK}Transfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n`,
  "chunk shorter than its size": `${OK}Transfer-Encoding: chunked\r\n\r\nffff\r\nabcde`,
};

/** True when what was received is one whole answer by its own framing. */
const isWhole = (bytes: Buffer): boolean => {
  const end = bytes.indexOf("\r\n\r\n");
  const head = bytes.toString("latin1", 0, end);
  const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1];
  if (length !== undefined) return bytes.length - end - 4 >= Number(length);
  return bytes.toString("latin1").endsWith("0\r\n\r\n");
};

describe("HT5: an answer breaks off", () => {
  for (const [name, bytes] of Object.entries(BROKEN)) {
    test(`by FIN: ${name}`, () =>
      against(
        (socket) => socket.write(bytes, () => socket.end()),
        async (client) => {
          await client.closed();
          expect(client.ending === "reset" || !isWhole(client.received)).toBe(true);
          expect(client.statuses[0]).toBeOneOf([200, 502]);
        },
      ));
    test(`by reset: ${name}`, () =>
      against(
        (socket) => socket.write(bytes, () => socket.resetAndDestroy()),
        async (client) => {
          await client.closed();
          expect(
            client.statuses.length === 0 || client.statuses[0] === 502 || !isWhole(client.received),
          ).toBe(true);
        },
      ));
    test(`by silence: ${name}`, () =>
      against(
        (socket) => socket.write(bytes),
        async (client) => {
          await client.closed();
          expect(client.statuses).toEqual([200]);
          expect(isWhole(client.received)).toBe(false);
        },
      ));
  }

  test("a bad chunk in mid-body breaks the client's body", () => {
    const begun = Promise.withResolvers<void>();
    return against(
      async (socket) => {
        socket.write(`${OK}Transfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n`);
        await begun.promise;
        socket.write("zz\r\nabcde\r\n0\r\n\r\n");
      },
      async (client) => {
        await client.contains("abcde");
        begun.resolve();
        await client.closed();
        expect(client.statuses).toEqual([200]);
        expect(isWhole(client.received)).toBe(false);
      },
    );
  });

  test("a body that ends with its connection is whole after FIN, broken after a reset", async () => {
    await against(
      (socket) => socket.write(`${OK}\r\nall there is`, () => setTimeout(() => socket.end(), 50)),
      async (client) => {
        await client.contains("0\r\n\r\n");
        expect(client.text).toContain("all there is");
      },
    );
    const begun = Promise.withResolvers<void>();
    await against(
      async (socket) => {
        socket.write(`${OK}\r\nnot all`);
        await begun.promise;
        socket.resetAndDestroy();
      },
      async (client) => {
        await client.contains("not all");
        begun.resolve();
        await client.closed();
        expect(isWhole(client.received)).toBe(false);
      },
    );
  });

  test("an HTTP/1.0 client sees a reset, because its body has no other way to be broken", async () => {
    const begun = Promise.withResolvers<void>();
    await using upstream = await startHostileUpstream(async (socket) => {
      socket.write(`${OK}Transfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n`);
      await begun.promise;
      socket.destroy();
    });
    await using gateway = startGateway(upstream.url, { config: CONFIG });
    using client = await RawClient.open(gateway.port);
    client.write(`GET /api/x HTTP/1.0\r\n${HOST}\r\n`);
    await client.contains("abcde");
    begun.resolve();
    expect(await client.closed()).toBe("reset");
    expect(client.text).not.toContain("ransfer-");
  });

  test("a body longer than its Content-Length is cut there, and its connection is not used again", async () => {
    const OVERLONG = `${OK}Content-Length: 2\r\n\r\nhi${OK}Content-Length: 6\r\n\r\npoison`;
    await using upstream = await startRawUpstream((socket) =>
      socket.on("data", () => socket.write(OVERLONG)),
    );
    await using gateway = startGateway(upstream.url, { config: CONFIG });
    using client = await RawClient.open(gateway.port);
    for (let i = 1; i <= 20; i++) {
      client.write(`GET /api/${i} HTTP/1.1\r\n${HOST}\r\n`);
      await eventually(() => client.statuses.length === i && client.text.endsWith("hi"), 2_000);
    }
    expect(client.text).not.toContain("poison");
    expect(upstream.accepted()).toBe(20);
  });

  test("bytes on an idle connection are nobody's answer", async () => {
    const sockets: Socket[] = [];
    await using upstream = await startRawUpstream((socket) => {
      sockets.push(socket);
      socket.on("data", () => socket.write(`${OK}Content-Length: 2\r\n\r\nhi`));
    });
    await using gateway = startGateway(upstream.url, { config: CONFIG });
    using client = await RawClient.open(gateway.port);
    client.write(`GET /api/1 HTTP/1.1\r\n${HOST}\r\n`);
    await client.contains("hi");
    sockets[0]?.write(`${OK}Content-Length: 6\r\n\r\npoison`);
    await eventually(() => sockets[0]?.destroyed === true, 2_000);
    client.write(`GET /api/2 HTTP/1.1\r\n${HOST}\r\n`);
    await eventually(() => client.statuses.length === 2, 2_000);
    expect(client.text).not.toContain("poison");
    expect(upstream.accepted()).toBe(2);
  });
});

describe("HT5: bodies", () => {
  const SIZE = 8_000_000;
  test.each(["close", "length", "chunked"])(
    "a slow reader gets every byte (%p), though the upstream has long closed",
    async (framing) => {
      const body = Buffer.alloc(SIZE, "0123456789abcdef");
      await using upstream = await startHostileUpstream((socket) => {
        if (framing === "close") socket.end(Buffer.concat([Buffer.from(`${OK}\r\n`), body]));
        if (framing === "length")
          socket.end(Buffer.concat([Buffer.from(`${OK}Content-Length: ${SIZE}\r\n\r\n`), body]));
        if (framing === "chunked")
          socket.end(
            Buffer.concat([
              Buffer.from(`${OK}Transfer-Encoding: chunked\r\n\r\n${SIZE.toString(16)}\r\n`),
              body,
              Buffer.from("\r\n0\r\n\r\n"),
            ]),
          );
      });
      await using gateway = startGateway(upstream.url);
      using client = await RawClient.open(gateway.port);
      client.write(`GET /api/x HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`);
      for (let i = 0; i < 10; i++) {
        client.socket.pause();
        await new Promise((resolve) => setTimeout(resolve, 20));
        client.socket.resume();
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      await client.closed(8_000);
      const text = client.received;
      const start = text.indexOf("\r\n\r\n") + 4;
      const payload = Buffer.from(
        text.toString("latin1", start).replaceAll(/(?:^|\r\n)[0-9a-f]+\r\n(?:\r\n$)?/g, ""),
        "latin1",
      );
      expect(payload.length).toBe(SIZE);
      expect(payload.equals(body)).toBe(true);
    },
    120_000,
  );

  test("an early 413 reaches a client that is still uploading", async () => {
    await using upstream = await startHostileUpstream((socket) => {
      socket.write(
        "HTTP/1.1 413 Request Entity Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig",
        () => {
          setTimeout(() => socket.destroy(), 20);
        },
      );
    });
    await using gateway = startGateway(upstream.url, { timeouts: { lingerMs: 500 } });
    using client = await RawClient.open(gateway.port);
    client.write(`POST /api/x HTTP/1.1\r\n${HOST}Content-Length: 50000000\r\n\r\n`);
    const part = Buffer.alloc(100_000);
    const upload = setInterval(() => client.socket.writableLength < 1_000_000 && client.write(part), 2);
    try {
      await client.contains("big", 3_000);
      await client.closed(3_000);
    } finally {
      clearInterval(upload);
    }
    expect(client.statuses).toEqual([413]);
    expect(client.text).toContain("\r\nConnection: close\r\n");
  });

  test("a connection whose HEAD answer came before the work was done serves nobody else", async () => {
    // What PocketBase does on HEAD /api/realtime: the head, and then a handler that stays for minutes.
    await using upstream = await startRawUpstream((socket) => {
      let isStuck = false;
      socket.on("data", (part: Buffer) => {
        if (isStuck) return;
        isStuck = part.toString().startsWith("HEAD");
        socket.write(
          isStuck ? `${OK}Content-Type: text/event-stream\r\n\r\n` : `${OK}Content-Length: 2\r\n\r\nhi`,
        );
      });
    });
    await using gateway = startGateway(upstream.url, { config: CONFIG });
    using client = await RawClient.open(gateway.port);
    client.write(`HEAD /custom/events HTTP/1.1\r\n${HOST}\r\n`);
    await eventually(() => client.statuses.length === 1, 2_000);
    client.write(`GET /api/x HTTP/1.1\r\n${HOST}\r\n`);
    await client.contains("hi", 1_500);
    expect(client.statuses).toEqual([200, 200]);
  });
});

describe("CN7", () => {
  const redirect = (location: string) => (socket: Socket) =>
    socket.write(
      `HTTP/1.1 302 Found\r\nLocation: ${location}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`,
    );
  const PUBLIC = "X-Forwarded-For: 203.0.113.7\r\n";
  const follow = async (location: string): Promise<string> => {
    await using upstream = await startHostileUpstream(redirect(location));
    await using gateway = startGateway(upstream.url, { config: CONFIG });
    using client = await RawClient.open(gateway.port);
    client.write(`GET /custom/go HTTP/1.1\r\n${HOST}${PUBLIC}\r\n`);
    await eventually(() => client.statuses.length > 0 && client.text.includes("\r\n\r\n"), 2_000);
    expect(upstream.accepted()).toBe(1);
    return `${client.statuses[0]} ${/\r\nLocation: ([^\r]*)/i.exec(client.text)?.[1] ?? "-"}`;
  };

  test.each([
    "http://169.254.169.254/latest/meta-data/",
    "//169.254.169.254/",
    "/\\169.254.169.254/",
    "\\\\169.254.169.254/",
    "http:\\\\169.254.169.254/",
    "HTTP://169.254.169.254",
    "http:/\\169.254.169.254/",
    "ht\ttp://169.254.169.254/",
    "https://127.0.0.1:8090/_/",
    "http://[::1]/",
    "http://[::ffff:10.0.0.1]/",
    "http://2130706433/",
    "http://0x7f.1/",
    "http://localhost/",
    "http://LOCALHOST./",
    "http://admin.localhost/",
    "http://user@192.168.0.1/",
    "http://0.0.0.0/",
  ])("a redirect of a public client to %p is a 502", async (location) => {
    expect(await follow(location)).toBe("502 -");
  });

  // A login page of an app's hook leads to other sites; what is no private address is the app's own affair.
  test.each([
    "/api/y",
    "hello?from=redirect",
    "?a=b",
    "https://idp.example/authorize?x=http://10.0.0.1/",
    "app.scheme://callback",
  ])("a redirect to %p is passed on, not followed", async (location) => {
    expect(await follow(location)).toBe(`302 ${location}`);
  });

  test("a refused redirect lets go of its body", async () => {
    await using upstream = await startHostileUpstream((socket) =>
      socket.write(
        `HTTP/1.1 302 Found\r\nLocation: http://10.0.0.1/\r\nContent-Length: 5000000\r\n\r\n${"x".repeat(900_000)}`,
      ),
    );
    await using gateway = startGateway(upstream.url);
    using client = await RawClient.open(gateway.port);
    client.write(`GET /custom/go HTTP/1.1\r\n${HOST}${PUBLIC}\r\n`);
    await client.contains("502 Bad Gateway");
    await eventually(() => gateway.services.pool.load.inFlight === 0 && upstream.open.size === 0, 1_000);
  });

  test("a redirect to the upstream itself becomes relative", async () => {
    await using upstream = await startHostileUpstream((socket) =>
      redirect(`${upstream.url}/api/y?a=b`)(socket),
    );
    await using gateway = startGateway(upstream.url, { config: CONFIG });
    using client = await RawClient.open(gateway.port);
    client.write(`GET /custom/go HTTP/1.1\r\n${HOST}\r\n`);
    await client.contains("Location: /api/y?a=b\r\n");
    expect(client.text).not.toContain(String(upstream.port));
  });
});
