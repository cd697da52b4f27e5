// Fields that hold one or several texts: select, relation and file. Whether records and files exist is for
// PocketBase to say.
import { type CollectionField, isMultiple, listOption, numberOption } from "../pocketbase/collection.ts";
import { parseJson, toTexts, Upload } from "./coerce.ts";
import { type Check, fieldError, REQUIRED, type Verdict } from "./fieldError.ts";

/** A single field keeps the last of several values. */
const kept = <T>(field: CollectionField, values: readonly T[]): readonly T[] =>
  isMultiple(field) ? values : values.slice(-1);

const maxOf = (field: CollectionField): number => Math.max(numberOption(field, "maxSelect") ?? 0, 1);

/** A `select` field. */
export const checkSelect = (field: CollectionField): Check => {
  const allowed = new Set(listOption(field, "values"));
  const maxSelect = maxOf(field);
  return (value) => {
    const texts = toTexts(value);
    if (texts === undefined) return "unsure";
    const values = kept(field, texts);
    if (values.length === 0) return field.isRequired ? REQUIRED : undefined;
    if (values.length > maxSelect) return tooMany(maxSelect);
    const wrong = values.find((one) => !allowed.has(one));
    if (wrong === undefined) return undefined;
    return fieldError("validation_invalid_value", `Invalid value ${wrong}`, { value: wrong });
  };
};

const tooMany = (maxSelect: number): Verdict =>
  fieldError("validation_too_many_values", `Select no more than ${maxSelect}`, { maxSelect });

/** A `relation` field; only its counts can be judged here. */
export const checkRelation = (field: CollectionField): Check => {
  const [minSelect, maxSelect] = [numberOption(field, "minSelect") ?? 0, maxOf(field)];
  return (value) => {
    const texts = toTexts(value);
    if (texts === undefined) return "unsure";
    const ids = kept(field, texts);
    if (ids.length === 0) return field.isRequired ? REQUIRED : undefined;
    if (ids.length < minSelect)
      return fieldError("validation_not_enough_values", `Select at least ${minSelect}`, { minSelect });
    return ids.length > maxSelect ? tooMany(maxSelect) : "unsure";
  };
};

/** The records whose being there alone decides about a relation's value; undefined where more, or nothing, is unknown. */
export const idsToFind = (field: CollectionField, value: unknown): readonly string[] | undefined => {
  const texts = checkRelation(field)(value) === "unsure" ? toTexts(value) : undefined;
  return texts === undefined ? undefined : kept(field, texts);
};

/** A `file` field of a new record: names of stored files can't be among its values yet. */
export const checkFile = (field: CollectionField): Check => {
  const judgeUploads = uploadCheck(field);
  return (value) => {
    const values = Array.isArray(value) ? value : [value];
    const uploads = values.filter((one) => one instanceof Upload);
    if (uploads.length === 0) return judgeNames(field, value);
    const isMixed = values.some((one) => !(one instanceof Upload) && one !== "" && one !== null);
    return isMixed ? "unsure" : judgeUploads(kept(field, uploads));
  };
};

const judgeNames = (field: CollectionField, value: unknown): Verdict => {
  const texts = toTexts(value);
  if (texts === undefined || isDeep(value)) return "unsure";
  const names = kept(field, texts);
  if (names.length === 0) return field.isRequired ? REQUIRED : undefined;
  // What looks like a list is read as one, again and again.
  if (names.some((name) => Buffer.byteLength(name) > NAME_BYTES_MAX || mayBeList(name))) return "unsure";
  const params = { invalidFiles: names };
  return fieldError("validation_invalid_file", `Invalid new files: [${names.join(" ")}].`, params);
};

// One list within another is unpacked.
const isDeep = (value: unknown): boolean =>
  Array.isArray(value) && value.some((one) => typeof one === "object" && one !== null);

const mayBeList = (name: string): boolean => name.includes("[") && parseJson(name) !== undefined;

// What is in a file decides about the rest.
const uploadCheck = (field: CollectionField): ((uploads: readonly Upload[]) => Verdict) => {
  const maxSelect = maxOf(field);
  const maxSize = numberOption(field, "maxSize") || FILE_BYTES_MAX;
  const isAnyType = listOption(field, "mimeTypes").length === 0;
  return (uploads) => {
    if (uploads.length > maxSelect)
      return fieldError("validation_too_many_files", `The maximum allowed files is ${maxSelect}`, {
        maxSelect,
      });
    const fits = uploads.every(({ bytes }) => bytes <= maxSize);
    return isAnyType && fits ? undefined : "unsure";
  };
};

const FILE_BYTES_MAX = 5 * 1024 * 1024;
/** PocketBase cuts longer names in its answer. */
const NAME_BYTES_MAX = 250;
