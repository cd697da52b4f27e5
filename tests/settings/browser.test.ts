// Origins and cookie sessions in the config file.
import { describe, expect, test } from "bun:test";
import { inFolder } from "./inFolder.ts";

const fileOf = (security: unknown) => ({
  "config.ts": `export default ${JSON.stringify({ Security: security })};`,
});

test("without them every page may write, and no session is in a cookie", async () => {
  using folder = inFolder({});
  const { security } = await folder.settings();
  expect(security.origins).toEqual([]);
  expect(security.cookies).toEqual({ isEnabled: false, sameSite: "lax" });
});

test("origins are read in one spelling", async () => {
  using folder = inFolder(
    fileOf({
      Origins: ["HTTPS://App.Example:443", "http://localhost:5173", "capacitor://localhost"],
      Cookies: { isEnabled: true, SameSite: "strict" },
    }),
  );
  const { security } = await folder.settings();
  expect(security.origins).toEqual(["https://app.example", "http://localhost:5173", "capacitor://localhost"]);
  expect(security.cookies).toEqual({ isEnabled: true, sameSite: "strict" });
});

describe("what could not be meant is refused with the key's path", () => {
  test.each([
    [{ Origins: ["https://app.example/"] }, "Security.Origins"],
    [{ Origins: ["*"] }, "Security.Origins"],
    [{ Origins: ["null"] }, "Security.Origins"],
    [{ Origins: ["app.example"] }, "Security.Origins"],
    [{ Cookies: { isEnabled: "yes" } }, "Security.Cookies.isEnabled"],
    [{ Cookies: { SameSite: "none" } }, "Security.Cookies.SameSite"],
    [{ Cookies: { isEnabled: true }, DPoP: "required" }, "Security.Cookies.isEnabled"],
  ])("%j", async (security, path) => {
    using folder = inFolder(fileOf(security));
    expect(await folder.problems()).toContain(path);
  });
});
