/**
 * Writes src/harness/kubernetes-api/schema.json: the fields of the Kubernetes types that the embedded API serves, read off
 * the models of the Kubernetes client library. Run it again after an update of that library: `npm run generate:kubernetes-schema`.
 *
 * One entry a type: field name -> type. Types are `string`, `boolean`, `int32`, `int64`, `double`, `time`, `microtime`, `bytes`,
 * `quantity`, `intOrString`, `any`, the name of another entry, `[]T` (list) and `{}T` (map).
 */
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

interface Attribute {
  baseName: string;
  type: string;
  format: string;
}

const ROOTS = [
  'V1Pod', 'V1Node', 'V1Namespace', 'CoreV1Event', 'EventsV1Event', 'V1ConfigMap', 'V1Secret', 'V1Service', 'V1Endpoints', 'V1ServiceAccount',
  'V1PersistentVolumeClaim', 'V1PersistentVolume', 'V1LimitRange', 'V1ResourceQuota', 'V1ReplicationController', 'V1Binding', 'V1PodTemplate',
  'V1Deployment', 'V1ReplicaSet', 'V1DaemonSet', 'V1StatefulSet', 'V1ControllerRevision', 'V1Job', 'V1CronJob', 'V1Lease',
  'V1TokenReview', 'AuthenticationV1TokenRequest', 'V1SelfSubjectReview', 'V1SubjectAccessReview', 'V1SelfSubjectAccessReview',
  'V1LocalSubjectAccessReview', 'V1SelfSubjectRulesReview', 'V1CSINode', 'V1StorageClass', 'V1RuntimeClass', 'V1PriorityClass', 'V1Eviction',
  'V1PodDisruptionBudget', 'V1CertificateSigningRequest', 'V1Scale', 'V1DeleteOptions', 'V1Status', 'V1EndpointSlice',
];

/** Maps of quantities: the models say only "map of strings". Type.field. */
const QUANTITY_MAPS = new Set([
  'ResourceRequirements.limits', 'ResourceRequirements.requests', 'VolumeResourceRequirements.limits', 'VolumeResourceRequirements.requests',
  'NodeStatus.capacity', 'NodeStatus.allocatable', 'PersistentVolumeSpec.capacity', 'PersistentVolumeClaimStatus.capacity',
  'PersistentVolumeClaimStatus.allocatedResources', 'LimitRangeItem._default', 'LimitRangeItem.default', 'LimitRangeItem.defaultRequest',
  'LimitRangeItem.max', 'LimitRangeItem.min', 'LimitRangeItem.maxLimitRequestRatio', 'ResourceQuotaSpec.hard', 'ResourceQuotaStatus.hard',
  'ResourceQuotaStatus.used', 'PodSpec.overhead', 'PodStatus.allocatedResources', 'Overhead.podFixed', 'ContainerStatus.allocatedResources',
]);
const QUANTITIES = new Set(['EmptyDirVolumeSource.sizeLimit', 'ResourceFieldSelector.divisor']);
const BYTES = new Set(['Secret.data', 'ConfigMap.binaryData', 'CertificateSigningRequestSpec.request', 'CertificateSigningRequestStatus.certificate']);

const load = createRequire(import.meta.url);
const out: Record<string, Record<string, string>> = {};

/** `V1PodSpec` -> `PodSpec`. The two Events share a name in Go too; the newer one keeps its group here. */
const shortName = (model: string): string =>
  model === 'EventsV1Event' ? 'EventsEvent' : model === 'EventsV1EventSeries' ? 'EventsEventSeries' : model.replace(/^(Core|Discovery|Authentication|Storage|Rbac|Flowcontrol)?V1(?=[A-Z])/, '');

function typeOf(owner: string, { baseName, type, format }: Attribute): string {
  const field = `${owner}.${baseName}`;
  if (QUANTITIES.has(field)) return 'quantity';
  if (type === 'IntOrString') return 'intOrString';
  if (type === 'string') return BYTES.has(field) || format === 'byte' ? 'bytes' : 'string';
  if (type === 'number') return format === '' ? 'int64' : format;
  if (type === 'boolean' || type === 'any') return type;
  if (type === 'object') return 'any';
  if (type === 'Date') return 'time';
  if (type === 'V1MicroTime') return 'microtime';
  const list = /^Array<(.*)>$/.exec(type);
  if (list?.[1] !== undefined) return `[]${typeOf(owner, { baseName: '', type: list[1], format })}`;
  const map = /^\{ \[key: string\]: (.*); \}$/.exec(type);
  if (map?.[1] !== undefined) {
    if (QUANTITY_MAPS.has(field)) return '{}quantity';
    return `{}${BYTES.has(field) ? 'bytes' : typeOf(owner, { baseName: '', type: map[1], format })}`;
  }
  add(type);
  return shortName(type);
}

function add(model: string): void {
  const name = shortName(model);
  if (out[name] !== undefined) return;
  const fields: Record<string, string> = {};
  out[name] = fields;
  const loaded = load(`@kubernetes/client-node/dist/gen/models/${model}.js`) as Record<string, { getAttributeTypeMap(): Attribute[] }>;
  for (const attribute of loaded[model]?.getAttributeTypeMap() ?? []) fields[attribute.baseName] = typeOf(name, attribute);
}

for (const root of ROOTS) add(root);
const lines = Object.entries(out).sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, fields]) => `${JSON.stringify(name)}: ${JSON.stringify(fields)}`);
writeFileSync(fileURLToPath(new URL('../src/harness/kubernetes-api/schema.json', import.meta.url)), `{\n${lines.join(',\n')}\n}\n`);
