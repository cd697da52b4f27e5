// The bodies of PocketBase's login calls, judged as PocketBase does before it looks for anybody: which members they need, and
// how long those may be. Tokens, codes, passwords and whose an address is are PocketBase's to compare.
import { type Collection, numberOption } from "../pocketbase/collection.ts";
import { SUPERUSERS_ID } from "../pocketbase/routes.ts";
import { type FieldError, type FieldErrors, fieldError, REQUIRED, type Wording } from "./fieldError.ts";
import { isEmail } from "./goEmail.ts";

/** PocketBase's whole refusal, but for the status, which is 400. */
export interface AuthRefusal {
  readonly data: FieldErrors;
  readonly message: string;
}

/** Who asks, and whom. */
interface AuthContext {
  /** Id of the auth collection whose record asks; undefined for everybody else, and where that is not certain. */
  readonly callerCollectionId: string | undefined;
  readonly wording: Wording;
}

/** One member of a body; all but `isObject` are texts. */
interface Member {
  readonly name: string;
  /** "unsure" where versions of PocketBase differ. */
  readonly isRequired: boolean | "unsure";
  readonly isObject?: true;
  /** In bytes. */
  readonly least: number;
  readonly most: number;
  /** Judges a text that is neither empty nor of a wrong length; "unsure" leaves the whole body to PocketBase. */
  readonly check: (text: string, members: Texts) => FieldError | "unsure" | undefined;
}

type Texts = Readonly<Record<string, string>>;

interface AuthForm {
  /** Whether PocketBase comes to look at the body at all. */
  readonly isOpen: (collection: Collection, context: AuthContext) => boolean;
  readonly members: (collection: Collection, context: AuthContext) => readonly Member[];
  /** Above the errors; {@link INVALID} when absent. */
  readonly message?: string;
}

const INVALID = "An error occurred while validating the submitted data.";
const UNREADABLE = "An error occurred while loading the submitted data.";

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
const hasOAuth2 = (collection: Collection): boolean => optionOf(collection, "oauth2", "enabled") === true;
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

const provider = (collection: Collection): Member => {
  const listed = optionOf(collection, "oauth2", "providers");
  const names = (Array.isArray(listed) ? listed : []).map((one: unknown) => Object(one).name as unknown);
  return text("provider", Number.POSITIVE_INFINITY, (name) =>
    names.includes(name)
      ? undefined
      : fieldError("validation_invalid_provider", `Provider with name ${name} is missing or is not enabled`, {
          name,
        }),
  );
};

// Since 0.40 it may be left out.
const redirectUrl = ({ wording }: AuthContext): Member => ({
  ...text("redirectURL", Number.POSITIVE_INFINITY),
  isRequired: wording === "unknown" ? "unsure" : wording === "0.39",
});

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
  "request-email-change": {
    isOpen: (collection, { callerCollectionId }) =>
      isOrdinary(collection) && callerCollectionId === collection.id,
    members: () => [text("newEmail", 255, emailCheck)],
  },
  "confirm-email-change": { isOpen: isOrdinary, members: () => [token, ownPassword] },
  "auth-with-oauth2": {
    isOpen: hasOAuth2,
    members: (collection, context) => [
      provider(collection),
      text("code", Number.POSITIVE_INFINITY),
      redirectUrl(context),
      { ...text("codeVerifier", Number.POSITIVE_INFINITY), isRequired: false },
      { ...text("createData"), isRequired: false, isObject: true },
    ],
    message: UNREADABLE,
  },
};

const UNREAD: AuthRefusal = { data: {}, message: UNREADABLE };

/** A login call of an auth collection. */
interface AuthCall extends AuthContext {
  /** Such as `auth-with-password`, as PocketBase spells it. */
  readonly operation: string;
  /** What the body holds under a name; undefined for nothing. */
  readonly memberOf: (name: string) => unknown;
}

/**
 * Judges the body of a login call.
 * @returns PocketBase's whole refusal; undefined when it has none, or when it might be another. O(size).
 */
export const judgeAuthBody = (collection: Collection, call: AuthCall): AuthRefusal | undefined => {
  const form = Object.hasOwn(FORMS, call.operation) ? FORMS[call.operation] : undefined;
  if (collection.type !== "auth" || form?.isOpen(collection, call) !== true) return undefined;
  const known = form.members(collection, call);
  const texts = textsOf(known, call.memberOf);
  if (texts === undefined) return UNREAD;
  const errors = known.map((member) => [member.name, judgeMember(member, texts)] as const);
  if (errors.some(([, error]) => error === "unsure")) return undefined;
  const data = Object.fromEntries(
    errors.flatMap(([name, error]) => (typeof error === "object" ? [[name, error] as const] : [])),
  );
  if (Object.keys(data).length === 0) return undefined;
  return { data, message: form.message ?? INVALID };
};

/** The text of each member, "" for what is absent; undefined when one is of a wrong type. */
const textsOf = (known: readonly Member[], memberOf: AuthCall["memberOf"]): Texts | undefined => {
  const texts: Record<string, string> = {};
  for (const { name, isObject } of known) {
    const value = memberOf(name) ?? (isObject ? {} : "");
    if (isObject ? !isPlainObject(value) : typeof value !== "string") return undefined;
    texts[name] = typeof value === "string" ? value : "";
  }
  return texts;
};

const isPlainObject = (value: unknown): boolean => typeof value === "object" && !Array.isArray(value);

const judgeMember = (
  { name, isRequired, least, most, check }: Member,
  texts: Texts,
): FieldError | "unsure" | undefined => {
  const value = texts[name] ?? "";
  if (value === "" && isRequired === "unsure") return "unsure";
  if (value === "") return isRequired ? REQUIRED : undefined;
  const bytes = Buffer.byteLength(value);
  if (bytes >= least && bytes <= most) return check(value, texts);
  return fieldError("validation_length_out_of_range", `the length must be between ${least} and ${most}`, {
    max: most,
    min: least,
  });
};
