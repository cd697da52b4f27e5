// What an app says about its fields, for descriptions: those are CommonMark, and its words are not.

/** Text that reads as it was written: nothing in it becomes emphasis, a link or HTML. */
export const plainText = (text: string): string =>
  text
    .trim()
    .replace(/[\\`*<>[\]~&#]|(?<![^\W_])_|_(?![^\W_])|^[-+=]|(?<=^\d{1,9})[.)]/gm, (sign) => `\\${sign}`);

/** Code, whatever is in it (CommonMark 0.31 section 6.1): the fence is longer than any run of backticks inside. */
export const codeText = (text: string): string => {
  const longest = Math.max(0, ...(text.match(/`+/g) ?? []).map(({ length }) => length));
  const fence = "`".repeat(longest + 1);
  // A backtick at the edge would join the fence, and one blank at each edge is taken away again.
  const inner = /^`|`$|^ .* $/.test(text) ? ` ${text} ` : text;
  return `${fence}${inner}${fence}`;
};
