// The pages on which somebody lets another device in: typing its code, seeing what asks, saying yes or no.
// Everything a device says of itself is shown as text and never believed.
import type { Answer } from "../../http/answer.ts";
import type { DeviceInfo } from "../devices.ts";
import { type Html, html, joined, renderPage } from "./page.ts";

/** Asks for the code that a device shows. */
export const renderTypeCodePage = (problem?: string): Answer =>
  renderPage({
    status: problem === undefined ? 200 : 400,
    title: "Connect a device",
    content: html`<h1>Connect a device</h1><p>Type the code that the device shows.</p>${said(problem)}<form method="get" action="device"><label for="code">Code</label><input id="code" name="user_code" required autofocus autocomplete="off" autocapitalize="characters" spellcheck="false" maxlength="16" placeholder="XXXX-XXXX"><button>Continue</button></form>`,
  });

const said = (problem: string | undefined): Html =>
  problem === undefined ? html`` : html`<p class="bad" role="alert">${problem}</p>`;

/** What somebody is about to approve. */
export interface Approval {
  readonly userCode: string;
  readonly csrf: string;
  readonly info: DeviceInfo;
  readonly providers: readonly { readonly name: string; readonly displayName: string }[];
  readonly nowMs: number;
  readonly headers: readonly string[];
}

/** Shows what asks, with one button for each provider and one for no. */
export const renderApprovePage = (approval: Approval): Answer => {
  const { userCode, csrf, info, providers, nowMs, headers } = approval;
  const minutes = Math.floor((nowMs - info.startedMs) / 60_000);
  const when = minutes < 1 ? "just now" : `${minutes} min ago`;
  const buttons = providers.map(
    ({ name, displayName }) =>
      html`<button name="provider" value="${name}">Approve and log in with ${displayName}</button>`,
  );
  return renderPage({
    title: "Approve a device",
    content: html`<h1>Log in this device?</h1><p>Compare the code with the one on the device.</p><div class="code">${userCode}</div><dl><dt>Device</dt><dd>${info.label === "" ? info.kind : info.label}</dd><dt>Program</dt><dd>${info.kind}</dd><dt>Address</dt><dd>${info.address}</dd><dt>Asked</dt><dd>${when}</dd></dl><p>Go on only if you started this yourself, on a device in front of you. It will be logged in as you.</p><form method="post" action="approve"><input type="hidden" name="user_code" value="${userCode}"><input type="hidden" name="csrf" value="${csrf}">${joined(buttons)}<button class="quiet" name="deny" value="1">No, deny</button></form>`,
    headers,
  });
};

/** The last page on the phone. */
export const renderDeviceEndPage = (isDone: boolean): Answer =>
  isDone
    ? renderPage({
        title: "Device logged in",
        content: html`<h1>Device logged in</h1><p>You can close this page and go on with the device.</p>`,
      })
    : renderPage({
        title: "Device not logged in",
        content: html`<h1>Device not logged in</h1><p>You can close this page. The device has been told.</p>`,
      });

/** What is to be linked to whose account. */
export interface LinkQuestion {
  readonly ticket: string;
  readonly csrf: string;
  readonly account: string;
  readonly provider: string;
  readonly headers: readonly string[];
}

/** Asks whether a provider's account shall log in to this account from now on. */
export const renderLinkPage = ({ ticket, csrf, account, provider, headers }: LinkQuestion): Answer =>
  renderPage({
    title: "Connect an account",
    content: html`<h1>Connect ${provider}?</h1><p>Whoever logs in with your ${provider} account will then be logged in as:</p><div class="code small">${account}</div><p>Go on only if this is your account and you started this in the app.</p><form method="post" action="confirm"><input type="hidden" name="ticket" value="${ticket}"><input type="hidden" name="csrf" value="${csrf}"><button>Connect ${provider}</button></form>`,
    headers,
  });
