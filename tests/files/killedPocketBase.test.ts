// PocketBase killed while uploads of every kind are on their way to it: each client hears so, nothing half is in a record
// or in its storage afterwards, and what comes next goes well.
import { expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { RawClient } from "../adversarial/rawClient.ts";
import { eventually } from "../support/eventually.ts";
import { startHapta } from "../support/hapta.ts";
import { startAgain, startPocketBase } from "../support/pocketbase.ts";
import { spooled } from "./tusKit.ts";

const NOTICES = "/api/collections/notices/records";
const FILE = "x".repeat(3_000_000);
const END = "\r\n--BB--\r\n";

const part = (name: string, text: string, more = ""): string =>
  `--BB\r\nContent-Disposition: form-data; name="${name}"${more}\r\n\r\n${text}`;
const requests = JSON.stringify({ requests: [{ method: "POST", url: NOTICES, body: { title: "batch" } }] });

/** Method, path, and the body up to the end of its file. */
const UPLOADS: Readonly<Record<string, readonly [method: string, path: string, body: string]>> = {
  "a new record": [
    "POST",
    NOTICES,
    `${part("title", "new")}\r\n${part("blob", FILE, '; filename="new.txt"')}`,
  ],
  "a change": ["PATCH", `${NOTICES}/notice000000001`, part("blob", FILE, '; filename="changed.txt"')],
  "a batch": [
    "POST",
    "/api/batch",
    `${part("@jsonPayload", requests)}\r\n${part("requests.0.blob", FILE, '; filename="batch.txt"')}`,
  ],
};

/** Sends an upload but for its last bytes, and waits until all of it has been taken. */
const begin = async (port: number, [method, path, body]: (typeof UPLOADS)[string]): Promise<RawClient> => {
  const client = await RawClient.open(port);
  client.write(
    `${method} ${path} HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; boundary=BB\r\n` +
      `Content-Length: ${body.length + END.length}\r\n\r\n${body}`,
  );
  await eventually(() => client.socket.writableLength === 0, 20_000);
  return client;
};

test("PocketBase killed in mid-upload", async () => {
  await using pocketbase = await startPocketBase();
  await using hapta = await startHapta(pocketbase);
  const storedNames = (): string[] =>
    readdirSync(join(pocketbase.dir, "pb_data", "storage"), { recursive: true })
      .map(String)
      .sort();
  const records = async (): Promise<unknown> =>
    (await fetch(`${pocketbase.url}${NOTICES}?perPage=200&sort=id`)).json();
  const before = [storedNames(), await records()];

  const clients = await Promise.all(Object.values(UPLOADS).map((upload) => begin(hapta.port, upload)));
  expect(clients.map(({ receivedBytes }) => receivedBytes)).toEqual([0, 0, 0]);
  pocketbase.child.kill("SIGKILL");
  await pocketbase.child.exited;
  for (const client of clients) await client.contains("upstream_unreachable", 10_000);
  expect(clients.map(({ statuses }) => statuses)).toEqual([[502], [502], [502]]);

  await using _again = await startAgain(pocketbase);
  expect([storedNames(), await records()]).toEqual(before);
  expect(spooled(hapta.dataDir)).toEqual([]);
  await eventually(async () => (await fetch(`${hapta.url}/hapta/ready`)).status === 200, 20_000);
  for (const upload of Object.values(UPLOADS)) {
    using client = await begin(hapta.port, upload);
    client.write(END);
    await client.contains("HTTP/1.1 200 ", 20_000);
  }
  for (const client of clients) client[Symbol.dispose]();
}, 120_000);
