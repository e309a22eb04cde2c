import type { JsonObject } from './json.ts';
import { RESOURCES as SERVED, apiVersionOf, type Resource } from './resources.ts';
import { fieldsOf, type Field, type FieldType, type Scalar } from './schema.ts';

/*
 * OpenAPI v3 of what is served, without words: enough for kubectl to know that the server validates fields, how lists merge, and to
 * explain fields.
 */

/** Nobody writes or explains what is computed. */
const RESOURCES = SERVED.filter((resource) => !resource.computed);

/** The index of /openapi/v3. */
export function openApiIndex(): JsonObject {
  const paths = [...new Set(RESOURCES.map(rootOf))];
  return { paths: Object.fromEntries(paths.map((path) => [path, { serverRelativeURL: `/openapi/v3/${path}?hash=1` }])) };
}

/** The document of one group and version (`api/v1`, `apis/apps/v1`); undefined when it is not served. */
export function openApiDocument(root: string): JsonObject | undefined {
  const resources = RESOURCES.filter((resource) => rootOf(resource) === root);
  if (resources.length === 0) return undefined;
  const schemas: Record<string, JsonObject> = {};
  for (const resource of resources) {
    addSchema(schemas, resource.type);
    const schema = schemas[schemaName(resource.type)];
    if (schema !== undefined) schema['x-kubernetes-group-version-kind'] = [kindOf(resource)];
  }
  return { openapi: '3.0.0', info: { title: 'Kubernetes', version: 'v1.32.4' }, paths: Object.fromEntries(resources.flatMap((resource) => pathsOf(root, resource))), components: { schemas } };
}

const rootOf = (resource: Resource): string => `${resource.group === '' ? 'api' : 'apis'}/${apiVersionOf(resource)}`;
const schemaName = (type: string): string => `io.k8s.api.v1.${type}`;
const reference = (type: string): JsonObject => ({ $ref: `#/components/schemas/${schemaName(type)}` });
const kindOf = ({ group, version, kind }: Resource): JsonObject => ({ group, version, kind });

function pathsOf(root: string, resource: Resource): [string, JsonObject][] {
  const collection = `/${root}/${resource.namespaced ? 'namespaces/{namespace}/' : ''}${resource.resource}`;
  const operation = (action: string, content?: readonly string[]): JsonObject => ({
    'x-kubernetes-action': action,
    'x-kubernetes-group-version-kind': kindOf(resource),
    parameters: PARAMETERS,
    ...(content === undefined ? {} : { requestBody: { content: Object.fromEntries(content.map((type) => [type, { schema: reference(resource.type) }])) } }),
    responses: { 200: { description: 'OK', content: { 'application/json': { schema: reference(resource.type) } } } },
  });
  const create: [string, JsonObject] = [collection, { post: operation('post', ['application/json']), ...(resource.createOnly ? {} : { get: operation('list') }) }];
  if (resource.createOnly) return [create];
  return [create, [`${collection}/{name}`, { get: operation('get'), put: operation('put', ['application/json']), patch: operation('patch', PATCHES), delete: operation('delete') }]];
}

const PATCHES = ['application/apply-patch+yaml', 'application/json-patch+json', 'application/merge-patch+json', 'application/strategic-merge-patch+json'];
const PARAMETERS = ['dryRun', 'fieldManager', 'fieldValidation'].map((name) => ({ name, in: 'query', schema: { type: 'string', uniqueItems: true } }));

function addSchema(schemas: Record<string, JsonObject>, type: string): void {
  const name = schemaName(type);
  if (schemas[name] !== undefined) return;
  const properties: JsonObject = {};
  schemas[name] = { type: 'object', properties };
  for (const field of fieldsOf(type)) properties[field.name] = { ...schemaOf(schemas, field.type), ...mergeOf(field) };
}

function schemaOf(schemas: Record<string, JsonObject>, type: FieldType): JsonObject {
  switch (type.kind) {
    case 'list':
      return { type: 'array', items: schemaOf(schemas, type.of) };
    case 'map':
      return { type: 'object', additionalProperties: schemaOf(schemas, type.of) };
    case 'object':
      addSchema(schemas, type.type);
      // A reference with siblings is no reference in OpenAPI 3.0: it goes into an allOf, as on the real server.
      return { allOf: [reference(type.type)], default: {} };
    case 'scalar':
      return SCALARS[type.type];
  }
}

const SCALARS: Readonly<Record<Scalar, JsonObject>> = {
  string: { type: 'string' },
  boolean: { type: 'boolean' },
  int32: { type: 'integer', format: 'int32' },
  int64: { type: 'integer', format: 'int64' },
  double: { type: 'number', format: 'double' },
  time: { type: 'string', format: 'date-time' },
  microtime: { type: 'string', format: 'date-time' },
  bytes: { type: 'string', format: 'byte' },
  quantity: { oneOf: [{ type: 'string' }, { type: 'number' }] },
  intOrString: { oneOf: [{ type: 'integer' }, { type: 'string' }], format: 'int-or-string' },
  any: { type: 'object' },
  fields: { type: 'object' },
  strings: { type: 'array', items: { type: 'string' } },
};

function mergeOf({ mergeKey, applyKeys, retainsKeys }: Field): JsonObject {
  const strategy = [...(mergeKey === undefined ? [] : ['merge']), ...(retainsKeys ? ['retainKeys'] : [])].join(',');
  return {
    ...(strategy === '' ? {} : { 'x-kubernetes-patch-strategy': strategy }),
    ...(mergeKey === undefined || mergeKey === '' ? {} : { 'x-kubernetes-patch-merge-key': mergeKey }),
    ...(applyKeys === undefined ? {} : applyKeys.length === 0 ? { 'x-kubernetes-list-type': 'set' } : { 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': applyKeys }),
  };
}
