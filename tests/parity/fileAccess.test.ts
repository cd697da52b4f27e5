// Parity of uploads and of protected files.
import { expect, test } from "bun:test";
import type { World } from "../support/fixture/load.ts";
import { drawPng } from "../support/fixture/png.ts";
import { bigBytes, IDS } from "../support/fixture/records.ts";
import { type Scenario, send, sendForJson, testScenarios } from "../support/scenario.ts";
import { describeTargets } from "../support/targets.ts";
import { exchange } from "../support/wire.ts";

const NOTICES = "/api/collections/notices/records";
const NOT_FOUND = '{"data":{},"message":"The requested resource wasn\'t found.","status":404}\n';

const scan = (world: World): string => `/api/files/diaries/${IDS.diary}/${world.files.scan}`;

const guarded: readonly Scenario[] = [
  { name: "a protected file is 404 without a token", path: scan, status: 404, exactly: NOT_FOUND },
  {
    name: "a protected file ignores the Authorization header",
    as: "ada",
    path: scan,
    status: 404,
    exactly: NOT_FOUND,
  },
  {
    name: "a protected file refuses an auth token in the query",
    path: (w) => `${scan(w)}?token=${w.tokens.ada}`,
    status: 404,
    exactly: NOT_FOUND,
  },
];

describeTargets("file access", (target) => {
  testScenarios(target, guarded);

  test("a protected file opens for the file token of who may view it, and for nobody else", async () => {
    const tokenOf = async (as: "ada" | "ben" | "superuser"): Promise<string> =>
      String((await sendForJson(target, { as, method: "POST", path: "/api/files/token" }))["token"]);
    const path = scan(target.world);
    const own = await send(target, { path: `${path}?token=${await tokenOf("ada")}` });
    expect(own.status).toBe(200);
    expect(own.body.equals(drawPng(24, 24))).toBe(true);
    expect((await send(target, { path: `${path}?token=${await tokenOf("superuser")}` })).status).toBe(200);
    expect((await send(target, { path: `${path}?token=${await tokenOf("ben")}` })).text).toBe(NOT_FOUND);
  });

  test("an upload is stored under a cleaned name, replaced, appended to and removed", async () => {
    const formOf = (entries: readonly (readonly [string, string | Blob, string?])[]): FormData => {
      const form = new FormData();
      for (const [name, value, file] of entries) {
        if (typeof value === "string") form.append(name, value);
        else form.append(name, value, file);
      }
      return form;
    };
    const first = formOf([
      ["title", "With file"],
      ["count", "7"],
      ["blob", new Blob(["one"]), "My Pic (1).TXT"],
    ]);
    const made = await sendForJson(target, { method: "POST", path: NOTICES, form: first });
    const path = `${NOTICES}/${made["id"]}`;
    expect(made["count"]).toBe(7);
    expect(String(made["blob"])).toMatch(/^my_pic_1_[a-z0-9]{10}\.txt$/i);
    const more = await sendForJson(target, {
      method: "PATCH",
      path,
      form: formOf([["blob+", new Blob(["two"]), "two.txt"]]),
    });
    const names = more["blob"] as string[];
    expect(names.length).toBe(2);
    const file = await send(target, { path: `/api/files/notices/${made["id"]}/${names[1]}` });
    expect(file.text).toBe("two");
    const fewer = await sendForJson(target, { method: "PATCH", path, json: { "blob-": names[0] } });
    expect(fewer["blob"]).toEqual([names[1]]);
    expect((await send(target, { path: `/api/files/notices/${made["id"]}/${names[0]}` })).text).toBe(
      NOT_FOUND,
    );
  });

  test("an upload of 3 MB in chunks of unknown length is stored whole", async () => {
    const bytes = bigBytes(3_000_000);
    const form = new FormData();
    form.set("title", "Chunked");
    form.append("blob", new Blob([bytes]), "chunked.bin");
    const carrier = new Response(form);
    const made = await exchange(target.url, {
      method: "POST",
      path: NOTICES,
      headers: [["Content-Type", carrier.headers.get("Content-Type") ?? ""]],
      body: new Uint8Array(await carrier.arrayBuffer()),
      chunkBytes: 50_000,
    });
    const record = JSON.parse(made.text) as { id: string; blob: string[] };
    const stored = await send(target, { path: `/api/files/notices/${record.id}/${record.blob[0]}` });
    expect(stored.body.equals(bytes)).toBe(true);
  });

  test("an upload refused by type or count is a field error", async () => {
    const form = new FormData();
    form.set("title", "Bad cover");
    form.append("cover", new Blob(["no image"]), "cover.png");
    for (let i = 0; i < 5; i++) form.append("attachments", new Blob([`${i}`]), `${i}.txt`);
    const response = await send(target, {
      as: "ada",
      method: "POST",
      path: "/api/collections/articles/records",
      form,
    });
    expect(response.status).toBe(400);
    expect(response.text).toContain('"cover":{"code":"validation_invalid_mime_type"');
    expect(response.text).toContain('"attachments":{"code":"validation_too_many_files"');
  });
});
