// The boot checks against real PocketBase instances of every supported version, with every wrong setting.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { checkUpstream } from "../../src/pocketbase/checks.ts";
import { blockingFinding, type Finding, renderFinding } from "../../src/pocketbase/finding.ts";
import { SuperuserClient } from "../../src/pocketbase/superuser.ts";
import { Secret } from "../../src/utils/secret.ts";
import type { PocketBaseVersion } from "../support/pocketbase.ts";
import { clientAt, type Instance, startInstance, startProxy } from "./support.ts";

const VERSIONS: readonly { version: PocketBaseVersion; line: string; hasSuperuserIps: boolean }[] = [
  { version: "0.36", line: "PocketBase is 0.36.", hasSuperuserIps: false },
  { version: "0.39", line: "PocketBase is 0.39.", hasSuperuserIps: true },
  { version: "0.40", line: "PocketBase is 0.40 or newer; Hapta is tested with", hasSuperuserIps: true },
];

const find = (findings: readonly Finding[], check: Finding["check"]): Finding => {
  const finding = findings.find((one) => one.check === check);
  if (finding === undefined) throw new Error(`no finding for ${check} in ${JSON.stringify(findings)}`);
  return finding;
};

for (const { version, line, hasSuperuserIps } of VERSIONS) {
  describe(`checkUpstream on PocketBase ${version}`, () => {
    let instance: Instance;
    beforeAll(async () => {
      instance = await startInstance(version);
    });
    afterAll(() => instance[Symbol.asyncDispose]());
    const run = (fix = false): Promise<readonly Finding[]> => checkUpstream({ client: instance.client, fix });
    const set = async (settings: object): Promise<void> => {
      expect((await instance.client.request("PATCH", "/api/settings", settings)).status).toBe(200);
    };

    test("finds nothing wrong with right settings", async () => {
      const findings = await run();
      expect(findings.filter((finding) => !finding.ok)).toEqual([]);
      expect(findings.map((finding) => finding.check)).toEqual([
        "reachable",
        "credentials",
        "version",
        "trustedProxy",
        "superuserIPs",
        "batch",
      ]);
      expect(find(findings, "version").message).toStartWith(line);
    });

    test("warns of a missing trusted proxy with the exact setting, and sets it when asked to", async () => {
      await set({ trustedProxy: { headers: [], useLeftmostIP: false } });
      const finding = find(await run(), "trustedProxy");
      expect(finding).toMatchObject({ ok: false, severity: "warning" });
      expect(renderFinding(finding)).toContain(
        '{"trustedProxy":{"headers":["X-Forwarded-For"],"useLeftmostIP":false}}',
      );
      expect(renderFinding(finding)).toContain("--fix-upstream");
      expect(find(await run(true), "trustedProxy").ok).toBe(true);
      expect(find(await run(), "trustedProxy").ok).toBe(true);
    });

    test("warns of a header that a client could send before Hapta's, and keeps it last when it fixes that", async () => {
      await set({ trustedProxy: { headers: ["CF-Connecting-IP", "X-Forwarded-For"], useLeftmostIP: true } });
      const finding = find(await run(), "trustedProxy");
      expect(finding.ok).toBe(false);
      expect(finding.message).toContain("believes the header CF-Connecting-IP before X-Forwarded-For");
      expect(find(await run(true), "trustedProxy").ok).toBe(true);
      const { json } = await instance.client.request("GET", "/api/settings");
      expect(json).toMatchObject({
        trustedProxy: { headers: ["X-Forwarded-For", "CF-Connecting-IP"], useLeftmostIP: false },
      });
    });

    test("notes that batch requests are off", async () => {
      await set({ batch: { enabled: false } });
      expect(find(await run(), "batch").message).toBe("Batch requests are off in PocketBase.");
    });

    test("names ADMIN_EMAIL and ADMIN_PASSWORD when the login is wrong, and no secret", async () => {
      const password = new Secret("wrong-password-4711");
      for (const email of [instance.pb.superuser.email, "nobody@example.com"]) {
        const client = new SuperuserClient({ url: instance.pb.url, email, password });
        const finding = blockingFinding(await checkUpstream({ client, fix: true }));
        expect(finding).toMatchObject({ check: "credentials", severity: "fatal" });
        expect(finding?.fix).toMatch(/ADMIN_EMAIL and ADMIN_PASSWORD/);
        expect(JSON.stringify(finding)).not.toContain("4711");
      }
    });

    if (!hasSuperuserIps) return;
    test("passes when superuserIPs lists Hapta, and says how to get in when it does not", async () => {
      await set({ superuserIPs: ["127.0.0.1"] });
      const findings = await run();
      expect(findings.filter((finding) => !finding.ok)).toEqual([]);
      expect(find(findings, "superuserIPs").message).toContain("only from listed addresses");
      await set({ superuserIPs: ["198.51.100.1"] });
      const finding = blockingFinding(await run(true));
      expect(finding).toMatchObject({ check: "superuserIPs", severity: "fatal" });
      expect(finding?.fix).toContain("superuser ips");
    });
  });
}

describe("checkUpstream without a fit PocketBase", () => {
  const account = { email: "a@example.com", password: new Secret("secret-4711") };

  test("waits when nothing listens, or nothing answers, and names DB_URL", async () => {
    using silent = startProxy("", () => new Promise<Response>(() => undefined));
    for (const url of ["http://127.0.0.1:9", silent.url]) {
      const client = new SuperuserClient({ url, ...account, deadlineMs: 200 });
      const [finding] = await checkUpstream({ client, fix: false });
      expect(finding).toMatchObject({ ok: false, check: "reachable", severity: "wait" });
      expect(finding && renderFinding(finding)).toContain("DB_URL");
    }
  });

  test("says so when something else answers", async () => {
    using other = startProxy("", () => new Response("<h1>hello</h1>"));
    const findings = await checkUpstream({
      client: new SuperuserClient({ url: other.url, ...account }),
      fix: false,
    });
    expect(findings).toHaveLength(1);
    expect(findings[0]).toMatchObject({ ok: false, severity: "fatal" });
    expect(findings[0]?.message).toContain("is not PocketBase");
  });

  test("waits through a 502 of a proxy in between and through a rate limiter", async () => {
    for (const status of [502, 429]) {
      using busy = startProxy("", () => new Response("", { status }));
      const client = new SuperuserClient({ url: busy.url, ...account });
      expect(blockingFinding(await checkUpstream({ client, fix: false }))?.severity).toBe("wait");
    }
  });

  test("believes what PocketBase sees, not what its settings say, when something in between drops the header", async () => {
    await using instance = await startInstance();
    using dropping = startProxy(instance.pb.url, (request) => {
      request.headers.delete("x-forwarded-for");
      return undefined;
    });
    for (const fix of [false, true]) {
      const findings = await checkUpstream({ client: clientAt(dropping.url, instance.pb), fix });
      expect(find(findings, "trustedProxy")).toMatchObject({ ok: false, severity: "warning" });
      expect(find(findings, "trustedProxy").message).toContain("does not see the address");
    }
  });

  test("refuses a PocketBase that is too old", async () => {
    await using instance = await startInstance("0.36");
    using old = startProxy(instance.pb.url, (request) =>
      request.headers.get("authorization")?.startsWith("bearer ") === true
        ? Response.json({ status: 401, message: "No.", data: {} }, { status: 401 })
        : undefined,
    );
    const findings = await checkUpstream({ client: clientAt(old.url, instance.pb), fix: false });
    expect(blockingFinding(findings)).toMatchObject({ check: "version", severity: "fatal" });
    expect(find(findings, "version").message).toContain("older than 0.36.4");
  });
});
