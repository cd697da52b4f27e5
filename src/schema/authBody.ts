// The bodies of PocketBase's login calls, judged as PocketBase does before it looks for anybody: which members they need, and
// how long those may be. Tokens, codes and passwords are PocketBase's to compare.
import { type Collection, numberOption } from "../pocketbase/collection.ts";
import { SUPERUSERS_ID } from "../pocketbase/routes.ts";
import { type FieldError, type FieldErrors, fieldError, REQUIRED } from "./fieldError.ts";
import { isEmail } from "./goEmail.ts";

/** PocketBase's whole refusal, but for the status, which is 400. */
export interface AuthRefusal {
  readonly data: FieldErrors;
  readonly message: string;
}

/** One member of a body; all are texts. */
interface Member {
  /** Folded, as `readStructMembers` gives it, and as PocketBase writes it. */
  readonly name: string;
  readonly isRequired: boolean;
  /** In bytes. */
  readonly least: number;
  readonly most: number;
  /** Judges a text that is neither empty nor of a wrong length; "unsure" leaves the whole body to PocketBase. */
  readonly check: (text: string, members: Texts) => FieldError | "unsure" | undefined;
}

type Texts = Readonly<Record<string, string>>;

interface AuthForm {
  /** Whether PocketBase comes to look at the body at all. */
  readonly isOpen: (collection: Collection) => boolean;
  readonly members: (collection: Collection) => readonly Member[];
}

const text = (name: string, most = 255, check: Member["check"] = () => undefined): Member => ({
  name,
  isRequired: true,
  least: 1,
  most,
  check,
});

/** Whose text only PocketBase can judge. */
const token = text("token", Number.POSITIVE_INFINITY, () => "unsure");

const emailCheck: Member["check"] = (value) => {
  const verdict = isEmail(value);
  if (verdict === undefined) return "unsure";
  return verdict ? undefined : fieldError("validation_is_email", "must be a valid email address");
};

const optionOf = (collection: Collection, group: string, name: string): unknown => {
  const options = collection.options[group];
  return typeof options === "object" && options !== null ? Reflect.get(options, name) : undefined;
};
const hasPassword = (collection: Collection): boolean =>
  optionOf(collection, "passwordAuth", "enabled") === true;
const hasOtp = (collection: Collection): boolean => optionOf(collection, "otp", "enabled") === true;
const isOrdinary = ({ id }: Collection): boolean => id !== SUPERUSERS_ID;

const identityField = (collection: Collection): Member => {
  const fields = optionOf(collection, "passwordAuth", "identityFields");
  const isListed = (value: string): boolean => Array.isArray(fields) && fields.includes(value);
  return {
    ...text("identityField", 255, (value) =>
      isListed(value) ? undefined : fieldError("validation_in_invalid", "must be a valid value"),
    ),
    isRequired: false,
  };
};

const newPassword = (collection: Collection): readonly Member[] => {
  const field = collection.fieldByName.get("password");
  const least = (field === undefined ? 0 : numberOption(field, "min")) || 1;
  const isSame: Member["check"] = (value, { password }) =>
    value === password ? undefined : fieldError("validation_values_mismatch", "Values don't match");
  return [{ ...text("password"), least }, text("passwordConfirm", Number.POSITIVE_INFINITY, isSame)];
};

// Without a token there is nobody whose password it could be.
const ownPassword = text("password", 100, () =>
  fieldError("validation_invalid_password", "Missing or invalid auth record password"),
);

const FORMS: Readonly<Record<string, AuthForm>> = {
  "auth-with-password": {
    isOpen: hasPassword,
    members: (collection) => [text("identity"), text("password"), identityField(collection)],
  },
  "request-otp": { isOpen: hasOtp, members: () => [text("email", 255, emailCheck)] },
  "auth-with-otp": { isOpen: hasOtp, members: () => [text("otpId"), text("password", 71)] },
  "request-verification": { isOpen: isOrdinary, members: () => [text("email", 255, emailCheck)] },
  "confirm-verification": { isOpen: isOrdinary, members: () => [token] },
  "request-password-reset": { isOpen: hasPassword, members: () => [text("email", 255, emailCheck)] },
  "confirm-password-reset": {
    isOpen: hasPassword,
    members: (collection) => [token, ...newPassword(collection)],
  },
  "confirm-email-change": { isOpen: isOrdinary, members: () => [token, ownPassword] },
};

const UNREAD: AuthRefusal = { data: {}, message: "An error occurred while loading the submitted data." };

/**
 * Judges the JSON body of a login call of an auth collection.
 *
 * @param operation - Such as `auth-with-password`, as PocketBase spells it.
 * @param members - By folded names.
 * @returns PocketBase's whole refusal; undefined when it has none, or when it might be another. O(size).
 */
export const judgeAuthBody = (
  collection: Collection,
  operation: string,
  members: ReadonlyMap<string, unknown>,
): AuthRefusal | undefined => {
  const form = Object.hasOwn(FORMS, operation) ? FORMS[operation] : undefined;
  if (collection.type !== "auth" || form?.isOpen(collection) !== true) return undefined;
  const known = form.members(collection);
  const texts: Record<string, string> = {};
  for (const { name } of known) {
    const value = members.get(name.toLowerCase()) ?? "";
    if (typeof value !== "string") return UNREAD;
    texts[name] = value;
  }
  const errors = known.map((member) => [member.name, judgeMember(member, texts)] as const);
  if (errors.some(([, error]) => error === "unsure")) return undefined;
  const data = Object.fromEntries(
    errors.flatMap(([name, error]) => (typeof error === "object" ? [[name, error] as const] : [])),
  );
  if (Object.keys(data).length === 0) return undefined;
  return { data, message: "An error occurred while validating the submitted data." };
};

const judgeMember = (
  { name, isRequired, least, most, check }: Member,
  texts: Texts,
): FieldError | "unsure" | undefined => {
  const value = texts[name] ?? "";
  if (value === "") return isRequired ? REQUIRED : undefined;
  const bytes = Buffer.byteLength(value);
  if (bytes >= least && bytes <= most) return check(value, texts);
  return fieldError("validation_length_out_of_range", `the length must be between ${least} and ${most}`, {
    max: most,
    min: least,
  });
};
