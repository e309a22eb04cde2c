/** A JSON object, as somebody else wrote it. */
export type JsonObject = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value, where it is text; else empty. */
export function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
