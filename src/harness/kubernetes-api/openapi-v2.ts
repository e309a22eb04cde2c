import { RESOURCES, type Resource } from './resources.ts';

/** How kubectl asks for it, and the only form in which it is served: gnostic's openapi.v2.Document in protobuf. */
export const OPENAPI_V2_MEDIA_TYPES = ['application/com.github.proto-openapi.spec.v2@v1.0+protobuf', 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf'];

/**
 * What /openapi/v2 answers: for each kind one path with its PATCH and the query parameters of writes. That is what kubectl up to 1.28
 * looks for before it leaves validation to the server; newer ones read /openapi/v3.
 */
export function openApiV2(): Buffer {
  const paths = RESOURCES.filter((resource) => !resource.createOnly).map(pathOf);
  return Buffer.concat([text(1, '2.0'), field(2, text(1, 'Kubernetes'), text(2, 'v1.32.4')), field(8, ...paths)]);
}

function pathOf({ group, version, resource, kind }: Resource): Buffer {
  const path = `/${group === '' ? 'api' : `apis/${group}`}/${version}/${resource}/{name}`;
  const parameters = ['dryRun', 'fieldManager', 'fieldValidation'].map((name) => field(8, field(1, field(2, field(3, text(2, 'query'), text(4, name))))));
  const kinds = field(13, text(1, 'x-kubernetes-group-version-kind'), field(2, text(2, `group: ${JSON.stringify(group)}\nversion: ${version}\nkind: ${kind}\n`)));
  return field(2, text(1, path), field(2, field(8, ...parameters, kinds)));
}

/** A field of wire type 2: length, then content. */
function field(number: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  return Buffer.concat([varint((number << 3) | 2), varint(content.length), content]);
}

const text = (number: number, value: string): Buffer => field(number, Buffer.from(value));

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 0x80) return Buffer.from([...bytes, rest]);
    bytes.push((rest & 0x7f) | 0x80);
  }
}
