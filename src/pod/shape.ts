import { NOT_SUPPORTED_YET, shown, type Faults } from './faults.ts';
import { tryParseQuantity } from './quantity.ts';

/** What a value may look like. `any` is accepted as it stands and never looked into; `unsupported` is a part that we do not do yet. */
export type Shape =
  | { readonly kind: 'string' | 'boolean' | 'int32' | 'int64' | 'int-or-string' | 'quantity' | 'any' | 'unsupported' }
  | { readonly kind: 'only'; readonly value: string | boolean }
  /** A part that we do not do, and why. */
  | { readonly kind: 'refused'; readonly why: string }
  | { readonly kind: 'list'; readonly of: Shape }
  | { readonly kind: 'map'; readonly of: Shape }
  | { readonly kind: 'fields'; readonly fields: ReadonlyMap<string, Shape>; readonly rest: Shape };

const INT32_LIMIT = 2 ** 31;

/**
 * A copy of `value` with everything that is not of `shape` left out; each of those is a fault. Nulls are absent values, numbers where
 * a quantity belongs become text. Recursion goes no deeper than the shape.
 */
export function fit(shape: Shape, value: unknown, path: string, faults: Faults): unknown {
  switch (shape.kind) {
    case 'any':
      return value;
    case 'unsupported':
      if (!isEmpty(value)) faults.add(path, NOT_SUPPORTED_YET);
      return undefined;
    case 'refused':
      if (!isEmpty(value)) faults.add(path, `not supported: ${shape.why}`);
      return undefined;
    case 'only':
      if (value !== shape.value && !isEmpty(value)) faults.add(path, `${shown(value)} is ${NOT_SUPPORTED_YET}`);
      return value === shape.value ? value : undefined;
    case 'string':
    case 'boolean':
      return typeof value === shape.kind ? value : wrong(path, `a ${shape.kind}`, value, faults);
    case 'int32':
    case 'int64':
      return fitInteger(value, path, faults, shape.kind === 'int32' ? INT32_LIMIT : Number.MAX_SAFE_INTEGER);
    case 'int-or-string':
      return typeof value === 'string' ? value : fitInteger(value, path, faults, INT32_LIMIT, 'a whole number or a string');
    case 'quantity':
      return fitQuantity(value, path, faults);
    case 'list':
      return Array.isArray(value) ? value.map((item, i) => fitItem(shape.of, item, `${path}[${i}]`, faults)) : wrong(path, 'a list', value, faults);
    case 'map':
      return isObject(value) ? fitMap(shape.of, value, path, faults) : wrong(path, 'an object', value, faults);
    case 'fields':
      return isObject(value) ? fitFields(shape, value, path, faults) : wrong(path, 'an object', value, faults);
  }
}

function fitFields(shape: Extract<Shape, { kind: 'fields' }>, value: object, path: string, faults: Faults): object {
  const entries: [string, unknown][] = [];
  for (const [key, item] of Object.entries(value)) {
    if (item === null || item === undefined) continue;
    const inner = path === '' ? key : `${path}.${key}`;
    const fitted = fit(shape.fields.get(key) ?? shape.rest, item, inner.length > 500 ? `${inner.slice(0, 500)}...` : inner, faults);
    if (fitted !== undefined) entries.push([key, fitted]);
  }
  return Object.fromEntries(entries);
}

function fitMap(of: Shape, value: object, path: string, faults: Faults): object {
  const entries = Object.entries(value).flatMap(([key, item]): [string, unknown][] => {
    const fitted = item === null ? undefined : fit(of, item, `${path}[${key.slice(0, 320)}]`, faults);
    return fitted === undefined ? [] : [[key, fitted]];
  });
  return Object.fromEntries(entries);
}

/** In a list a misfit leaves something neutral behind, so that the indexes of its neighbours stay. */
function fitItem(of: Shape, item: unknown, path: string, faults: Faults): unknown {
  const fitted = item === null ? wrong(path, 'a value', item, faults) : fit(of, item, path, faults);
  if (fitted !== undefined) return fitted;
  switch (of.kind) {
    case 'fields':
    case 'map':
      return {};
    case 'list':
      return [];
    case 'int32':
    case 'int64':
      return 0;
    case 'boolean':
      return false;
    default:
      return '';
  }
}

function fitInteger(value: unknown, path: string, faults: Faults, limit: number, wanted = 'a whole number'): unknown {
  if (typeof value !== 'number' || !Number.isInteger(value)) return wrong(path, wanted, value, faults);
  if (value >= -limit && value < limit) return value;
  faults.add(path, `${value} is out of range`);
  return undefined;
}

function fitQuantity(value: unknown, path: string, faults: Faults): unknown {
  if (typeof value !== 'string' && typeof value !== 'number') return wrong(path, 'a quantity', value, faults);
  const text = String(value);
  if (tryParseQuantity(text) !== undefined) return text;
  faults.add(path, `${shown(value)} is not a quantity: want a number such as 100m, 1.5 or 512Mi`);
  return undefined;
}

function wrong(path: string, wanted: string, value: unknown, faults: Faults): undefined {
  faults.add(path === '' ? 'pod' : path, `must be ${wanted}, not ${kindOf(value)}`);
  return undefined;
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'number') return Number.isInteger(value) ? 'a number' : 'a fraction';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What the API's JSON leaves out or writes for nothing. `{}` is something: it chooses a volume's kind, for one. */
function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === '' || value === false) return true;
  return Array.isArray(value) && value.length === 0;
}
