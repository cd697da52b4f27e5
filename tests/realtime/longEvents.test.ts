// Records that are too long to be told: whoever listens to their collection hears of a gap, nobody else does, and the change
// feed goes on. Nothing of what they may have changed is answered or told as it was before.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { ADA, call, login, type Pair, START_MS, startPair } from "../sessions/support.ts";
import { eventually } from "../support/eventually.ts";
import { gapsOf } from "./deciding.ts";
import { asRoot, createCollections, idsOf, listen } from "./support.ts";

setDefaultTimeout(60_000);
/** PocketBase tells each `<` in six characters: 4.8 MB, of a request of 0.8 MB. */
const LONG = "<".repeat(800_000);
const PASSWORD = "a password of theirs 1";

describe.each([true, false])("with Realtime.Decide %p", (Decide) => {
  let pair: Pair;
  beforeAll(async () => {
    const config = { Realtime: { Decide }, Cache: { isEnabled: true, VerifyRate: 0 } };
    pair = await startPair({ config: { ...config, ratelimit: { isEnabled: false } } });
    await createCollections(pair);
    const ask = asRoot(pair);
    const body = { name: "body", type: "editor" };
    const updated = { name: "updated", type: "autodate", onCreate: true, onUpdate: true };
    const rules = { listRule: "", viewRule: "" };
    await ask("POST", "/api/collections", {
      name: "rt_long",
      type: "base",
      ...rules,
      fields: [body, updated],
    });
    await ask("POST", "/api/collections", { name: "rt_people", type: "auth", fields: [body] });
  }, START_MS);
  afterAll(() => pair[Symbol.asyncDispose](), START_MS);

  /** Reads a list as a guest: how it was answered, and of how many records. */
  const read = async (name: string): Promise<string> => {
    const { headers, text } = await call(pair.url, { path: `/api/collections/${name}/records?perPage=500` });
    const status = headers.find(([header]) => header.toLowerCase() === "cache-status")?.[1];
    return `${/; (?:fwd=)?(\w+)/.exec(status ?? "")?.[1]} ${JSON.parse(text)["totalItems"]}`;
  };

  test("those who listen to its collection hear of a gap, others hear nothing, and the next one is told", async () => {
    const ask = asRoot(pair);
    const token = await login(pair.url, ADA);
    using guest = await eventually(() => listen(pair.url, { topics: ["rt_long/*"] }), 20_000);
    using ada = await listen(pair.url, { token, topics: ["rt_long/*", "rt_public/*"] });
    using other = await listen(pair.url, { topics: ["rt_public/*"] });
    for (const stream of [guest, ada]) await eventually(() => idsOf(stream).places.length > 0, 5_000);
    const make = (body: string) => ask("POST", "/api/collections/rt_long/records", { body });
    await make("short 0");
    for (const stream of [guest, ada]) await stream.contains("short 0", 20_000);
    const since = idsOf(guest).places.at(-1);
    for (const name of ["rt_long", "rt_public"])
      await eventually(async () => (await read(name)) === (name === "rt_long" ? "hit 1" : "hit 0"), 20_000);
    const gaps = [guest, ada, other].map(gapsOf);
    await make(LONG);
    for (const [n, stream] of [guest, ada].entries())
      await eventually(() => gapsOf(stream) > (gaps[n] ?? 0), 20_000);
    // Whoever hears of the gap and asks gets it.
    expect((await read("rt_long")).endsWith(" 2")).toBe(true);
    expect(await read("rt_public")).toBe("hit 0");
    await make("short 1");
    await ask("POST", "/api/collections/rt_public/records", { title: "public 1" });
    for (const stream of [guest, ada]) await stream.contains("short 1", 20_000);
    await other.contains("public 1", 20_000);
    expect(gapsOf(other)).toBe(gaps[2] ?? 0);
    for (const stream of [guest, ada]) expect(stream.text()).not.toContain("<<");
    using back = await listen(pair.url, { topics: ["rt_long/*"], since });
    expect(await back.contains("HAPTA_RECOVERY")).toContain('"recovered":false');
  });

  test("an account that is too long to be told has ended its logins all the same", async () => {
    const ask = asRoot(pair);
    const account = { collection: "rt_people", email: "long@example.com", password: PASSWORD };
    const person = { email: account.email, password: PASSWORD, passwordConfirm: PASSWORD };
    const { id } = await ask("POST", "/api/collections/rt_people/records", person);
    const token = await login(pair.url, account);
    using own = await eventually(() => listen(pair.url, { token, topics: ["rt_member/*"] }), 20_000);
    using ada = await listen(pair.url, { token: await login(pair.url, ADA), topics: ["rt_member/*"] });
    const password = `${PASSWORD}2`;
    const requests = [
      {
        method: "PATCH",
        url: `/api/collections/rt_people/records/${id}`,
        body: { password, passwordConfirm: password, body: LONG },
      },
      { method: "POST", url: "/api/collections/rt_member/records", body: { title: "too late" } },
    ];
    await ask("POST", "/api/batch", { requests });
    await ada.contains("too late", 20_000);
    await eventually(() => !own.isOpen(), 20_000);
    expect(own.text()).not.toContain("too late");
  });
});
