// Looks whether a PocketBase is fit to stand behind Hapta, and sets right what it is asked to.
// Decides nothing: the findings go to whoever started the check.
import type { Finding } from "./finding.ts";
import { field, type SuperuserAnswer, type SuperuserClient } from "./superuser.ts";
import { SuperuserError, type SuperuserProblem } from "./superuserError.ts";
import { probeVersion } from "./version.ts";

/** What to check. */
export type CheckOptions = {
  readonly client: SuperuserClient;
  /** Write the settings that are wrong (`--fix-upstream`) and look again. */
  readonly fix: boolean;
  /** Told PocketBase's settings once they have been read. Must not throw. */
  readonly onSettings?: ((settings: unknown) => void) | undefined;
};

// An address of the documentation range (RFC 5737): no real client has it.
const PROBE_ADDRESS = "203.0.113.7";
const PROXY_HEADER = "X-Forwarded-For";

/**
 * Runs the checks in order and stops at the first that makes the rest pointless.
 * At most ten small requests; changes nothing unless `fix` is set.
 *
 * @returns One finding for each check that was made; never throws.
 */
export async function checkUpstream(options: CheckOptions): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  try {
    for (const check of [checkReachable, checkCredentials, checkVersion, checkTrustedProxy]) {
      const finding = await check(options);
      findings.push(finding);
      if (!finding.ok && finding.severity !== "warning") return findings;
    }
    const settings = await options.client.request("GET", "/api/settings");
    findings.push(noteSuperuserIps(settings.json), noteBatch(settings.json));
    if (settings.status === 200) options.onSettings?.(settings.json);
  } catch (error) {
    findings.push(explain(error, options.client.url));
  }
  return findings;
}

async function checkReachable({ client }: CheckOptions): Promise<Finding> {
  const health = await client.askAsGuest("/api/health");
  if (
    health.status === 200 &&
    field(health.json, "code") === 200 &&
    field(health.json, "data") !== undefined
  ) {
    return { ok: true, check: "reachable", message: `PocketBase answers at ${client.url}.` };
  }
  if (health.status >= 500 || health.status === 429)
    return explain(awayError(client.url, health), client.url);
  return {
    ok: false,
    check: "reachable",
    severity: "fatal",
    message: `What answers at ${client.url} is not PocketBase (GET /api/health: status ${health.status}).`,
    fix: "Set DB_URL to the address of PocketBase itself.",
  };
}

async function checkCredentials({ client }: CheckOptions): Promise<Finding> {
  await client.login();
  return { ok: true, check: "credentials", message: "The superuser login works." };
}

async function checkVersion({ client }: CheckOptions): Promise<Finding> {
  const seen = await probeVersion(client);
  const tested = "Hapta is tested with 0.36.8 and 0.39.1, and with 0.40.4 ahead of its support";
  if (seen.support === "old") {
    return {
      ok: false,
      check: "version",
      severity: "fatal",
      message: `PocketBase at ${client.url} is ${seen.line}; ${tested}.`,
      fix: "Update PocketBase.",
    };
  }
  if (seen.support === "supported")
    return { ok: true, check: "version", message: `PocketBase is ${seen.line}.`, line: seen.line };
  return { ok: true, check: "version", message: `PocketBase is ${seen.line}; ${tested}.`, line: seen.line };
}

async function checkTrustedProxy({ client, fix }: CheckOptions): Promise<Finding> {
  const settings = await client.request("GET", "/api/settings");
  const before = await seesForwardedAddress(client, settings.json);
  if (before.ok || !fix) return before;
  const others = trustedHeaders(settings.json).filter((name) => !isProxyHeader(name));
  const patch = { trustedProxy: { headers: [PROXY_HEADER, ...others], useLeftmostIP: false } };
  const answer = await client.request("PATCH", "/api/settings", patch);
  if (answer.status !== 200) {
    return {
      ...before,
      fix: `PocketBase refused to set it (status ${answer.status}). ${before.fix ?? ""}`.trim(),
    };
  }
  const after = await seesForwardedAddress(client, answer.json);
  if (!after.ok) return after;
  return {
    ok: true,
    check: "trustedProxy",
    message: `Set trustedProxy.headers in PocketBase to ["${PROXY_HEADER}"].`,
  };
}

async function seesForwardedAddress(client: SuperuserClient, settings: unknown): Promise<Finding> {
  const probe = await client.call({
    method: "GET",
    path: "/api/health",
    headers: { [PROXY_HEADER]: PROBE_ADDRESS },
    renew: false,
  });
  // With `superuserIPs` set, a refusal of the probe's address is the proof that PocketBase saw it.
  const isSeen = field(field(probe.json, "data"), "realIP") === PROBE_ADDRESS || probe.status === 403;
  const first = trustedHeaders(settings)[0];
  const isFirst = first !== undefined && isProxyHeader(first);
  if (isSeen && isFirst) {
    return {
      ok: true,
      check: "trustedProxy",
      message: "PocketBase sees the client addresses that Hapta reports.",
    };
  }
  return {
    ok: false,
    check: "trustedProxy",
    severity: "warning",
    message: isSeen
      ? `PocketBase believes the header ${first} before ${PROXY_HEADER}, so a client can choose its own address.`
      : "PocketBase does not see the address of the client behind Hapta: all clients share one address there.",
    fix:
      `In PocketBase set "User IP proxy headers" to ${PROXY_HEADER} (PATCH /api/settings ` +
      `{"trustedProxy":{"headers":["${PROXY_HEADER}"],"useLeftmostIP":false}}), or start Hapta once with --fix-upstream.`,
  };
}

function noteSuperuserIps(settings: unknown): Finding {
  const listed = field(settings, "superuserIPs");
  const isOpen = !Array.isArray(listed) || listed.length === 0;
  const message = isOpen
    ? "PocketBase takes superusers from every address."
    : "PocketBase takes superusers only from listed addresses (superuserIPs), Hapta's among them.";
  return { ok: true, check: "superuserIPs", message };
}

function noteBatch(settings: unknown): Finding {
  const isEnabled = field(field(settings, "batch"), "enabled") === true;
  return {
    ok: true,
    check: "batch",
    message: `Batch requests are ${isEnabled ? "on" : "off"} in PocketBase.`,
  };
}

function trustedHeaders(settings: unknown): readonly string[] {
  const headers = field(field(settings, "trustedProxy"), "headers");
  return Array.isArray(headers) ? headers.filter((name): name is string => typeof name === "string") : [];
}

function isProxyHeader(name: string): boolean {
  return name.toLowerCase() === PROXY_HEADER.toLowerCase();
}

function awayError(url: string, answer: SuperuserAnswer): SuperuserError {
  return new SuperuserError("unreachable", `PocketBase at ${url} answered ${answer.status}.`);
}

const ACCOUNT_FIX =
  "Check ADMIN_EMAIL and ADMIN_PASSWORD: they must be those of a superuser of that PocketBase.";

const EXPLANATIONS: Readonly<
  Record<SuperuserProblem, Omit<Extract<Finding, { ok: false }>, "message" | "ok">>
> = {
  unreachable: { check: "reachable", severity: "wait", fix: "Check that it runs, and DB_URL." },
  limited: { check: "credentials", severity: "wait" },
  oversized: { check: "reachable", severity: "fatal", fix: "Check DB_URL." },
  notPocketBase: {
    check: "credentials",
    severity: "fatal",
    fix: "Check DB_URL, and update PocketBase if it is old.",
  },
  credentials: { check: "credentials", severity: "fatal", fix: ACCOUNT_FIX },
  secondFactor: {
    check: "credentials",
    severity: "fatal",
    fix: "Use a superuser without one in ADMIN_EMAIL and ADMIN_PASSWORD, or switch MFA off for _superusers.",
  },
  lockedOut: {
    check: "superuserIPs",
    severity: "fatal",
    fix: "Add Hapta's address to superuserIPs in PocketBase's settings, or run `pocketbase superuser ips` there to clear the list.",
  },
};

function explain(error: unknown, url: string): Finding {
  if (error instanceof SuperuserError)
    return { ok: false, message: error.message, ...EXPLANATIONS[error.problem] };
  return {
    ok: false,
    check: "reachable",
    severity: "wait",
    message: `The check of PocketBase at ${url} failed.`,
  };
}
