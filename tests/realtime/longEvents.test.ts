// Records that are too long to be told: whoever listens to their collection hears of a gap, nobody else does, and the change
// feed goes on. Nothing of what they may have changed is answered or told as it was before.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { ADA, call, jsonOf, login, type Pair, START_MS, startPair } from "../sessions/support.ts";
import type { EventStream } from "../support/eventStream.ts";
import { eventually } from "../support/eventually.ts";
import { headOf } from "../support/wireReader.ts";
import { gapsOf } from "./deciding.ts";
import { asRoot, createCollections, idsOf, listen } from "./support.ts";

setDefaultTimeout(300_000);
/** PocketBase tells each `<` in six characters: 4.8 MB, of a request of 0.8 MB. */
const LONG = "<".repeat(800_000);
/** Nothing is shown by it: far more than anything takes, on a busy machine too. */
const WAIT_MS = 60_000;
let made = 0;
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

  const read = async (name: string): Promise<{ readonly isHit: boolean; readonly count: number }> => {
    const path = `/api/collections/${name}/records?perPage=1&fields=id`;
    const answer = await call(pair.url, { path });
    const count = Number(jsonOf(answer)["totalItems"]);
    return { isHit: headOf(answer, "cache-status")?.includes("; hit") === true, count };
  };
  /** Reads until the answer is a kept one: how many records there are. */
  const warm = async (name: string): Promise<number> => {
    await eventually(async () => (await read(name)).isHit, WAIT_MS);
    return (await read(name)).count;
  };

  /** Writes until everybody was told of one: on a busy machine a change may be a gap. */
  const toldAgain = async (streams: readonly EventStream[], name: string, field: string): Promise<void> => {
    await eventually(async () => {
      const text = `short ${made++}`;
      await asRoot(pair)("POST", `/api/collections/${name}/records`, { [field]: text });
      return eventually(() => streams.every((stream) => stream.text().includes(text)), 5_000);
    }, WAIT_MS);
  };

  test("those who listen to its collection hear of a gap, others hear nothing, and the next one is told", async () => {
    const ask = asRoot(pair);
    const token = await login(pair.url, ADA);
    using guest = await eventually(() => listen(pair.url, { topics: ["rt_long/*"] }), WAIT_MS);
    using ada = await listen(pair.url, { token, topics: ["rt_long/*", "rt_public/*"] });
    using other = await listen(pair.url, { topics: ["rt_public/*"] });
    await toldAgain([guest, ada], "rt_long", "body");
    await toldAgain([ada, other], "rt_public", "title");
    const since = idsOf(guest).places.at(-1);
    // Now and then the whole feed is in doubt, on a busy machine: not each time.
    await eventually(async () => {
      const count = await warm("rt_long");
      const others = await warm("rt_public");
      const [forGuest, forAda, forOther] = [guest, ada, other].map(gapsOf);
      await ask("POST", "/api/collections/rt_long/records", { body: LONG });
      await eventually(() => gapsOf(guest) > (forGuest ?? 0) && gapsOf(ada) > (forAda ?? 0), WAIT_MS);
      // Whoever hears of the gap and asks gets it.
      expect((await read("rt_long")).count).toBe(count + 1);
      const { isHit, count: left } = await read("rt_public");
      return isHit && left === others && gapsOf(other) === forOther;
    }, WAIT_MS);
    await toldAgain([guest, ada], "rt_long", "body");
    await toldAgain([ada, other], "rt_public", "title");
    for (const stream of [guest, ada]) expect(stream.text()).not.toContain("u003c");
    using back = await listen(pair.url, { topics: ["rt_long/*"], since });
    expect(await back.contains("HAPTA_RECOVERY")).toContain('"recovered":false');
  });

  test("an account that is too long to be told has ended its logins all the same", async () => {
    const ask = asRoot(pair);
    const account = { collection: "rt_people", email: "long@example.com", password: PASSWORD };
    const person = { email: account.email, password: PASSWORD, passwordConfirm: PASSWORD };
    const { id } = await ask("POST", "/api/collections/rt_people/records", person);
    const token = await login(pair.url, account);
    using own = await eventually(() => listen(pair.url, { token, topics: ["rt_member/*"] }), WAIT_MS);
    using ada = await listen(pair.url, { token: await login(pair.url, ADA), topics: ["rt_member/*"] });
    const gaps = gapsOf(ada);
    const password = `${PASSWORD}2`;
    const requests = [
      {
        method: "PATCH",
        url: `/api/collections/rt_people/records/${id}`,
        body: { password, passwordConfirm: password, body: LONG },
      },
      { method: "POST", url: "/api/collections/rt_member/records", body: { title: "too late" } },
    ];
    // PocketBase gives a batch three seconds; one that took longer has changed nothing.
    await eventually(() => ask("POST", "/api/batch", { requests }), WAIT_MS);
    await eventually(() => ada.text().includes("too late") || gapsOf(ada) > gaps, WAIT_MS);
    await eventually(() => !own.isOpen(), WAIT_MS);
    expect(own.text()).not.toContain("too late");
  });
});
