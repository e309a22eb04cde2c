import types from './schema.json' with { type: 'json' };

/**
 * What the API server knows of the shape of objects: for each type its fields and their types (schema.json, see
 * scripts/generate-kubernetes-schema.ts), and how strategic merge treats its lists.
 */
export type FieldType =
  | { readonly kind: 'list' | 'map'; readonly of: FieldType }
  | { readonly kind: 'object'; readonly type: string }
  | { readonly kind: 'scalar'; readonly type: Scalar };

export type Scalar = 'string' | 'boolean' | 'int32' | 'int64' | 'double' | 'time' | 'microtime' | 'bytes' | 'quantity' | 'intOrString' | 'any';

const SCALARS: ReadonlySet<string> = new Set<Scalar>(['string', 'boolean', 'int32', 'int64', 'double', 'time', 'microtime', 'bytes', 'quantity', 'intOrString', 'any']);
const TYPES: Readonly<Record<string, Readonly<Record<string, string>>>> = types;

function parse(text: string): FieldType {
  if (text.startsWith('[]')) return { kind: 'list', of: parse(text.slice(2)) };
  if (text.startsWith('{}')) return { kind: 'map', of: parse(text.slice(2)) };
  return SCALARS.has(text) ? { kind: 'scalar', type: text as Scalar } : { kind: 'object', type: text };
}

/** Field names of a type and what each holds; undefined for a type that is not known. */
export function fieldsOf(type: string): Readonly<Record<string, string>> | undefined {
  return Object.hasOwn(TYPES, type) ? TYPES[type] : undefined;
}

/** What the field holds; undefined when the type has no such field. */
export function fieldType(type: string, name: string): FieldType | undefined {
  const fields = fieldsOf(type);
  const text = fields !== undefined && Object.hasOwn(fields, name) ? fields[name] : undefined;
  return text === undefined ? undefined : parse(text);
}

/** How strategic merge treats a list: items with the same key are one; `''` is the key of scalars. Absent: the list is replaced. */
export interface ListMerge {
  readonly key: string;
  /** The keys of server-side apply, where they are others. */
  readonly applyKeys?: readonly string[];
}

/** `patchMergeKey` of k8s.io/api (core/v1, apps/v1, meta/v1 ...), by `Type.field`. */
const LIST_MERGES: Readonly<Record<string, ListMerge>> = {
  'ObjectMeta.finalizers': { key: '' },
  'ObjectMeta.ownerReferences': { key: 'uid' },
  'PodSpec.containers': { key: 'name' },
  'PodSpec.initContainers': { key: 'name' },
  'PodSpec.ephemeralContainers': { key: 'name' },
  'PodSpec.volumes': { key: 'name' },
  'PodSpec.hostAliases': { key: 'ip' },
  'PodSpec.imagePullSecrets': { key: 'name' },
  'PodSpec.topologySpreadConstraints': { key: 'topologyKey', applyKeys: ['topologyKey', 'whenUnsatisfiable'] },
  'PodSpec.schedulingGates': { key: 'name' },
  'PodSpec.resourceClaims': { key: 'name' },
  'PodStatus.conditions': { key: 'type' },
  'PodStatus.podIPs': { key: 'ip' },
  'PodStatus.hostIPs': { key: 'ip' },
  'PodStatus.resourceClaimStatuses': { key: 'name' },
  'ServiceAccount.secrets': { key: 'name' },
  'ServiceSpec.ports': { key: 'port', applyKeys: ['port', 'protocol'] },
  'NodeSpec.podCIDRs': { key: '' },
  'NodeStatus.addresses': { key: 'type' },
  'CSINodeSpec.drivers': { key: 'name' },
  ...Object.fromEntries(
    ['Namespace', 'Node', 'Service', 'PersistentVolumeClaim', 'ReplicationController', 'ReplicaSet', 'Deployment', 'DaemonSet', 'StatefulSet', 'Job', 'PodDisruptionBudget'].map(
      (kind) => [`${kind}Status.conditions`, { key: 'type' }],
    ),
  ),
  ...Object.fromEntries(
    ['Container', 'EphemeralContainer'].flatMap((kind) => [
      [`${kind}.env`, { key: 'name' }],
      [`${kind}.ports`, { key: 'containerPort', applyKeys: ['containerPort', 'protocol'] }],
      [`${kind}.volumeMounts`, { key: 'mountPath' }],
      [`${kind}.volumeDevices`, { key: 'devicePath' }],
    ]),
  ),
};

export function listMerge(type: string, field: string): ListMerge | undefined {
  return LIST_MERGES[`${type}.${field}`];
}

/** Objects whose patch may carry `$retainKeys`: unions, of which a new member has to push out the old one. */
export function retainsKeys(type: string, field: string): boolean {
  return RETAIN_KEYS.has(`${type}.${field}`);
}

const RETAIN_KEYS = new Set(['PodSpec.volumes', 'PodSpec.resourceClaims', 'PodStatus.resourceClaimStatuses', 'DeploymentSpec.strategy']);

/**
 * Fields that the real server writes even when nobody gave them, because in Go they are structs or have no `omitempty`; by type.
 * `null` stands for the zero time.
 */
export const ALWAYS_WRITTEN: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  Pod: { spec: {}, status: {} },
  PodTemplateSpec: { metadata: { creationTimestamp: null }, spec: {} },
  Container: { resources: {} },
  EphemeralContainer: { resources: {} },
  PodCondition: { lastProbeTime: null, lastTransitionTime: null },
  ContainerStatus: { state: {}, lastState: {}, ready: false, restartCount: 0, image: '', imageID: '' },
  ContainerStateRunning: { startedAt: null },
  ContainerStateTerminated: { exitCode: 0, startedAt: null, finishedAt: null },
  Node: { spec: {}, status: {} },
  NodeStatus: { daemonEndpoints: { kubeletEndpoint: { Port: 0 } } },
  NodeCondition: { lastHeartbeatTime: null, lastTransitionTime: null },
  Namespace: { spec: {}, status: {} },
  Event: { metadata: {}, involvedObject: {}, source: {}, firstTimestamp: null, lastTimestamp: null, eventTime: null, reportingComponent: '', reportingInstance: '' },
  Service: { spec: {}, status: { loadBalancer: {} } },
  Lease: { spec: {} },
  PersistentVolume: { spec: {}, status: {} },
  PersistentVolumeClaim: { spec: {}, status: {} },
  PersistentVolumeClaimSpec: { resources: {} },
  Deployment: { spec: {}, status: {} },
  DeploymentSpec: { strategy: {} },
  ReplicaSet: { spec: {}, status: { replicas: 0 } },
  DaemonSet: { spec: {}, status: { currentNumberScheduled: 0, numberMisscheduled: 0, desiredNumberScheduled: 0, numberReady: 0 } },
  StatefulSet: { spec: {}, status: { replicas: 0, availableReplicas: 0 } },
  ReplicationController: { spec: {}, status: { replicas: 0 } },
  Job: { spec: {}, status: {} },
  CronJob: { spec: {}, status: {} },
  ResourceQuota: { spec: {}, status: {} },
  CertificateSigningRequest: { spec: {}, status: {} },
};
