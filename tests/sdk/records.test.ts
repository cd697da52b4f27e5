// The PocketBase SDK's record, batch, file and error surface against every target.
import { expect, test } from "bun:test";
import { ClientResponseError, type RecordModel } from "pocketbase";
import { drawPng } from "../support/fixture/png.ts";
import { BIG_FILE_BYTES, IDS } from "../support/fixture/records.ts";
import { describeTargets } from "../support/targets.ts";
import { guestClient, memberClient, superuserClient } from "./client.ts";

const failureOf = async (promise: Promise<unknown>): Promise<ClientResponseError> => {
  const failure = await promise.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (failure instanceof ClientResponseError) return failure;
  throw new Error(`expected a refusal, got ${failure}`);
};

describeTargets("SDK records", (target) => {
  test("getList, getFullList, getFirstListItem and getOne read", async () => {
    const notices = guestClient(target).collection("notices");
    const page = await notices.getList(2, 5, { sort: "-id", filter: "title ~ 'Notice'" });
    expect([page.page, page.perPage, page.totalItems, page.totalPages, page.items.length]).toEqual([
      2, 5, 25, 5, 5,
    ]);
    expect((await notices.getFullList({ batch: 7, sort: "id" })).length).toBe(26);
    const first = await notices.getFirstListItem(
      guestClient(target).filter("title = {:title}", { title: "Big file" }),
    );
    expect(first.id).toBe(IDS.bigNotice);
    const one = await guestClient(target)
      .collection("articles")
      .getOne(IDS.news, { expand: "author,comments_via_article" });
    expect(one["expand"]?.["author"].name).toBe("Ada");
    expect(one["expand"]?.["comments_via_article"].length).toBe(2);
  });

  test("create, update and delete write", async () => {
    const notices = guestClient(target).collection("notices");
    const made = await notices.create({ title: "From the SDK", tags: ["red"], meta: { deep: [1] } });
    expect((await notices.update(made.id, { "count+": 3, "tags+": "blue" }))["tags"]).toEqual([
      "red",
      "blue",
    ]);
    expect(await notices.delete(made.id)).toBe(true);
    const failure = await failureOf(notices.getOne(made.id));
    expect([failure.status, failure.message]).toEqual([404, "The requested resource wasn't found."]);
  });

  test("refusals arrive as ClientResponseError with field codes", async () => {
    const failure = await failureOf(guestClient(target).collection("notices").create({ title: "" }));
    expect(failure.status).toBe(400);
    expect(failure.isAbort).toBe(false);
    expect(failure.response["data"].title.code).toBe("validation_required");
    expect(failure.url).toBe(`${target.url}/api/collections/notices/records`);
  });

  test("auto-cancellation aborts the earlier of two equal calls, a request key keeps both", async () => {
    const client = guestClient(target);
    const slow = failureOf(client.send("/custom/slow", { query: { ms: 2000 } }));
    await client.send("/custom/slow", { query: { ms: 1 } });
    expect((await slow).isAbort).toBe(true);
    const both = await Promise.all(
      ["a", "b"].map((requestKey) => client.send("/api/health", { requestKey })),
    );
    expect(both.map((health) => health.code)).toEqual([200, 200]);
    expect((await client.health.check()).code).toBe(200);
  });

  test("batch writes in one transaction, with files", async () => {
    const client = guestClient(target);
    const batch = client.createBatch();
    batch.collection("notices").create({ id: "sdkbatch0000001", title: "One" });
    batch.collection("notices").create({ title: "Filed", blob: new File(["sdk file"], "sdk.txt") });
    batch.collection("notices").update("sdkbatch0000001", { title: "One more" });
    batch.collection("notices").upsert({ id: "sdkbatch0000002", title: "Two" });
    batch.collection("notices").delete("sdkbatch0000002");
    const results = await batch.send();
    expect(results.map((result) => result.status)).toEqual([200, 200, 200, 200, 204]);
    expect(results[2]?.body.title).toBe("One more");
    const failing = client.createBatch();
    failing.collection("notices").create({ title: "" });
    const failure = await failureOf(failing.send());
    expect(failure.response["data"].requests[0].response.data.title.code).toBe("validation_required");
  });

  test("files are uploaded, addressed, thumbed, protected and downloaded", async () => {
    const client = await memberClient(target, "ada@example.com");
    const cover = new File([drawPng(50, 40)], "Cover.png", { type: "image/png" });
    const article = await client
      .collection("articles")
      .create({ title: "With cover", cover, tags: ["red", "blue"], author: IDS.ada });
    expect(article["tags"]).toEqual(["red", "blue"]);
    const url = client.files.getURL(article, article["cover"], { thumb: "40x30" });
    expect(url).toStartWith(`${target.url}/api/files/`);
    expect((await fetch(url)).headers.get("content-type")).toBe("image/png");
    const big = await guestClient(target).collection("notices").getOne(IDS.bigNotice);
    const bytes = await (await fetch(client.files.getURL(big, big["blob"][0]))).arrayBuffer();
    expect(bytes.byteLength).toBe(BIG_FILE_BYTES);
    const diary = await client.collection("diaries").getOne(IDS.diary);
    expect((await fetch(client.files.getURL(diary, diary["scan"]))).status).toBe(404);
    const token = await client.files.getToken();
    expect((await fetch(client.files.getURL(diary, diary["scan"], { token }))).status).toBe(200);
  });

  test("send reaches custom routes, and hooks of the client see every answer", async () => {
    const client = guestClient(target);
    const seen: number[] = [];
    client.afterSend = (response, data) => {
      seen.push(response.status);
      return data;
    };
    const failure = await failureOf(client.send("/custom/status/418", {}));
    expect(failure.status).toBe(418);
    const echoed = await client.send("/custom/things/x%20y", { method: "PUT", body: { a: 1 } });
    expect(echoed).toEqual({ name: "x y", method: "PUT" });
    expect(seen).toEqual([418, 200]);
  });

  test("a superuser sees hidden fields, a member does not", async () => {
    const read = (client: {
      collection(name: string): { getOne(id: string): Promise<RecordModel> };
    }): Promise<RecordModel> => client.collection("articles").getOne(IDS.news);
    expect((await read(await superuserClient(target)))["draftNote"]).toBe("hidden words");
    expect((await read(await memberClient(target, "ada@example.com")))["draftNote"]).toBeUndefined();
  });
});
