// The PocketBase SDK's superuser services against every target.
import { expect, test } from "bun:test";
import type { ClientResponseError } from "pocketbase";
import { eventually } from "../support/eventually.ts";
import { describeTargets } from "../support/targets.ts";
import { superuserClient } from "./client.ts";

describeTargets("SDK superuser services", (target) => {
  test("collections are listed, made, changed, imported, truncated and deleted", async () => {
    const { collections } = await superuserClient(target);
    const names = (await collections.getFullList()).map((collection) => collection.name);
    expect(names).toContain("articleStats");
    const made = await collections.create({
      name: "sdkmade",
      type: "base",
      fields: [{ name: "word", type: "text" }],
    });
    expect((await collections.update(made.id, { listRule: "" })).listRule).toBe("");
    expect(await collections.truncate("sdkmade")).toBe(true);
    expect((await collections.getScaffolds())["base"]?.type).toBe("base");
    expect(await collections.import([await collections.getOne("sdkmade")])).toBe(true);
    expect(await collections.delete("sdkmade")).toBe(true);
  });

  test("settings are read, changed and tested", async () => {
    const { settings } = await superuserClient(target);
    expect((await settings.getAll())["meta"]["appName"]).toBe("Hapta tests");
    expect((await settings.update({ meta: { appName: "Sdk" } }))["meta"]["appName"]).toBe("Sdk");
    const failure = await settings.testS3().catch((error: { status: number }) => error.status);
    expect(failure).toBe(400);
  });

  test("logs are listed, counted and read one by one", async () => {
    const { logs, health } = await superuserClient(target);
    expect((await health.check()).data["canBackup"]).toBe(true);
    const page = await eventually(async () => {
      const list = await logs.getList(1, 1, { filter: "data.url ~ '/api/health'" });
      return list.items[0];
    }, 8_000);
    expect((await logs.getOne(page.id)).id).toBe(page.id);
    expect((await logs.getStats()).length).toBeGreaterThan(0);
  });

  test("SQL, a view's dry run and the OAuth2 providers answer", async () => {
    const { sql, collections } = await superuserClient(target);
    expect((await sql.run("select id from notices where id = 'notice000000001'"))["rows"]).toEqual([
      ["notice000000001"],
    ]);
    const view = await collections.dryRunViewQuery("select id, title from notices limit 3");
    expect(view).toMatchObject({ sample: [{}, {}, {}] });
    expect((await collections.getAllOAuth2Providers()).length).toBeGreaterThan(10);
  });

  test("refused settings tests are refused as PocketBase refuses them", async () => {
    const { settings, logs } = await superuserClient(target);
    const statusOf = (call: Promise<unknown>): Promise<unknown> =>
      call.catch((error: ClientResponseError) => error.status);
    expect(await statusOf(settings.testEmail("members", "no address", "verification"))).toBe(400);
    expect(await statusOf(settings.generateAppleClientSecret("", "", "", "", 0))).toBe(400);
    expect(await statusOf(logs.truncate())).toBe(404);
  });

  test("crons are listed and run", async () => {
    const { crons } = await superuserClient(target);
    expect((await crons.getFullList()).map((cron) => cron.id)).toContain("__pbLogsCleanup__");
    expect(await crons.run("__pbLogsCleanup__")).toBe(true);
  });

  test("backups are made, listed, downloaded, uploaded and deleted", async () => {
    const client = await superuserClient(target);
    expect(await client.backups.create("sdk.zip")).toBe(true);
    expect((await client.backups.getFullList()).map((backup) => backup.key)).toEqual(["sdk.zip"]);
    const response = await fetch(client.backups.getDownloadURL(await client.files.getToken(), "sdk.zip"));
    const file = new File([await response.blob()], "again.zip", { type: "application/zip" });
    expect(await client.backups.upload({ file })).toBe(true);
    expect(await client.backups.delete("sdk.zip")).toBe(true);
    expect(await client.backups.delete("again.zip")).toBe(true);
  });

  test("a restored backup takes later writes back, and the server answers again", async () => {
    const client = await superuserClient(target);
    await client.backups.create("restore.zip");
    const later = await client.collection("ledgers").create({ line: "written after the backup" });
    expect(await client.backups.restore("restore.zip")).toBe(true);
    const isGone = async (): Promise<boolean> => {
      const failure = await client
        .collection("ledgers")
        .getOne(later.id)
        .catch((error: ClientResponseError) => error.status);
      return failure === 404;
    };
    expect(await eventually(isGone, 15_000)).toBe(true);
    expect((await client.health.check()).code).toBe(200);
  });
});
