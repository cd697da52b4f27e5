// Forms and ranges made to break readers of them: names, sizes that lie, floods of parts. Nothing of them is stored.
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { RawClient } from "../adversarial/rawClient.ts";
import { eventually } from "../support/eventually.ts";
import { IDS } from "../support/fixture/records.ts";
import { useGateway } from "../support/gateway.ts";
import { WireConnection } from "../support/wire.ts";
import { END, FLOODS, MEANT, PROOF_BYTES, part } from "./floods.ts";

const NOTICES = "/api/collections/notices/records";
const HEAD = `POST ${NOTICES} HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; boundary=BB\r\n`;

const gateway = useGateway();

const formOf = (title: string, filename: string): string =>
  `${part("title", title)}\r\n${part("blob", "file", filename)}${END}`;

const send = async (url: string, body: string): Promise<{ status: number; text: string }> => {
  using wire = new WireConnection(url);
  const headers = [["Content-Type", "multipart/form-data; boundary=BB"]] as const;
  return await wire.send({ method: "POST", path: NOTICES, headers, body });
};

const countOf = async (title: string): Promise<number> => {
  const query = new URLSearchParams({ filter: `title = "${title}"`, fields: "id" });
  const list: unknown = await (await fetch(`${gateway.pocketbase.url}${NOTICES}?${query}`)).json();
  return Number(Reflect.get(Object(list), "totalItems"));
};

/** Names of stored files; what PocketBase draws of them has always the same length. */
const namesIn = (text: string): string[] =>
  [...text.matchAll(/"blob":\["([^"]*)"/g)].map(([, name = ""]) => name);
const shapesIn = (text: string): readonly unknown[] =>
  namesIn(text).map((name) => [name.length, name.slice(name.indexOf("."))]);

test("UP5 names become what PocketBase makes of them, and never a path", async () => {
  const names = [
    ...[
      "../../x.txt",
      "..\\\\..\\\\x.txt",
      "%2e%2e/x.txt",
      "%2e%2e%2fx.txt",
      "/etc/passwd",
      "C:\\\\a.txt",
      "//a//b",
    ],
    ...["CON", "con.txt", ".htaccess", "...", "..", ".", " ", "a b .txt ", "a.png.html", "a.tar.gz"],
    ...[
      "a\u202egpj.txt",
      "\u00e9\u4f60.txt",
      "\ud83d\ude00.txt",
      "a;b.txt",
      "a'b.txt",
      "a?b#c.txt",
      "-rf.txt",
      "x".repeat(3_000),
    ],
  ];
  for (const name of names) {
    const text = formOf("names", name);
    const [direct, through] = await Promise.all([
      send(gateway.pocketbase.url, text),
      send(gateway.hapta.url, text),
    ]);
    expect([name.slice(0, 20), through.status, shapesIn(through.text)]).toEqual([
      name.slice(0, 20),
      direct.status,
      shapesIn(direct.text),
    ]);
    for (const stored of namesIn(through.text)) expect(stored).toMatch(/^[\w-][\w.-]*$/);
  }
});

test("UP5 names with control characters are refused", async () => {
  for (const name of ["a\0.txt", "a\tb.txt", "a\x7f.txt", "a.png\r\nX-Evil: 1", "a\n.txt"])
    expect([
      (await send(gateway.hapta.url, formOf("control", name))).status,
      await countOf("control"),
    ]).toEqual([400, 0]);
});

/** CPU time of Hapta, in ms. */
const cpuMs = (): number => {
  const fields =
    readFileSync(`/proc/${gateway.hapta.child.pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10;
};

for (const [name, body] of Object.entries(FLOODS))
  test(`UP8 ${name} cost next to nothing and store nothing`, async () => {
    const costs: number[] = [];
    for (let i = 0; i < 3; i++) {
      const before = cpuMs();
      using client = await RawClient.open(gateway.hapta.port);
      client.write(`${HEAD}Content-Length: ${body.length}\r\n\r\n`);
      client.write(name === MEANT ? body : body.slice(0, PROOF_BYTES));
      await eventually(() => client.receivedBytes > 0, 10_000);
      expect(client.text).toMatch(/^HTTP\/1\.1 4(?:00|13) /);
      costs.push(cpuMs() - before);
    }
    expect(Math.min(...costs)).toBeLessThan(50);
    expect(await countOf("flood")).toBe(0);
  });

test("UP9 lengths that lie", async () => {
  const form = formOf("lies", "a.txt");
  // The rest is no request of its own.
  using short = await RawClient.open(gateway.hapta.port);
  short.write(`${HEAD}Content-Length: ${form.length - 8}\r\n\r\n${form}`);
  await short.contains("body_invalid");
  using long = await RawClient.open(gateway.hapta.port);
  long.write(`${HEAD}Content-Length: ${form.length + 100}\r\n\r\n${form}`);
  long.socket.end();
  await long.closed();
  using twice = await RawClient.open(gateway.hapta.port);
  twice.write(`${HEAD}Content-Length: 10\r\nTransfer-Encoding: chunked\r\n\r\n`);
  await twice.contains("request_malformed");
  expect(await countOf("lies")).toBe(0);
});

test("UP9 a chunked body goes no further than PocketBase's limit", async () => {
  using client = await RawClient.open(gateway.hapta.port);
  client.write(`${HEAD}Transfer-Encoding: chunked\r\n\r\n`);
  const text = part("title", "endless");
  client.write(`${text.length.toString(16)}\r\n${text}\r\n`);
  const chunk = Buffer.concat([Buffer.from("100000\r\n"), Buffer.alloc(0x100000, "x"), Buffer.from("\r\n")]);
  for (let i = 0; i < 80 && client.receivedBytes === 0; i++) {
    client.write(chunk);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await eventually(() => client.receivedBytes > 0, 10_000);
  expect(client.text).toMatch(/^HTTP\/1\.1 (?:413|400) /);
  expect(await countOf("endless")).toBe(0);
}, 120_000);

test("UP11 no range makes more bytes than there are, but for PocketBase's own framing", async () => {
  const path = `/api/files/articles/${IDS.news}/${gateway.pocketbase.world.files.notes}`;
  const overlapping = `bytes=${Array.from({ length: 100 }, () => "0-35").join(",")}`;
  for (const range of [overlapping, "bytes=-0", "bytes=0-0,-1", "bytes=99999999999999999999-", "bytes=5-1"]) {
    const init = { headers: { Range: range } };
    const answers = await Promise.all(
      [gateway.pocketbase.url, gateway.hapta.url].map((url) => fetch(url + path, init)),
    );
    const [direct, through] = await Promise.all(
      answers.map(async (answer) => [answer.status, (await answer.arrayBuffer()).byteLength]),
    );
    expect([range.slice(0, 30), through]).toEqual([range.slice(0, 30), direct]);
  }
  const whole = await fetch(gateway.hapta.url + path, { headers: { Range: overlapping } });
  expect((await whole.arrayBuffer()).byteLength).toBeLessThanOrEqual(36);
});
