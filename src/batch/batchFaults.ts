// The refusals of a batch, worded as PocketBase words its own, so that a client reads them the same way.
import { Refusal } from "../errors.ts";

/** `{code, message}` of one member, as PocketBase writes them under `data`. */
export interface Fault {
  readonly code: string;
  readonly message: string;
  readonly params?: Readonly<Record<string, number>>;
}

export const BLANK: Fault = { code: "validation_required", message: "Cannot be blank." };
export const NOT_LISTED: Fault = { code: "validation_in_invalid", message: "Must be a valid value." };

/** A body that is not what its Content-Type says; `reason` is a sentence. */
export const unreadableBatch = (reason: string): Refusal =>
  new Refusal("body_invalid", { data: { body: { code: "validation_invalid_body", message: reason } } });

/** The list as a whole is wrong. */
export const refusedList = (fault: Fault): Refusal =>
  new Refusal("batch_invalid", { data: { requests: fault } });

/** Items are malformed; PocketBase lists every one of them, by index and member. */
export const malformedItems = (items: Readonly<Record<number, Readonly<Record<string, Fault>>>>): Refusal =>
  new Refusal("batch_invalid", { data: { requests: items } });

/** One member of one item has the wrong type or shape. */
export const malformedMember = (index: number, member: string, message: string): Refusal =>
  malformedItems({ [index]: { [member]: { code: "validation_invalid_value", message } } });

/** What PocketBase would have answered to one item, had it been sent alone. */
export interface ItemAnswer {
  readonly message: string;
  readonly status: number;
}

/** PocketBase's answer to an item that is none of the four record actions. */
export const NO_ACTION: ItemAnswer = {
  message: "Something went wrong while processing your request.",
  status: 400,
};
/** PocketBase's answer for a collection segment it can't resolve. */
export const NO_COLLECTION: ItemAnswer = { message: "Missing collection context.", status: 404 };
/** PocketBase's answer to anybody but a superuser. */
export const SUPERUSERS_ONLY: ItemAnswer = {
  message: "Only superusers can perform this action.",
  status: 403,
};

/** An item whose record is refused, in the shape of a batch that PocketBase gives up. */
export const failedRecord = (
  index: number,
  data: Readonly<Record<string, unknown>>,
  message: string,
): Refusal => {
  const response = { data, message, status: 400 };
  const item = { code: "batch_request_failed", message: "Batch request failed.", response };
  return new Refusal("record_invalid", {
    message: "Batch transaction failed.",
    data: { requests: { [index]: item } },
  });
};

/** A well-formed item that must not run; PocketBase names only the first one. */
export const failedItem = (index: number, answer: ItemAnswer): Refusal => {
  const response = { data: {}, ...answer };
  const item = { code: "batch_request_failed", message: "Batch request failed.", response };
  return new Refusal("batch_invalid", { data: { requests: { [index]: item } } });
};
