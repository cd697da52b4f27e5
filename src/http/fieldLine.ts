// One line of the fields in a head, the same on both sides (RFC 9112 section 5). Judges no field by its name.

// RFC 9110 sections 5.6.2 and 5.5: visible characters, obs-text, blanks and tabs in values.
const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
const DIGITS = /^[0-9]{1,15}$/;

/**
 * Takes a line apart: the name as sent, the value without the blanks and tabs around it.
 * @returns undefined for what is no field: a blank before the colon makes the name invalid, a folded line has none.
 */
export const readFieldLine = (
  line: string,
): { readonly name: string; readonly value: string } | undefined => {
  const colon = line.indexOf(":");
  const name = line.slice(0, Math.max(0, colon));
  const value = trimmed(line, colon + 1);
  return NAME.test(name) && VALUE.test(value) ? { name, value } : undefined;
};

/** Whether a value may be a Content-Length. Longer ones are more than anybody sends. */
export const isLength = (value: string): boolean => DIGITS.test(value);

const isBlank = (code: number): boolean => code === 0x20 || code === 0x09;

const trimmed = (text: string, from: number): string => {
  let start = from;
  let end = text.length;
  while (start < end && isBlank(text.charCodeAt(start))) start++;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
};
