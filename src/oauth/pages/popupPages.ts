// Where a login in a popup window ends: a page that says so and closes itself. Shows nothing that came with the request.
import type { Answer } from "../../http/answer.ts";
import { html, renderPage } from "./page.ts";

// A window that no script opened cannot be closed by one: then the sentence stays.
const CLOSE = "window.close();";

/** After the provider's answer was handed to the page that waits for it. */
export const renderDonePage = (): Answer =>
  renderPage({
    title: "Login complete",
    content: html`<h1>Login complete</h1><p>You can close this window and go back to the app.</p>`,
    script: CLOSE,
  });

/** When nobody waits for the provider's answer, or no longer, or not from here. */
export const renderFailedPage = (): Answer =>
  renderPage({
    title: "Login failed",
    content: html`<h1 class="bad">Login failed</h1><p>The login could not be completed. Close this window, go back to the app and try again.</p>`,
  });
