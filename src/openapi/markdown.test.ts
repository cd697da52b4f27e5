// What an app says, read by a Markdown reader, is what it said.
import { expect, test } from "bun:test";
import { codeText, plainText } from "./markdown.ts";

const HOSTILE = [
  "plain words, snake_case_names and 3 * 4",
  "^[a-z_*]+_x_$",
  "`",
  "``a``",
  " `x` ",
  "a\\",
  " x ",
  "\\`",
  "&lt;b&gt;",
  "<img src=x onerror=alert(1)><script>1</script>",
  "[click](javascript:alert(1)) ![p](https://evil.example/x.png) <https://evil.example>",
  "# head",
  "- item",
  "+ item",
  "1. one",
  "2) two",
  "> quote",
  "~~~\nfence",
  "_a_ __b__ *c*",
  "***",
  "a\n===\nb",
];

// Bun's own reader of Markdown is not ours: a judge from outside.
const shown = (markdown: string): string =>
  Bun.markdown
    .html(markdown)
    .replace(/<\/?(?:p|code)>/g, "")
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&quot;", '"')
    .replaceAll("&amp;", "&")
    .replace(/\n$/, "");

test.each(HOSTILE)("plainText shows %j as it is", (text) => {
  expect(shown(plainText(text))).toBe(text.trim());
});

test.each(HOSTILE.filter((text) => !text.includes("\n")))("codeText shows %j as it is", (text) => {
  expect(shown(`Pattern: ${codeText(text)}.`)).toBe(`Pattern: ${text}.`);
});
