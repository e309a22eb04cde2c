/**
 * Writes src/harness/kubernetes-api/schema.json: the fields of the Kubernetes types that the embedded API serves, read off the Go types
 * of k8s.io/api and k8s.io/apimachinery (a checkout of each, of the version that the API says it has):
 *
 *     node scripts/generate-kubernetes-schema.ts PATH/TO/k8s.io/api PATH/TO/k8s.io/apimachinery
 *
 * What the file holds is described in src/harness/kubernetes-api/schema.ts.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const [apiDir, machineryDir] = process.argv.slice(2);
if (apiDir === undefined || machineryDir === undefined) throw new Error('usage: generate-kubernetes-schema.ts PATH/TO/k8s.io/api PATH/TO/k8s.io/apimachinery');

/** Where types come from; where two have one name, the first keeps it. */
const PACKAGES: Readonly<Record<string, string>> = {
  core: `${apiDir}/core/v1/types.go`,
  meta: `${machineryDir}/pkg/apis/meta/v1/types.go`,
  apps: `${apiDir}/apps/v1/types.go`,
  batch: `${apiDir}/batch/v1/types.go`,
  events: `${apiDir}/events/v1/types.go`,
  authentication: `${apiDir}/authentication/v1/types.go`,
  authorization: `${apiDir}/authorization/v1/types.go`,
  certificates: `${apiDir}/certificates/v1/types.go`,
  coordination: `${apiDir}/coordination/v1/types.go`,
  discovery: `${apiDir}/discovery/v1/types.go`,
  node: `${apiDir}/node/v1/types.go`,
  policy: `${apiDir}/policy/v1/types.go`,
  scheduling: `${apiDir}/scheduling/v1/types.go`,
  storage: `${apiDir}/storage/v1/types.go`,
  autoscaling: `${apiDir}/autoscaling/v1/types.go`,
};

const ROOTS: Readonly<Record<string, readonly string[]>> = {
  core: ['Pod', 'Node', 'Namespace', 'Event', 'ConfigMap', 'Secret', 'Service', 'Endpoints', 'ServiceAccount', 'PersistentVolumeClaim', 'PersistentVolume', 'LimitRange', 'ResourceQuota', 'ReplicationController', 'Binding', 'PodTemplate'],
  meta: ['DeleteOptions'],
  apps: ['Deployment', 'ReplicaSet', 'DaemonSet', 'StatefulSet', 'ControllerRevision'],
  batch: ['Job', 'CronJob'],
  events: ['Event'],
  authentication: ['TokenReview', 'TokenRequest', 'SelfSubjectReview'],
  authorization: ['SubjectAccessReview', 'SelfSubjectAccessReview', 'LocalSubjectAccessReview', 'SelfSubjectRulesReview'],
  certificates: ['CertificateSigningRequest'],
  coordination: ['Lease'],
  discovery: ['EndpointSlice'],
  node: ['RuntimeClass'],
  policy: ['Eviction', 'PodDisruptionBudget'],
  scheduling: ['PriorityClass'],
  storage: ['CSINode', 'StorageClass'],
  autoscaling: ['Scale'],
};

interface Field {
  readonly name: string;
  readonly inline: boolean;
  readonly goType: string;
  readonly number: string;
  readonly omitEmpty: boolean;
  readonly rules: readonly string[];
}

interface Declared {
  readonly structs: Map<string, Field[]>;
  /** `type X Y` where Y is no struct. */
  readonly aliases: Map<string, string>;
}

const declared = new Map(Object.entries(PACKAGES).map(([name, file]) => [name, parseGo(readFileSync(file, 'utf8'))]));

function parseGo(source: string): Declared {
  const structs = new Map<string, Field[]>();
  const aliases = new Map<string, string>();
  for (const [, name = '', target = ''] of source.matchAll(/^type (\w+) ((?!struct|interface)\S+)$/gm)) aliases.set(name, target);
  for (const [, name = '', body = ''] of source.matchAll(/^type (\w+) struct \{\n(.*?)^\}/gms)) structs.set(name, parseFields(body));
  return { structs, aliases };
}

function parseFields(body: string): Field[] {
  const fields: Field[] = [];
  let comment: string[] = [];
  for (const line of body.split('\n').map((text) => text.trim())) {
    const match = /^(?:\w+\s+)?(\S+)\s+`(.*)`/.exec(line);
    const json = /json:"([^"]*)"/.exec(match?.[2] ?? '')?.[1];
    if (line.startsWith('//')) comment.push(line.slice(2).trim());
    else {
      if (match?.[1] !== undefined && json !== undefined && json !== '-') fields.push(fieldOf(match[1], json, match[2] ?? '', comment));
      comment = [];
    }
  }
  return fields;
}

function fieldOf(goType: string, json: string, tags: string, comment: readonly string[]): Field {
  const [name = '', ...options] = json.split(',');
  const mergeKey = /patchMergeKey:"([^"]*)"/.exec(tags)?.[1];
  const strategies = /patchStrategy:"([^"]*)"/.exec(tags)?.[1]?.split(',') ?? [];
  const listType = comment.map((line) => /^\+listType=(\w+)/.exec(line)?.[1]).find((text) => text !== undefined);
  const mapKeys = comment.flatMap((line) => /^\+listMapKey=(\w+)/.exec(line)?.[1] ?? []);
  const rules: string[] = [];
  if (strategies.includes('merge')) rules.push(`merge=${mergeKey ?? ''}`);
  if (strategies.includes('retainKeys')) rules.push('retain');
  if (listType === 'map') rules.push(`apply=${mapKeys.join(',')}`);
  else if (listType === 'set' || (listType === undefined && strategies.includes('merge'))) rules.push(`apply=${mergeKey ?? ''}`);
  return { name, inline: options.includes('inline') || name === '', goType, number: /protobuf:"\w+,(\d+)/.exec(tags)?.[1] ?? '', omitEmpty: options.includes('omitempty'), rules };
}

const names = new Map<string, string>();
const out: Record<string, Record<string, string>> = {};
const IMPORTS: Readonly<Record<string, string>> = { metav1: 'meta', v1: 'core', corev1: 'core', core: 'core', apiv1: 'core' };
const SPECIAL: Readonly<Record<string, string>> = {
  string: 'string', bool: 'boolean', int32: 'int32', int64: 'int64', float64: 'double', int: 'int64', '[]byte': 'bytes', uint32: 'int64',
  'metav1.Time': 'time', 'metav1.MicroTime': 'microtime', 'meta.Time': 'time', 'resource.Quantity': 'quantity', 'intstr.IntOrString': 'intOrString', 'runtime.RawExtension': 'any', 'meta.FieldsV1': 'fields', 'types.UID': 'string', 'authentication.ExtraValue': 'strings', 'authorization.ExtraValue': 'strings', 'certificates.ExtraValue': 'strings',
};

/** Our word for a Go type, and whether Go writes it as a struct. Types that it names are added. */
function typeOf(pkg: string, goType: string): string {
  if (goType.startsWith('*')) return typeOf(pkg, goType.slice(1));
  if (SPECIAL[goType] !== undefined) return SPECIAL[goType];
  if (goType.startsWith('[]')) return `[]${typeOf(pkg, goType.slice(2))}`;
  const map = /^map\[[\w.]+\](.+)$/.exec(goType);
  if (map?.[1] !== undefined) return `{}${typeOf(pkg, map[1])}`;
  const [first = '', second] = goType.split('.');
  const home = second === undefined ? pkg : (IMPORTS[first] ?? first);
  const name = second ?? first;
  const special = SPECIAL[`${home}.${name}`];
  if (special !== undefined) return special;
  const alias = declared.get(home)?.aliases.get(name);
  if (alias !== undefined) return typeOf(home, alias);
  return add(home, name);
}

function add(pkg: string, name: string): string {
  const key = `${pkg}.${name}`;
  const known = names.get(key);
  if (known !== undefined) return known;
  const taken = new Set(names.values());
  const own = taken.has(name) ? `${pkg[0]?.toUpperCase()}${pkg.slice(1)}${name}` : name;
  names.set(key, own);
  const fields: Record<string, string> = {};
  out[own] = fields;
  addFields(pkg, name, '', fields);
  return own;
}

function addFields(pkg: string, name: string, prefix: string, fields: Record<string, string>): void {
  const found = declared.get(pkg)?.structs.get(name);
  if (found === undefined) throw new Error(`no type ${pkg}.${name}`);
  for (const field of found) {
    if (field.goType === 'metav1.TypeMeta' || field.goType === 'TypeMeta') Object.assign(fields, { apiVersion: '0 string -', kind: '0 string -' });
    else if (field.inline) {
      const [first = '', second] = field.goType.replace('*', '').split('.');
      addFields(second === undefined ? pkg : (IMPORTS[first] ?? first), second ?? first, `${prefix}${field.number}.`, fields);
    } else fields[field.name] = [`${prefix}${field.number || '0'}`, typeOf(pkg, field.goType), zeroRule(pkg, field), ...field.rules].join(' ');
  }
}

/** `!`: written even when it is zero. `-`: left out when it is zero. `*`: zero is a value like others, absent is not zero. */
function zeroRule(pkg: string, { goType, omitEmpty }: Field): string {
  if (goType.startsWith('*')) return '*';
  const type = typeOf(pkg, goType);
  if (type.startsWith('[]') || type.startsWith('{}') || type === 'bytes' || type === 'strings' || type === 'any') return '-';
  const isStruct = !['string', 'boolean', 'int32', 'int64', 'double'].includes(type);
  return isStruct || !omitEmpty ? '!' : '-';
}

for (const [pkg, roots] of Object.entries(ROOTS)) for (const root of roots) add(pkg, root);
const lines = Object.entries(out).sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, fields]) => `${JSON.stringify(name)}: ${JSON.stringify(fields)}`);
writeFileSync(fileURLToPath(new URL('../src/harness/kubernetes-api/schema.json', import.meta.url)), `{\n${lines.join(',\n')}\n}\n`);
