// SU6: the dashboard's calls that change something work through Hapta, and leave a row each in the event log. How the dashboard
// looks in a browser: tests/browser/dashboard.test.ts.
import { expect, test } from "bun:test";
import PocketBase from "pocketbase";
import { eventually } from "../support/eventually.ts";
import { SUPERUSER } from "../support/fixture/load.ts";
import { IDS } from "../support/fixture/records.ts";
import { askJson, type EventItem, type Page, sharedPairWithKey } from "./support.ts";

const pair = sharedPairWithKey();

const rows = async (): Promise<readonly EventItem[]> => {
  const page = await askJson<Page<EventItem>>(pair.url, "/hapta/events?type=superuser_action&limit=100");
  return page.items.toReversed();
};

test("SU6: settings, a backup, a collection, a superuser, an impersonation: each works and has its row", async () => {
  const client = new PocketBase(pair.url);
  const superusers = client.collection("_superusers");
  const { record } = await superusers.authWithPassword(SUPERUSER.email, SUPERUSER.password);
  await superusers.authRefresh();
  expect((await client.settings.update({ meta: { appName: "Audited" } }))["meta"]["appName"]).toBe("Audited");
  await client.backups.create("su6.zip");
  const url = client.backups.getDownloadURL(await client.files.getToken(), "su6.zip");
  const backup = new Uint8Array(await (await fetch(url)).arrayBuffer());
  expect(Buffer.from(backup.subarray(0, 2)).toString()).toBe("PK");
  await client.backups.delete("su6.zip");
  const made = await client.collections.create({ name: "audited", type: "base" });
  await client.collections.delete(made.id);
  const json = { email: "su6@example.com", password: "a long password", passwordConfirm: "a long password" };
  const second = await superusers.create(json);
  await client.collection("members").impersonate(IDS.ada, 60);
  // Neither reads nor refusals, nor what superusers do with the app's own records.
  await client.settings.getAll();
  await client.settings.update({ smtp: { port: -1 } }).catch(() => undefined);
  await client.collection("notices").create({ title: "not audited" });
  const expected = [
    "PATCH /api/settings",
    "POST /api/backups",
    "DELETE /api/backups/su6.zip",
    "POST /api/collections",
    `DELETE /api/collections/${made.id}`,
    "POST /api/collections/_superusers/records",
    `POST /api/collections/members/impersonate/${IDS.ada}`,
  ];
  const seen = await eventually(async () => {
    const all = await rows();
    return all.length >= expected.length && all;
  }, 10_000);
  expect(seen.map(({ detail }) => detail)).toEqual(expected);
  expect(new Set(seen.map(({ user }) => user))).toEqual(new Set([record.id]));
  await superusers.delete(second.id);
});
