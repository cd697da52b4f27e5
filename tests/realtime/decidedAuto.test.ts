// `Realtime.Decide: "auto"`, the default: Hapta decides before the PocketBase that it has started itself, as long as no code
// of anybody's can be running in it.
import { expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { call, login, START_MS } from "../sessions/support.ts";
import { startChild, waitUntilServing } from "../support/childProcess.ts";
import { eventually } from "../support/eventually.ts";
import { binaryOf } from "../support/pocketbase.ts";
import { createScratch, freePort, PROJECT_DIR } from "../support/scratch.ts";
import { eventsOf, listen, topicWith } from "./support.ts";

setDefaultTimeout(3 * START_MS);
const PEOPLE = ["mira", "tomas"].map((name) => ({
  collection: "users",
  email: `${name}@example.com`,
  password: "hapta-demo",
}));

/** For PocketBase to restart with a hook and the first change after it: far more than it takes. */
const SEEN_MS = 60_000;

/** Shows everybody who he is: what one was told is nothing for another. */
const HOOK = `onRecordEnrich((e) => {
  e.record.withCustomData(true);
  e.record.set("shownTo", e.requestInfo.auth?.id ?? "a guest");
  e.next();
}, "users");`;

/** Hapta with its own PocketBase and the demo app; Mira has the only stream of PocketBase's, with options. */
const startEmbedded = async (env: Readonly<Record<string, string>> = {}) => {
  const scratch = createScratch("auto");
  const config = {
    Upstream: { MaxStreams: 1 },
    Realtime: { HistorySeconds: 0 },
    ratelimit: { isEnabled: false },
  };
  await Bun.write(join(scratch.path, "config.ts"), `export default ${JSON.stringify(config)};`);
  const dataDir = join(scratch.path, "data");
  const hooks = join(dataDir, "pb_hooks");
  // PocketBase watches only what is there.
  mkdirSync(hooks, { recursive: true, mode: 0o700 });
  const port = await freePort();
  const child = startChild({
    command: [process.execPath, "run", join(PROJECT_DIR, "src", "index.ts"), "--port", String(port)],
    cwd: scratch.path,
    env: { HAPTA_DATA_DIR: dataDir, ...env },
  });
  const url = `http://127.0.0.1:${port}`;
  await waitUntilServing(child, `${url}/hapta/ready`, START_MS);
  const [mira = "", tomas = ""] = await Promise.all(PEOPLE.map((person) => login(url, person)));
  const taker = await listen(url, {
    token: mira,
    topics: [topicWith("users/*", { query: { fields: "id" } })],
  });
  return {
    ...{ url, hooks, tomas, taker },
    async [Symbol.asyncDispose]() {
      taker[Symbol.dispose]();
      await child[Symbol.asyncDispose]();
      scratch[Symbol.dispose]();
    },
  };
};

const idOf = (token: string): string =>
  (JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()) as { id: string }).id;

const rename = async (url: string, token: string, name: string): Promise<boolean> => {
  const path = `/api/collections/users/records/${idOf(token)}`;
  return (await call(url, { method: "PATCH", path, token, json: { name } })).status === 200;
};

test.each(["somebody", "a guest"])(
  "without hooks Hapta decides for %s; when one appears, PocketBase does",
  async (who) => {
    await using hapta = await startEmbedded();
    const { url, tomas, hooks, taker } = hapta;
    const isGuest = who === "a guest";
    using stream = await listen(url, { token: isGuest ? undefined : tomas, topics: ["users/*"] });
    expect(await rename(url, tomas, "Tomas I")).toBe(true);
    await stream.contains("Tomas I");
    // To himself only: the demo has no managers.
    expect(stream.text().includes("tomas@example.com")).toBe(!isGuest);

    taker[Symbol.dispose]();
    writeFileSync(join(hooks, "main.pb.js"), HOOK);
    const shownTo = `"shownTo":"${isGuest ? "a guest" : idOf(tomas)}"`;
    await eventually(async () => {
      await rename(url, tomas, `Tomas ${performance.now()}`);
      return stream.text().includes(shownTo);
    }, SEEN_MS);
    expect(await rename(url, tomas, "Tomas the last")).toBe(true);
    await stream.contains("Tomas the last");
    for (const event of eventsOf(stream).filter((one) => one.includes("shownTo")))
      expect(event).toContain(shownTo);
  },
);

test("before a PocketBase of somebody's own it decides nothing", async () => {
  await using hapta = await startEmbedded({ HAPTA_POCKETBASE_BIN: binaryOf("0.39") });
  for (const token of [hapta.tomas, undefined])
    await expect(listen(hapta.url, { token, topics: ["users/*"] })).rejects.toThrow("503");
});
