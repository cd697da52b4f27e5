// Forms under the boundary `BB` that are made to cost their reader more than their sender.

/** A part, without the line end behind it. */
export const part = (name: string, value: string, filename?: string): string =>
  `--BB\r\nContent-Disposition: form-data; name="${name}"${filename === undefined ? "" : `; filename="${filename}"`}\r\n\r\n${value}`;

/** The end of a form. */
export const END = "\r\n--BB--\r\n";

/** A flood of the kind whose every byte may be meant; the others give themselves away by their first. */
export const MEANT = "a boundary in every line";
/** As many of them. */
export const PROOF_BYTES = 600_000;

/** Bodies by what they are. */
export const FLOODS: Readonly<Record<string, string>> = {
  "100,000 parts": part("title", "flood\r\n").repeat(100_000) + END,
  "a part header of 10 MB": `--BB\r\nX-Long: ${"x".repeat(10_000_000)}\r\n\r\n`,
  "10,000 headers in a part": `--BB\r\n${"X-A: b\r\n".repeat(10_000)}\r\n`,
  [MEANT]: part("title", "flood\r\n--B".repeat(100_000)),
};
