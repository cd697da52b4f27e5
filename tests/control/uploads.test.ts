// SE2: what a session has begun ends with it. An upload whose session is ended never becomes a record.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { connect, type Socket } from "node:net";
import { call, createMember, jsonOf, login, type Pair, ROOT, START_MS, verify } from "../sessions/support.ts";
import { eventually } from "../support/eventually.ts";
import { ask, askJson, type Page, type SessionItem, startWithKey } from "./support.ts";

setDefaultTimeout(120_000);
const MB = 1_048_576;
let pair: Pair;
beforeAll(async () => {
  pair = await startWithKey();
  const signedIn = '@request.auth.id != ""';
  const made = await call(pair.url, {
    path: "/api/collections",
    token: await login(pair.url, ROOT),
    json: {
      name: "drops",
      type: "base",
      listRule: "",
      viewRule: "",
      createRule: signedIn,
      fields: [
        { name: "title", type: "text" },
        { name: "file", type: "file", maxSelect: 1, maxSize: 200 * MB },
      ],
    },
  });
  expect(`${made.status} ${made.text.slice(0, 200)}`).toStartWith("200 ");
}, START_MS);
afterAll(() => pair[Symbol.asyncDispose](), START_MS);

const dropsSeen = async (): Promise<number> =>
  Number(jsonOf(await call(pair.url, { path: "/api/collections/drops/records?perPage=1" }))["totalItems"]);

interface Upload extends Disposable {
  /** Everything that came back so far. */
  text(): string;
  isOpen(): boolean;
  send(bytes: Uint8Array | string): Promise<void>;
}

const openUpload = (head: string): Promise<Upload> =>
  new Promise((resolve, reject) => {
    let text = "";
    let isOpen = true;
    let waiting = (): void => undefined;
    const socket: Socket = connect({ host: "127.0.0.1", port: pair.hapta.port }, () => {
      socket.write(head);
      resolve({
        text: () => text,
        isOpen: () => isOpen,
        send: (bytes) =>
          new Promise((sent) => {
            if (!isOpen || socket.write(bytes)) return sent();
            waiting = sent;
          }),
        [Symbol.dispose]: () => void socket.destroy(),
      });
    });
    socket.on("data", (part: Buffer) => {
      text += part.toString("latin1");
    });
    socket.on("error", reject);
    socket.on("drain", () => waiting());
    socket.on("close", () => {
      isOpen = false;
      waiting();
    });
  });

const PART = Buffer.alloc(MB, "0123456789abcdef");
const FIRST = '--b0\r\nContent-Disposition: form-data; name="file"; filename="a.bin"\r\n\r\n';
const LAST = "\r\n--b0--\r\n";

/** An upload from which only the closing delimiter is missing: PocketBase commits at it, last chunk or not. */
const beginUpload = async (
  token: string,
  megabytes: number,
  framing: "length" | "chunked",
): Promise<Upload> => {
  const length = FIRST.length + megabytes * MB + LAST.length;
  const upload = await openUpload(
    `POST /api/collections/drops/records HTTP/1.1\r\nHost: app.test\r\nAuthorization: ${token}\r\n` +
      `Content-Type: multipart/form-data; boundary=b0\r\n${
        framing === "length" ? `Content-Length: ${length}` : "Transfer-Encoding: chunked"
      }\r\n\r\n`,
  );
  const send = async (bytes: Uint8Array | string): Promise<void> => {
    if (framing === "length") return await upload.send(bytes);
    await upload.send(`${Buffer.byteLength(bytes).toString(16)}\r\n`);
    await upload.send(bytes);
    await upload.send("\r\n");
  };
  await send(FIRST);
  for (let at = 0; at < megabytes; at++) await send(PART);
  return upload;
};

const idOf = async (user: string): Promise<string> => {
  const { items } = await askJson<Page<SessionItem>>(
    pair.url,
    `/hapta/sessions?collection=members&user=${user}&limit=1`,
  );
  return items[0]?.id ?? "";
};

test("SE2: 100 MB whose session another device ends are refused at once, and never become a record", async () => {
  const member = await createMember(pair.url);
  const phone = await login(pair.url, member);
  const phoneId = await idOf(member.id);
  const laptop = await login(pair.url, member);
  using upload = await beginUpload(phone, 100, "length");
  const ended = await call(pair.url, { method: "DELETE", path: `/auth/sessions/${phoneId}`, token: laptop });
  expect(ended.status).toBe(204);
  await eventually(() => upload.text().includes("\r\n\r\n") || !upload.isOpen(), 1_000);
  expect(upload.text()).toStartWith("HTTP/1.1 401 ");
  expect(upload.text()).toContain("X-Hapta-Error: session_required");
  await upload.send(LAST);
  await eventually(() => !upload.isOpen(), 5_000);
  expect(await dropsSeen()).toBe(0);
  expect(await verify(pair.url, laptop)).toBe(200);
});

test("SE2: a chunked upload, ended by an operator for a whole collection", async () => {
  const member = await createMember(pair.url);
  const token = await login(pair.url, member);
  using upload = await beginUpload(token, 4, "chunked");
  expect((await ask(pair.url, "/hapta/sessions?collection=members", { method: "DELETE" })).status).toBe(200);
  await eventually(() => upload.text().includes("\r\n\r\n"), 1_000);
  expect(upload.text()).toStartWith("HTTP/1.1 401 ");
  await upload.send(`${LAST.length.toString(16)}\r\n${LAST}\r\n0\r\n\r\n`);
  await eventually(() => !upload.isOpen(), 5_000);
  expect(await dropsSeen()).toBe(0);
});

test("an upload whose session lives becomes a record, whatever ends beside it", async () => {
  const [one, two] = [await createMember(pair.url), await createMember(pair.url)];
  const token = await login(pair.url, one);
  await login(pair.url, two);
  const before = await dropsSeen();
  using upload = await beginUpload(token, 4, "length");
  const beside = await ask(pair.url, `/hapta/sessions?collection=members&user=${two.id}`, {
    method: "DELETE",
  });
  expect(beside.text).toBe('{"ended":1}');
  await upload.send(LAST);
  await eventually(() => upload.text().includes("\r\n\r\n"), 5_000);
  expect(upload.text()).toStartWith("HTTP/1.1 200 ");
  expect(await dropsSeen()).toBe(before + 1);
});
