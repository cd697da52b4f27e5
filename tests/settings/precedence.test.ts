import { expect, test } from "bun:test";
import { join } from "node:path";
import { EXTERNAL, FULL_CONFIG } from "./fixtures.ts";
import { inFolder } from "./inFolder.ts";

const port = (value: number) => `export default { Server: { Port: ${value} } };`;

test.each([
  ["default", {}, {}, [], 3599],
  ["file beats default", { "config.ts": port(1001) }, {}, [], 1001],
  [".env beats file", { "config.ts": port(1001), ".env": "PORT=1002" }, {}, [], 1002],
  ["environment beats .env", { "config.ts": port(1001), ".env": "PORT=1002" }, { PORT: "1003" }, [], 1003],
  ["flag beats environment", { ".env": "PORT=1002" }, { PORT: "1003" }, ["--port", "1004"], 1004],
  ["flag with equals sign", { "config.ts": port(1001) }, { PORT: "1003" }, ["--port=1004"], 1004],
  [
    "an empty real variable hides .env",
    { "config.ts": port(1001), ".env": "PORT=1002" },
    { PORT: "" },
    [],
    1001,
  ],
  ["port 0 is a free port", {}, { PORT: "0" }, [], 0],
] as const)("precedence: %s", async (...[, files, env, argv, expected]) => {
  using folder = inFolder(files);
  expect((await folder.settings(argv, env)).server.port).toBe(expected);
});

test("precedence: the winner's origin is named for every source", async () => {
  using folder = inFolder({
    "config.ts": `export default { Server: { Port: 1, threads: 2 }, Log: { Level: "warn" } };`,
    ".env": "HAPTA_HOST=127.0.0.1",
  });
  const { text, exitCode } = (await folder.command(["--check-config", "--NodeId=7"], { PORT: "5" })) as {
    text: string;
    exitCode: number;
  };
  expect(exitCode).toBe(0);
  expect(text).toMatch(/Server\.Port +5 +environment PORT/);
  expect(text).toMatch(/Server\.Host +"127\.0\.0\.1" +\.env HAPTA_HOST/);
  expect(text).toMatch(/Server\.NodeId +7 +flag --NodeId/);
  expect(text).toMatch(/Server\.threads +2 +file/);
  expect(text).toMatch(/Log\.Level +"warn" +file/);
  expect(text).toMatch(/Log\.Requests +"errors" +default/);
});

test("precedence: a flag that beats a variable is named as the origin", async () => {
  using folder = inFolder();
  const command = await folder.command(["--check-config", "--port=4"], { PORT: "5" });
  expect(command.kind === "print" ? command.text : "").toMatch(/Server\.Port +4 +flag --port/);
});

test.each([
  ["--config", ["--config", "a.ts"], { HAPTA_CONFIG: "b.ts" }, 1],
  ["HAPTA_CONFIG", [], { HAPTA_CONFIG: "b.ts" }, 2],
  ["./config.ts", [], {}, 3],
] as const)("config file: %s is the one that is used", async (...[, argv, env, expected]) => {
  using folder = inFolder({
    "a.ts": port(1),
    "b.ts": port(2),
    "config.ts": port(3),
    "src/config.ts": port(4),
  });
  expect((await folder.settings(argv, env)).server.port).toBe(expected);
});

test("config file: ./src/config.ts is the last place looked at", async () => {
  using folder = inFolder({ "src/config.ts": port(4) });
  const settings = await folder.settings();
  expect(settings.server.port).toBe(4);
  expect(settings.configFile).toBe(join(folder.path, "src/config.ts"));
});

test("config file: sees the values of .env in the environment, real variables first", async () => {
  using folder = inFolder({ ".env": "FROM_FILE=11\nBOTH=12" });
  const env: Record<string, string> = { BOTH: "13" };
  const { parseCommand } = await import("../../src/settings.ts");
  await parseCommand({ argv: [], env, cwd: folder.path });
  expect(env).toEqual({ BOTH: "13", FROM_FILE: "11" });
});

test("settings: a full config file has exactly its meaning", async () => {
  using folder = inFolder({ "config.ts": FULL_CONFIG });
  const settings = await folder.settings();
  expect(settings.server).toMatchObject({ port: 3599, nodeId: 0, threads: 4, isMainNode: true });
  expect(settings.security.secret?.reveal()).toHaveLength(36);
  expect(settings.rateLimit.rules).toHaveLength(1);
  expect(settings.rateLimit.rules[0]).toMatchObject({ unitsMax: 10, windowMs: 60_000, by: ["address"] });
  expect(settings.rateLimit).toMatchObject({
    isEnabled: true,
    message: "You have reached the maximum number of requests per minute",
  });
  expect(settings.notices).toContain("Server.threads is 4: this version runs one process.");
});

test("settings: units, paths and addresses are normalised", async () => {
  using folder = inFolder({
    "config.ts": `export default {
      Server: { DrainTimeout: 2.5 },
      Security: { Hosts: ["App.Example.com"] },
      Network: { TrustedProxies: ["10.9.9.9/8", "::1"] },
      Admin: { Access: "off", AllowIPs: ["192.0.2.7"] },
    };`,
  });
  const settings = await folder.settings([], {
    ...EXTERNAL,
    DB_URL: "http://127.0.0.1:8090/",
    HAPTA_DATA_DIR: "d",
  });
  expect(settings.server.drainTimeoutMs).toBe(2500);
  expect(settings.security.hosts).toEqual(["app.example.com"]);
  expect(settings.network.trustedProxies).toEqual(["10.0.0.0/8", "::1/128"]);
  expect(settings.admin).toEqual({ access: "off", allowedBlocks: ["192.0.2.7/32"] });
  expect(settings.upstream.url).toBe("http://127.0.0.1:8090");
  expect(settings.dataDir).toBe(join(folder.path, "d"));
});

test("settings: the value is frozen to its leaves", async () => {
  using folder = inFolder();
  const settings = await folder.settings();
  const branches: unknown[] = [
    settings,
    ...Object.values(settings),
    settings.security.hosts,
    settings.notices,
  ];
  for (const branch of branches) expect(Object.isFrozen(branch)).toBe(true);
});
