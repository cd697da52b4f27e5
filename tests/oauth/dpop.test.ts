// Logins that Hapta runs itself, where sessions must be bound to a key (DPoP).
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { createKeyHolder, jsonRequest, type KeyHolder } from "../apps/support.ts";
import { call, jsonOf, payloadOf, verdictOf } from "../sessions/support.ts";
import { exchange, type WireRequest } from "../support/wire.ts";
import { headOf, type WireResponse } from "../support/wireReader.ts";
import { APP_PAGE, Browser, START_MS, type Stand, startStand, TEST_MS } from "./support.ts";

setDefaultTimeout(TEST_MS);
let stand: Stand;
beforeAll(async () => {
  stand = await startStand({
    config: {
      OAuth2: { DeviceLogin: true, RedirectURLs: [APP_PAGE] },
      Security: { DPoP: "required" },
    },
  });
}, START_MS);
afterAll(async () => {
  await stand?.[Symbol.asyncDispose]();
});

const codeFor = async (sub: string): Promise<string> => {
  stand.sub = sub;
  const start = `${stand.url}/auth/oauth2/members/oidc?${new URLSearchParams({ redirect: APP_PAGE })}`;
  return new URL(await new Browser().follow(start, [APP_PAGE])).searchParams.get("code") ?? "";
};

/** The request with a proof of the holder's, once more with the nonce that Hapta asks for. */
const prove = async (holder: KeyHolder, request: WireRequest): Promise<WireResponse> => {
  const send = () =>
    exchange(stand.url, {
      ...request,
      headers: [...(request.headers ?? []), ["DPoP", holder.proof(stand.url, request)]],
    });
  const first = await send();
  if (verdictOf(first) !== "401 dpop_nonce") return first;
  holder.nonce = headOf(first, "dpop-nonce");
  return send();
};

describe("where sessions must be bound to a key", () => {
  test("a code is exchanged with a proof only, and one that is missing does not spend it", async () => {
    const code = await codeFor("bound");
    expect(verdictOf(await call(stand.url, { path: "/auth/oauth2/token", json: { code } }))).toBe(
      "401 dpop_required",
    );
    const holder = createKeyHolder();
    const answer = await prove(holder, jsonRequest("/auth/oauth2/token", { code }));
    expect(`${answer.status} ${answer.text.slice(0, 200)}`).toStartWith("200 ");
    const token = String(jsonOf(answer)["token"]);
    expect(payloadOf(token)["cnf"]).toEqual({ jkt: holder.jkt });
    expect(verdictOf(await call(stand.url, { path: "/auth/verify", token }))).toBe("401 dpop_required");
    const verify: WireRequest = { path: "/auth/verify", headers: [["Authorization", `DPoP ${token}`]] };
    expect((await prove(holder, verify)).status).toBe(200);
  });

  test("a device shows its key before it hears anything", async () => {
    const asked = await call(stand.url, { path: "/auth/oauth2/device", json: { collection: "members" } });
    const device = String(jsonOf(asked)["device_code"]);
    const poll = jsonRequest("/auth/oauth2/token", { device_code: device });
    expect(verdictOf(await exchange(stand.url, poll))).toBe("401 dpop_required");
    expect(verdictOf(await prove(createKeyHolder(), poll))).toBe("400 authorization_pending");
    const events = await call(stand.url, { path: "/auth/oauth2/events", token: `Bearer ${device}` });
    expect(verdictOf(events)).toBe("401 dpop_required");
  });
});
