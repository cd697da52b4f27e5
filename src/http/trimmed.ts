// Optional whitespace around field values (RFC 9110 section 5.6.3).

const isBlank = (code: number): boolean => code === 0x20 || code === 0x09;

/** The text between two offsets without the blanks and tabs around it. */
export const trimmed = (text: string, from: number, to: number): string => {
  let start = from;
  let end = to;
  while (start < end && isBlank(text.charCodeAt(start))) start++;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
};
