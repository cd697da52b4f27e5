import { expect, test } from "bun:test";
import { PUBLISHED_SECRETS } from "../../src/settings/variableChecks.ts";
import { EXTERNAL } from "./fixtures.ts";
import { inFolder } from "./inFolder.ts";

/** What a config file says, and the sentence (after the file's own path is cut out) that must be printed. */
const FILES: readonly (readonly [string, string])[] = [
  ["{ Server: { Prot: 1 } }", "Server.Prot: unknown key; did you mean Server.Port?"],
  ["{ server: {} }", "server: unknown key; did you mean Server?"],
  ["{ Port: 1 }", "Port: unknown key; did you mean Server.Port?"],
  ["{ Admin: { Zzzzz: 1 } }", "Admin.Zzzzz: unknown key; remove it. Admin may have: Access, AllowIPs"],
  [
    '{ Server: { Port: "80" } }',
    'Server.Port: found the text "80" (FILE); allowed: a whole number from 0 to 65535; for example Server.Port: 3599',
  ],
  [
    "{ Server: { Port: 70000 } }",
    "Server.Port: found the number 70000 (FILE); allowed: a whole number from 0 to 65535",
  ],
  ["{ Server: { Port: 1.5 } }", "Server.Port: found the number 1.5"],
  ["{ Server: { Port: null } }", "Server.Port: found null"],
  [
    "{ Server: { threads: 0 } }",
    "Server.threads: found the number 0 (FILE); allowed: a whole number from 1 to 64",
  ],
  [
    "{ Server: { Host: 'http://x' } }",
    'Server.Host: found the text "http://x" (FILE); allowed: a host name or IP address without scheme, port and brackets; for example Server.Host: "0.0.0.0"',
  ],
  ["{ Server: { Host: '[::]' } }", "Server.Host: found the text"],
  ["{ Cache: { Names: { 'u v': { Collection: 'a' } } } }", "Cache.Names"],
  ["{ Cache: { Names: { u: { Collection: 'a', Filter: 'b' } } } }", "Cache.Names.u.Filter: unknown key"],
  [
    "{ Cache: { Names: { 'u/{id}': { Collection: 'users' } } } }",
    'Cache.Names["u/{id}"]: {id} has no value; put it into Record or Query as well.',
  ],
  [
    "{ Cache: { Names: { 'u/{a}': { Collection: 'u', Record: '{a}' }, 'v/{b}': { Collection: 'u', Record: '{b}' } } } }",
    'Cache.Names["v/{b}"]: names the same reads as "u/{a}"; remove one.',
  ],
  ["{ Cache: { Encodings: ['zstd'] } }", "Cache.Encodings"],
  ["{ Cache: { Writes: { 'GET /shop': [] } } }", "Cache.Writes"],
  ["{ Cache: { Writes: { 'POST /api/batch': ['posts'] } } }", "Cache.Writes"],
  ["{ Server: 3 }", "Server: found the number 3 (FILE); allowed: an object with Port, Host"],
  [
    "{ Server: { MainNode: 'http://x' } }",
    'Server.MainNode: found the text "http://x" (FILE); allowed: a ws:// or wss:// URL',
  ],
  ["{ Server: { DrainTimeout: -1 } }", "allowed: a number of seconds from 0 to 3600"],
  ["{ Upstream: { QueueTimeout: Infinity } }", "Upstream.QueueTimeout: found the number Infinity"],
  [
    "{ Server: { nodeEnabled: true } }",
    "Clustering is not in this version yet: Server.nodeEnabled is true; set it to false.",
  ],
  [
    "{ Server: { Nodes: ['ws://a'] } }",
    "Clustering is not in this version yet: Server.Nodes has 1 entries; set it to [].",
  ],
  [
    "{ Security: { Secret: 'short' } }",
    "Security.Secret: found a text of 5 characters (FILE); allowed: a text of 16",
  ],
  ["{ Security: { Secret: 123456789 } }", "Security.Secret: found a number (FILE)"],
  [
    `{ Security: { Secret: "${PUBLISHED_SECRETS[0]}" } }`,
    "Security.Secret: is a text from an example that everybody can read",
  ],
  [
    "{ Security: { Hosts: ['http://a'] } }",
    'Security.Hosts[0]: found the text "http://a" (FILE); allowed: a host name',
  ],
  [
    "{ Network: { TrustedProxies: ['10.0.0.0/8', 'x'] } }",
    'Network.TrustedProxies[1]: found the text "x" (FILE); allowed: an IP address, a CIDR block or one of "loopback", "private"',
  ],
  ["{ Network: { TrustedProxies: '10.0.0.0/8' } }", "Network.TrustedProxies: found the text"],
  [
    "{ Admin: { Access: 'open' } }",
    'allowed: one of "private", "public", "off"; for example Admin.Access: "private"',
  ],
  ["{ Log: { Level: 'loud' } }", 'allowed: one of "debug", "info", "warn", "error"'],
  ["{ ratelimit: { IP: 'yes' } }", 'ratelimit.IP: found the text "yes" (FILE); allowed: true or false'],
  ["{ ratelimit: { Rules: [{ Name: 'a', Max: 0 }] } }", "ratelimit.Rules[0].Max: found the number 0 "],
  [
    "{ ratelimit: { Rules: [{ Name: 'a', Max: 1, Action: 'lists' }] } }",
    'ratelimit.Rules[0].Action: found the text "lists"',
  ],
  [
    "{ ratelimit: { Rules: [{ Name: 'a', Max: 1, Path: '(a+)+' }] } }",
    'ratelimit.Rules[0].Path: found the text "(a+)+"',
  ],
  [
    "{ ratelimit: { Rules: [{ Name: 'a', Max: 1, Windows: 1 }] } }",
    "ratelimit.Rules.0.Windows: unknown key; remove it.",
  ],
  [
    "{ ratelimit: { Rules: [{ Name: 'a', Max: 1 }, { Name: 'a', Max: 2 }] } }",
    'ratelimit.Rules[1]: the Name "a" is taken by a rule before it; choose another.',
  ],
  [
    "{ ratelimit: { Rules: [{ Name: 'default', Max: 1 }] } }",
    'ratelimit.Rules[0]: the Name "default" is that of Max and Duration; choose another.',
  ],
  ["{ ratelimit: { Message: 'a\\nb' } }", "ratelimit.Message: found the text"],
  [
    "{ Upstream: { TotalTimeout: 1, QueueTimeout: 2 } }",
    "Upstream.QueueTimeout (2 s) is longer than Upstream.TotalTimeout (1 s)",
  ],
  [
    "{ Security: { Sessions: { Idle: 90, Absolute: 60 } } }",
    "Security.Sessions.Idle (90 s) is longer than Security.Sessions.Absolute (60 s)",
  ],
  ["{ Security: { Sessions: { MaxPerUser: 0 } } }", "Security.Sessions.MaxPerUser: found the number 0"],
];

test.each(FILES)("config file: export default %s is refused", async (value, sentence) => {
  using folder = inFolder({ "config.ts": `export default ${value};` });
  const text = await folder.problems();
  expect(text.replaceAll(`file ${folder.path}/config.ts`, "FILE")).toContain(sentence);
  expect(text).not.toContain("123456789");
});

test.each([
  ["export default { a: 1,, };", /config\.ts:1: /],
  ['\n\nthrow new Error("boom\\nsecond line");', /config\.ts:3: boom\n/],
  ["\nexport default { a: nowhere };", /config\.ts:2: nowhere is not defined\n/],
  ['import x from "./gone.ts"; export default { x };', /Cannot find module '\.\/gone\.ts'/],
  ["throw 'a text';", /config\.ts: a text\n/],
  ["export const a = 1;", /config\.ts has no default export; write: export default/],
  ["export default 3;", /a default export that is not a plain object/],
  ["export default () => ({});", /a default export that is not a plain object/],
])("config file: the module %j is one clear sentence and no stack", async (module, sentence) => {
  using folder = inFolder({ "config.ts": module });
  const text = await folder.problems();
  expect(text).toMatch(sentence);
  expect(text).not.toMatch(/\n +at /);
  expect(text.trimEnd().split("\n")).toHaveLength(2);
});

test("config file: one that never finishes loading is given up", async () => {
  using folder = inFolder({ "config.ts": "await new Promise(() => {}); export default {};" });
  const { loadConfigFile } = await import("../../src/settings/configFile.ts");
  const loaded = await loadConfigFile(`${folder.path}/config.ts`, 50);
  expect(loaded).toEqual({ problem: expect.stringContaining("did not load within 0.05 s") });
});

test.each([
  [["--config", "gone.ts"], {}, "--config: there is no file "],
  [["--config=."], {}, "--config: there is no file "],
  [[], { HAPTA_CONFIG: "gone.ts" }, "HAPTA_CONFIG: there is no file "],
  [
    ["--port", "abc"],
    {},
    'Server.Port: found the text "abc" (flag --port); allowed: a whole number from 0 to 65535; for example --port 3599',
  ],
  [["--port", "-1"], {}, "Server.Port: found the number -1 (flag --port)"],
  [
    [],
    { PORT: "1e3" },
    'Server.Port: found the text "1e3" (environment PORT); allowed: a whole number from 0 to 65535; for example PORT=3599',
  ],
  [["--NodeId=x"], {}, 'Server.NodeId: found the text "x" (flag --NodeId)'],
  [["--mainNode=maybe"], {}, '--mainNode: found the text "maybe"; allowed: true or false'],
  [
    ["--mainNode", "false"],
    {},
    "Clustering is not in this version yet: --mainNode false asks for a second node; leave it out.",
  ],
  [
    [],
    { DB_URL: "http://127.0.0.1:8090" },
    "DB_URL is set but ADMIN_EMAIL and ADMIN_PASSWORD are not: set ADMIN_EMAIL and ADMIN_PASSWORD to a superuser",
  ],
  [[], { ...EXTERNAL, ADMIN_PASSWORD: "" }, "DB_URL is set but ADMIN_PASSWORD is not"],
  [
    [],
    { ...EXTERNAL, DB_URL: "127.0.0.1:8090" },
    'DB_URL: found the text "127.0.0.1:8090"; allowed: an http:// or https:// URL; write it like http://127.0.0.1:8090 (environment DB_URL)',
  ],
  [[], { ...EXTERNAL, DB_URL: "ftp://a" }, "DB_URL: found the text"],
  [
    [],
    { ...EXTERNAL, DB_URL: "http://a/api" },
    'DB_URL: found the text "http://a/api"; a path or query is not allowed',
  ],
  [[], { ...EXTERNAL, DB_URL: "http://a/?x=1" }, "a path or query is not allowed"],
  [[], { ...EXTERNAL, DB_URL: "http://a?" }, "a path or query is not allowed"],
  [[], { ...EXTERNAL, DB_URL: "http://u:hidden-pw@a" }, "DB_URL: must not hold a user or password"],
  [[], { ...EXTERNAL, DB_URL: "htp://u:hidden-pw@a" }, 'DB_URL: found the text "htp://***@a"'],
  [[], { ...EXTERNAL, DB_URL: "http://localhost:3599" }, "DB_URL is Hapta's own address (port 3599)"],
  [[], { ...EXTERNAL, ADMIN_EMAIL: "root" }, 'ADMIN_EMAIL: found the text "root"; allowed: an email address'],
  [
    [],
    { HAPTA_ADMIN_KEY: "hidden-pw" },
    "HAPTA_ADMIN_KEY: found a text of 9 characters; allowed: at least 16, random",
  ],
  [
    [],
    { HAPTA_ROOT_KEY: "hidden-pw" },
    "HAPTA_ROOT_KEY must be 32 random bytes as 64 hex digits or as base64",
  ],
  [[], { HAPTA_CLUSTER_SECRET: "hidden-pw" }, "HAPTA_CLUSTER_SECRET: found a text of 9 characters"],
  [[], { HAPTA_ADMIN_KEY: "12121212121212121212" }, "HAPTA_ADMIN_KEY: is easily guessed"],
  [[], { HAPTA_ADMIN_KEY: PUBLISHED_SECRETS[0] ?? "" }, "HAPTA_ADMIN_KEY: is a text from an example"],
  [[], { REDIS_URL: "http://:hidden-pw@a" }, "REDIS_URL: is not a redis:// or rediss:// URL"],
  [[], { HAPTA_POCKETBASE_DOWNLOAD: "file:///x" }, "HAPTA_POCKETBASE_DOWNLOAD: found the text"],
] as const)("settings: %j with %j is refused", async (argv, env, sentence) => {
  using folder = inFolder();
  const text = await folder.problems(argv, env);
  expect(text).toContain(sentence);
  expect(text).not.toContain("hidden-pw");
  expect(text).not.toContain(EXTERNAL.ADMIN_PASSWORD);
});

test(".env: a line that cannot be read stops the start and is not shown", async () => {
  using folder = inFolder({ ".env": 'ADMIN_PASSWORD="hidden-pw' });
  const text = await folder.problems();
  expect(text).toContain(".env line 1: ADMIN_PASSWORD has a quote that does not close");
  expect(text).not.toContain("hidden-pw");
});

test("settings: all problems are printed at once", async () => {
  using folder = inFolder({ "config.ts": "export default { Server: { Prot: 1, threads: 0 } };" });
  const text = await folder.problems(["--mainNode=x"], { DB_URL: "x" });
  expect(text).toStartWith("Hapta cannot start: 4 problems in the settings\n");
});

test.each([
  [
    "REDIS_URL",
    { REDIS_URL: "redis://127.0.0.1" },
    "REDIS_URL is accepted, but this version does not use it yet.",
  ],
  [
    "a misspelt variable",
    { HAPTA_ADMINKEY: "x" },
    "HAPTA_ADMINKEY: unknown variable, not used; did you mean HAPTA_ADMIN_KEY?",
  ],
  [
    "a binary beside DB_URL",
    { ...EXTERNAL, HAPTA_POCKETBASE_BIN: "/pb" },
    "HAPTA_POCKETBASE_BIN is not used because DB_URL is set.",
  ],
  ["ADMIN_EMAIL alone", { ADMIN_EMAIL: "a@b.c" }, "ADMIN_EMAIL is not used because DB_URL is not set."],
] as const)("notices: %s is accepted with a notice", async (_, env, notice) => {
  using folder = inFolder();
  expect((await folder.settings([], env)).notices).toContain(notice);
});

test("notices: trusting every address is pointed out", async () => {
  using folder = inFolder({ "config.ts": 'export default { Network: { TrustedProxies: ["0.0.0.0/0"] } };' });
  expect((await folder.settings()).notices.join()).toContain("Network.TrustedProxies trusts every address");
});
