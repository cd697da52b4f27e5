// Fields that hold a text: text, editor, email, url and password.
import { type CollectionField, listOption, numberOption, textOption } from "../pocketbase/collection.ts";
import { toText } from "./coerce.ts";
import { type Check, fieldError, REQUIRED, type Verdict } from "./fieldError.ts";
import { isEmail } from "./goEmail.ts";
import { toPatternTest } from "./goPattern.ts";
import { judgeUrl } from "./goUrl.ts";

const TEXT_MAX = 5_000;
const PASSWORD_MAX = 71;
/** bcrypt takes no more. */
export const PASSWORD_BYTES_MAX = 72;
const EDITOR_BYTES_MAX = 5 * 1024 * 1024;
const INVALID_FORMAT = fieldError("validation_invalid_format", "Invalid value format");

/** Coerces, then tells empty texts from others. */
const textCheck = (field: CollectionField, check: (text: string) => Verdict): Check => {
  return (value) => {
    const text = toText(value);
    if (text === undefined) return "unsure";
    if (text !== "") return check(text);
    return field.isRequired ? REQUIRED : undefined;
  };
};

/** Code points, as PocketBase counts characters, up to one more than `most`. */
const charactersOf = (text: string, most: number): number => {
  let count = 0;
  for (const _ of text) if (++count > most) break;
  return count;
};

/** A `text` field, the primary key included. */
export const checkText = (field: CollectionField): Check => {
  const [min, max] = [numberOption(field, "min") ?? 0, numberOption(field, "max") || TEXT_MAX];
  const pattern = textOption(field, "pattern");
  const matches = toPatternTest(pattern);
  const generates = textOption(field, "autogeneratePattern") !== "";
  const isKey = field.options["primaryKey"] === true;
  const check = textCheck({ ...field, isRequired: field.isRequired || isKey }, (text) => {
    // Keys of another form are looked up before they are judged.
    if (isKey && pattern !== DEFAULT_KEY) return "unsure";
    const length = charactersOf(text, Math.max(min, max));
    if (length < min)
      return fieldError("validation_min_text_constraint", `Must be at least ${min} character(s)`, { min });
    if (length > max)
      return fieldError("validation_max_text_constraint", `Must be no more than ${max} character(s)`, {
        max,
      });
    return pattern === "" ? undefined : formatVerdict(matches(text));
  });
  return (value) => (generates && toText(value) === "" ? undefined : check(value));
};

const DEFAULT_KEY = "^[a-z0-9]+$";

const formatVerdict = (isMatch: boolean | undefined): Verdict => {
  if (isMatch === undefined) return "unsure";
  return isMatch ? undefined : INVALID_FORMAT;
};

/** An `editor` field. */
export const checkEditor = (field: CollectionField): Check => {
  const maxSize = numberOption(field, "maxSize") || EDITOR_BYTES_MAX;
  return textCheck(field, (text) =>
    Buffer.byteLength(text) > maxSize
      ? fieldError("validation_content_size_limit", `The maximum allowed content size is ${maxSize} bytes`, {
          maxSize,
        })
      : undefined,
  );
};

/** An `email` field. */
export const checkEmail = (field: CollectionField): Check => {
  const isAllowed = domainTest(field);
  return textCheck(field, (text) => {
    const verdict = isEmail(text);
    if (verdict === undefined) return "unsure";
    if (!verdict) return fieldError("validation_is_email", "must be a valid email address");
    return isAllowed(text.slice(text.lastIndexOf("@") + 1))
      ? undefined
      : fieldError("validation_email_domain_not_allowed", "Email domain is not allowed");
  });
};

/** A `url` field. */
export const checkUrl = (field: CollectionField): Check => {
  const isAllowed = domainTest(field);
  return textCheck(field, (text) => {
    const judged = judgeUrl(text);
    if (judged === undefined) return "unsure";
    if (!judged.ok) return fieldError("validation_invalid_url", "Must be a valid url");
    if (judged.host === undefined && isLimited(field)) return "unsure";
    return isAllowed(judged.host ?? "")
      ? undefined
      : fieldError("validation_url_domain_not_allowed", "Url domain is not allowed");
  });
};

const isLimited = (field: CollectionField): boolean =>
  listOption(field, "onlyDomains").length > 0 || listOption(field, "exceptDomains").length > 0;

const domainTest = (field: CollectionField): ((domain: string) => boolean) => {
  const [only, except] = [listOption(field, "onlyDomains"), listOption(field, "exceptDomains")];
  return (domain) => (only.length === 0 || only.includes(domain)) && !except.includes(domain);
};

/** A `password` field. */
export const checkPassword = (field: CollectionField): Check => {
  const [min, max] = [numberOption(field, "min") ?? 0, numberOption(field, "max") || PASSWORD_MAX];
  const pattern = textOption(field, "pattern");
  const matches = toPatternTest(pattern);
  return textCheck(field, (text) => {
    if (Buffer.byteLength(text) > PASSWORD_BYTES_MAX)
      return fieldError("validation_invalid_value", "Invalid value");
    const length = charactersOf(text, Math.max(min, max));
    if (length < min)
      return fieldError("validation_min_text_constraint", `Must be at least ${min} character(s)`);
    if (length > max)
      return fieldError("validation_max_text_constraint", `Must be less than ${max} character(s)`);
    return pattern === "" ? undefined : formatVerdict(matches(text));
  });
};
