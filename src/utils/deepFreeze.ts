// Freezes plain values to their leaves. Leaves class instances alone.

/**
 * Freezes `value` with every plain object and array inside it, and returns it.
 * Instances of classes (such as Secret) are left as they are. The value must not contain cycles.
 */
export function deepFreeze<T>(value: T): T {
  if (Array.isArray(value)) value.forEach(deepFreeze);
  else if (isPlainObject(value)) Object.values(value).forEach(deepFreeze);
  else return value;
  return Object.freeze(value);
}

/** Says whether a value is an object made by `{}` (or without a prototype): no array, no class instance. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
