// Writes a parsed filter as text that parses to the same again. Keeps neither comments nor blanks.
import type { Expression, Operand } from "./expression.ts";

/**
 * Renders an expression in one canonical form: one blank around operators, parentheses only where they matter.
 *
 * @returns Text for which `parseRule` gives the same expression but for the positions. Text literals made by
 * hand must not end with a backslash nor hold NUL: the language has no way to write them.
 */
export const printFilter = (expression: Expression): string => {
  if (expression.kind === "comparison")
    return `${printOperand(expression.left)} ${expression.operator} ${printOperand(expression.right)}`;
  const isOr = expression.kind === "or";
  return expression.parts
    .map((part) => {
      const text = printFilter(part);
      const isPlain = part.kind === "comparison" || (isOr && part.kind === "and");
      return isPlain ? text : `(${text})`;
    })
    .join(isOr ? " || " : " && ");
};

const printOperand = (operand: Operand): string => {
  switch (operand.kind) {
    case "identifier":
      return operand.name;
    case "number":
      return operand.text;
    case "text":
      return quoted(operand.value);
    case "function":
      return `${operand.name}(${operand.args.map(printOperand).join(", ")})`;
  }
};

// A backslash escapes only the quote around it, so the quote that does not occur needs no escapes at all.
const quoted = (value: string): string => {
  if (!value.includes('"')) return `"${value}"`;
  return value.includes("'") ? `"${value.replaceAll('"', '\\"')}"` : `'${value}'`;
};
