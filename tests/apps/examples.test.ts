// The examples as they are, with the unmodified SDK, against a real PocketBase through a real Hapta.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { EventSource } from "eventsource";
import PocketBase from "pocketbase";
import { bindToKey } from "../../examples/dpop/bindToKey.ts";
import { signRequests } from "../../examples/signed-requests/signRequests.ts";
import { ADA, type Pair, payloadOf, START_MS, startPair, TEST_MS } from "../sessions/support.ts";
import { PASSWORD } from "../support/fixture/records.ts";
import { MOBILE, SERVER } from "./support.ts";

setDefaultTimeout(TEST_MS);
Object.assign(globalThis, { EventSource });

let pair: Pair;
beforeAll(async () => {
  const Security = {
    DPoP: "optional",
    Apps: [MOBILE, SERVER],
    Collections: { articles: { Write: { Apps: ["server"] } }, profiles: { Write: { DPoP: true } } },
  };
  pair = await startPair({ config: { Security } });
}, START_MS);
afterAll(async () => {
  await pair[Symbol.asyncDispose]();
}, START_MS);

const keysOf = (): Promise<CryptoKeyPair> =>
  crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, false, ["sign", "verify"]);

/** Everything an app does: JSON and files, lists with filters, batches, realtime, refreshes. */
const useIt = async (pb: PocketBase, mark: string): Promise<void> => {
  const articles = pb.collection("articles");
  const author = pb.authStore.record?.id ?? "";
  const made = await articles.create({ title: `${mark}-json`, author, tags: ["red"], meta: { ä: "ö €" } });
  const file = new File(["hello"], "hello.txt", { type: "text/plain" });
  const withFile = await articles.create({ title: `${mark}-file`, author, attachments: [file] });
  expect(withFile["attachments"]).toHaveLength(1);
  await articles.update(made.id, { title: `${mark}-changed` });
  const filter = pb.filter("title ~ {:mark} && author = {:author}", { mark: `${mark}-`, author });
  expect((await articles.getFullList({ filter, expand: "author" })).length).toBe(2);
  const batch = pb.createBatch();
  batch.collection("articles").create({ title: `${mark}-batch`, author, attachments: [file] });
  batch.collection("articles").delete(made.id);
  expect((await batch.send()).map(({ status }) => status)).toEqual([200, 204]);
  const heard = Promise.withResolvers<string>();
  await articles.subscribe("*", ({ action, record }) => heard.resolve(`${action} ${record["title"]}`));
  await articles.create({ title: `${mark}-live`, author, published: true });
  expect(await heard.promise).toBe(`create ${mark}-live`);
  await pb.realtime.unsubscribe();
  const before = pb.authStore.token;
  await pb.collection("members").authRefresh();
  expect(pb.authStore.token).not.toBe(before);
  expect(await pb.files.getToken()).not.toBe("");
};

describe("signed requests", () => {
  test("the SDK does everything, signed", async () => {
    const pb = new PocketBase(pair.url);
    await signRequests(pb, SERVER.Id, SERVER.Secret);
    await pb.collection("members").authWithPassword(ADA.email, PASSWORD);
    await useIt(pb, "signed");
  });

  test("with another app's key, or none, the SDK hears why not", async () => {
    const pb = new PocketBase(pair.url);
    await pb.collection("members").authWithPassword(ADA.email, PASSWORD);
    const create = () =>
      pb.collection("articles").create({ title: "other", author: pb.authStore.record?.id });
    await expect(create()).rejects.toMatchObject({ status: 403 });
    await signRequests(pb, MOBILE.Id, MOBILE.Secret);
    await expect(create()).rejects.toMatchObject({ status: 403 });
    await signRequests(pb, SERVER.Id, MOBILE.Secret);
    const refused = { status: 401, response: { data: { signature: { code: "signature_signature" } } } };
    await expect(create()).rejects.toMatchObject(refused);
  });
});

describe("DPoP", () => {
  test("the SDK does everything, with a key that cannot be exported", async () => {
    const pb = new PocketBase(pair.url);
    await bindToKey(pb, await keysOf());
    await pb.collection("members").authWithPassword(ADA.email, PASSWORD);
    expect(payloadOf(pb.authStore.token)["cnf"]).toBeDefined();
    const profiles = pb.collection("profiles");
    const [own] = await profiles.getFullList({
      filter: pb.filter("member = {:id}", { id: pb.authStore.record?.id }),
    });
    await expect(profiles.update(own?.id ?? "", { motto: "bound" })).resolves.toMatchObject({
      motto: "bound",
    });
    await pb.collection("members").authRefresh();
    expect(await pb.collection("diaries").getFullList()).toHaveLength(1);
  });

  test("its token is worth nothing in another client, with or without a key", async () => {
    const pb = new PocketBase(pair.url);
    await bindToKey(pb, await keysOf());
    await pb.collection("members").authWithPassword(ADA.email, PASSWORD);
    const thief = new PocketBase(pair.url);
    thief.authStore.save(pb.authStore.token, pb.authStore.record);
    await expect(thief.collection("diaries").getFullList()).rejects.toMatchObject({ status: 401 });
    await bindToKey(thief, await keysOf());
    await expect(thief.collection("diaries").getFullList()).rejects.toMatchObject({ status: 401 });
    expect(await pb.collection("diaries").getFullList()).toHaveLength(1);
  });
});
