// A real Chromium for tests, and everything in a page that must not happen.
import { type Browser, chromium, type Page } from "playwright-core";

/** Where Chromium is; undefined when it is not installed, and then its tests are skipped. */
export const CHROMIUM: string | undefined = ["chromium", "chromium-browser", "google-chrome"]
  .map((name) => Bun.which(name))
  .find((path) => path !== null) as string | undefined;

const ARGS = [
  ...["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
  ...["--disable-background-networking", "--disable-component-update", "--disable-sync"],
];

/** Starts Chromium without a window; it asks nobody but the pages it is sent to. `more` are further arguments. */
export const launchChromium = (more: readonly string[] = []): Promise<Browser> =>
  chromium.launch({ executablePath: CHROMIUM ?? "", args: [...ARGS, ...more], timeout: 120_000 });

/** Collects errors and warnings of the console, uncaught errors, failed and foreign requests, and 4xx or 5xx. */
export const watchFaults = (page: Page, origin: string): string[] => {
  const faults: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning")
      faults.push(`console ${message.type()}: ${message.text()}`);
  });
  page.on("pageerror", (error) => faults.push(`page error: ${error.message}`));
  page.on("requestfailed", (request) => {
    const reason = request.failure()?.errorText ?? "";
    // Whatever a page itself calls off.
    if (reason !== "net::ERR_ABORTED") faults.push(`failed: ${request.url()} ${reason}`);
  });
  page.on("response", (response) => {
    if (response.status() >= 400) faults.push(`${response.status()}: ${response.url()}`);
  });
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (url.protocol.startsWith("http") && url.origin !== origin)
      faults.push(`another origin: ${request.url()}`);
  });
  return faults;
};
