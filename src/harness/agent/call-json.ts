/**
 * How a Mesos agent reads a call in JSON: stricter than our own codec, and with its words (Mesos
 * 3rdparty/stout/include/stout/protobuf.hpp, seen on the wire). Only what a call of an executor can get wrong is here.
 */

type Kind = 'string' | 'bytes' | 'enum' | 'optional-enum' | Shape;
type Shape = { readonly [field: string]: { readonly kind: Kind; readonly required?: true; readonly repeated?: true } };

const ID: Shape = { value: { kind: 'string', required: true } };
const STATUS: Shape = {
  task_id: { kind: ID, required: true },
  state: { kind: 'enum', required: true },
  executor_id: { kind: ID },
  uuid: { kind: 'bytes' },
  data: { kind: 'bytes' },
  source: { kind: 'optional-enum' },
  reason: { kind: 'optional-enum' },
};
const UPDATE: Shape = { status: { kind: STATUS, required: true } };
const CALL: Shape = {
  executor_id: { kind: ID, required: true },
  framework_id: { kind: ID, required: true },
  type: { kind: 'optional-enum' },
  subscribe: { kind: { unacknowledged_updates: { kind: UPDATE, repeated: true } } },
  update: { kind: UPDATE },
  message: { kind: { data: { kind: 'bytes', required: true } } },
};

const STATES: ReadonlySet<string> = new Set(
  'STARTING RUNNING FINISHED FAILED KILLED LOST STAGING ERROR KILLING DROPPED UNREACHABLE GONE GONE_BY_OPERATOR UNKNOWN'.split(' ').map((state) => `TASK_${state}`),
);

/** The agent's complaint about a call in JSON, or undefined when it takes it. */
export function faultInCallJson(value: unknown): string | undefined {
  if (!isObject(value)) return 'Expecting a JSON object';
  const fault = faultInFields(value, CALL);
  if (fault !== undefined) return fault;
  const missing = missingFields(value, CALL, '');
  return missing.length === 0 ? undefined : `Missing required fields: ${missing.join(', ')}`;
}

function faultInFields(value: Record<string, unknown>, shape: Shape): string | undefined {
  for (const [field, { kind, repeated }] of Object.entries(shape)) {
    if (value[field] === undefined || value[field] === null) continue;
    const list = repeated === true && Array.isArray(value[field]) ? (value[field] as unknown[]) : [value[field]];
    for (const item of list) {
      const fault = faultInValue(item, field, kind);
      if (fault !== undefined) return fault;
    }
  }
  return undefined;
}

function faultInValue(item: unknown, field: string, kind: Kind): string | undefined {
  if (typeof kind === 'object') return isObject(item) ? faultInFields(item, kind) : `Not expecting a JSON ${typeName(item)} for field '${field}'`;
  if (typeof item !== 'string') return `Not expecting a JSON ${typeName(item)} for field '${field}'`;
  switch (kind) {
    case 'bytes': {
      const wrong = /[^A-Za-z0-9+/=]/.exec(item)?.[0];
      return wrong === undefined ? undefined : `Failed to base64 decode bytes field '${field}': Invalid character '${wrong}'`;
    }
    case 'enum':
      return STATES.has(item) ? undefined : `Failed to find enum for '${item}'`;
    case 'string':
    case 'optional-enum': // an unknown name leaves an optional field unset
      return undefined;
  }
}

function missingFields(value: Record<string, unknown>, shape: Shape, prefix: string): string[] {
  return Object.entries(shape).flatMap(([field, { kind, required, repeated }]) => {
    const item = value[field];
    if (item === undefined || item === null) return required === true ? [`${prefix}${field}`] : [];
    if (typeof kind !== 'object') return [];
    if (repeated === true && Array.isArray(item)) {
      return item.flatMap((element: unknown, i) => (isObject(element) ? missingFields(element, kind, `${prefix}${field}[${i}].`) : []));
    }
    return isObject(item) ? missingFields(item, kind, `${prefix}${field}.`) : [];
  });
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function typeName(value: unknown): string {
  return Array.isArray(value) ? 'array' : value === null ? 'null' : typeof value;
}
