// What a browser is shown when a login that Hapta runs cannot go on, or needs a yes.

import type { Answer } from "../../http/answer.ts";
import { OWN_HEADERS } from "../../http/ownHeaders.ts";
import { withoutHeaders } from "../../utils/headers.ts";
import { html, renderPage } from "./page.ts";

const PAGES_OWN = ["content-type", ...OWN_HEADERS.map((name) => name.toLowerCase())];

/** A rendered refusal, for people: its status and headers, and its message on a page. */
export const renderRefusedPage = (refusal: Answer, message: string): Answer =>
  renderPage({
    status: refusal.status,
    title: "Login failed",
    content: html`<h1 class="bad">Login failed</h1><p>${message}</p><p>Go back to the app and start again.</p>`,
    headers: withoutHeaders(refusal.headers, PAGES_OWN),
  });

/** Sends the browser on; a page, because a form may not lead to another site by itself. */
export const renderLeavingPage = (location: string, headers: readonly string[]): Answer =>
  renderPage({
    title: "Continue",
    content: html`<h1>One moment</h1><p>You are being sent to the login page.</p><a class="button" href="${location}">Continue</a>`,
    goesTo: location,
    headers,
  });
