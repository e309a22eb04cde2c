/** One resource that the API serves: what discovery says of it and which rules its objects live under. */
export interface Resource {
  readonly group: string;
  readonly version: string;
  /** Plural, as in paths: `pods`. */
  readonly resource: string;
  readonly singular: string;
  readonly kind: string;
  /** Name of its type in the schema. */
  readonly type: string;
  readonly namespaced: boolean;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  /** Has a status that only the status subresource writes. */
  readonly hasStatus: boolean;
  /** `metadata.generation` counts changes of the spec. */
  readonly hasGeneration: boolean;
  /** Only asked, never stored: reviews. */
  readonly createOnly: boolean;
  /** Where its objects are stored, where that is not `collection` of its own name: two views of one thing. */
  readonly storedAs?: string;
  /** Only read, never stored: computed when somebody asks. */
  readonly computed: boolean;
  /** Names of fields (dots between) that field selectors know, beside metadata.name and metadata.namespace. */
  readonly selectableFields: readonly string[];
  /** What a name must look like. */
  readonly names: 'subdomain' | 'label' | 'path-segment';
  /** PUT on a name that does not exist creates it. */
  readonly createOnUpdate: boolean;
  /** A PUT without resourceVersion is refused. */
  readonly versionRequired: boolean;
  /** DELETE answers with the object, not with a Status. */
  readonly returnsDeleted: boolean;
  readonly subresources: readonly Subresource[];
}

export interface Subresource {
  readonly name: string;
  readonly kind: string;
  readonly group?: string;
  readonly version?: string;
  readonly verbs: readonly string[];
}

type Given = Pick<Resource, 'resource' | 'kind'> & Partial<Resource>;

const STATUS_VERBS = ['get', 'patch', 'update'];

function define(group: string, version: string, list: readonly Given[]): Resource[] {
  return list.map((given) => ({
    group,
    version,
    singular: given.kind.toLowerCase(),
    type: given.kind,
    namespaced: true,
    shortNames: [],
    categories: [],
    hasStatus: false,
    hasGeneration: false,
    createOnly: false,
    computed: false,
    selectableFields: [],
    names: 'subdomain',
    createOnUpdate: false,
    versionRequired: false,
    returnsDeleted: false,
    ...given,
    subresources: [...(given.hasStatus === true ? [{ name: 'status', kind: given.kind, verbs: STATUS_VERBS }] : []), ...(given.subresources ?? [])],
  }));
}

const POD_FIELDS = ['spec.nodeName', 'spec.restartPolicy', 'spec.schedulerName', 'spec.serviceAccountName', 'spec.hostNetwork', 'status.phase', 'status.podIP', 'status.podIPs', 'status.nominatedNodeName'];
const EVENT_FIELDS = [
  ...['kind', 'namespace', 'name', 'uid', 'apiVersion', 'resourceVersion', 'fieldPath'].map((name) => `involvedObject.${name}`),
  'reason', 'reportingComponent', 'source', 'type',
];
const SCALE: Subresource = { name: 'scale', kind: 'Scale', group: 'autoscaling', version: 'v1', verbs: ['get', 'patch', 'update'] };
const CONNECT = ['create', 'get'];
const PROXY = ['create', 'delete', 'get', 'patch', 'update'];
const WORKLOAD = { categories: ['all'], hasStatus: true, hasGeneration: true } as const;

/** What metrics-server serves in a real cluster. */
export const METRICS_GROUP = 'metrics.k8s.io';

/** Everything that is served, in the order of the groups' priority in discovery. */
export const RESOURCES: readonly Resource[] = [
  ...define('', 'v1', [
    { resource: 'bindings', kind: 'Binding', createOnly: true },
    { resource: 'configmaps', kind: 'ConfigMap', shortNames: ['cm'] },
    { resource: 'endpoints', kind: 'Endpoints', shortNames: ['ep'], createOnUpdate: true },
    { resource: 'events', kind: 'Event', shortNames: ['ev'], selectableFields: EVENT_FIELDS, createOnUpdate: true },
    { resource: 'limitranges', kind: 'LimitRange', shortNames: ['limits'] },
    {
      resource: 'namespaces', kind: 'Namespace', shortNames: ['ns'], namespaced: false, hasStatus: true, names: 'label', selectableFields: ['status.phase'],
      subresources: [{ name: 'finalize', kind: 'Namespace', verbs: ['update'] }],
    },
    {
      resource: 'nodes', kind: 'Node', shortNames: ['no'], namespaced: false, hasStatus: true, selectableFields: ['spec.unschedulable'],
      subresources: [{ name: 'proxy', kind: 'NodeProxyOptions', verbs: PROXY }],
    },
    { resource: 'persistentvolumeclaims', kind: 'PersistentVolumeClaim', shortNames: ['pvc'], hasStatus: true, returnsDeleted: true },
    { resource: 'persistentvolumes', kind: 'PersistentVolume', shortNames: ['pv'], namespaced: false, hasStatus: true, returnsDeleted: true },
    {
      resource: 'pods', kind: 'Pod', shortNames: ['po'], categories: ['all'], hasStatus: true, selectableFields: POD_FIELDS, returnsDeleted: true,
      subresources: [
        { name: 'attach', kind: 'PodAttachOptions', verbs: CONNECT },
        { name: 'binding', kind: 'Binding', verbs: ['create'] },
        { name: 'ephemeralcontainers', kind: 'Pod', verbs: STATUS_VERBS },
        { name: 'eviction', kind: 'Eviction', group: 'policy', version: 'v1', verbs: ['create'] },
        { name: 'exec', kind: 'PodExecOptions', verbs: CONNECT },
        { name: 'log', kind: 'Pod', verbs: ['get'] },
        { name: 'portforward', kind: 'PodPortForwardOptions', verbs: CONNECT },
        { name: 'proxy', kind: 'PodProxyOptions', verbs: PROXY },
      ],
    },
    { resource: 'podtemplates', kind: 'PodTemplate', returnsDeleted: true },
    { resource: 'replicationcontrollers', kind: 'ReplicationController', shortNames: ['rc'], ...WORKLOAD, selectableFields: ['status.replicas'], subresources: [SCALE] },
    { resource: 'resourcequotas', kind: 'ResourceQuota', shortNames: ['quota'], hasStatus: true, returnsDeleted: true },
    { resource: 'secrets', kind: 'Secret', selectableFields: ['type'] },
    {
      resource: 'serviceaccounts', kind: 'ServiceAccount', shortNames: ['sa'], returnsDeleted: true,
      subresources: [{ name: 'token', kind: 'TokenRequest', group: 'authentication.k8s.io', version: 'v1', verbs: ['create'] }],
    },
    {
      resource: 'services', kind: 'Service', shortNames: ['svc'], categories: ['all'], hasStatus: true, names: 'label', returnsDeleted: true, selectableFields: ['spec.clusterIP', 'spec.type'],
      subresources: [{ name: 'proxy', kind: 'ServiceProxyOptions', verbs: PROXY }],
    },
  ]),
  ...define('apps', 'v1', [
    { resource: 'controllerrevisions', kind: 'ControllerRevision' },
    { resource: 'daemonsets', kind: 'DaemonSet', shortNames: ['ds'], ...WORKLOAD },
    { resource: 'deployments', kind: 'Deployment', shortNames: ['deploy'], ...WORKLOAD, subresources: [SCALE] },
    { resource: 'replicasets', kind: 'ReplicaSet', shortNames: ['rs'], ...WORKLOAD, selectableFields: ['status.replicas'], subresources: [SCALE] },
    { resource: 'statefulsets', kind: 'StatefulSet', shortNames: ['sts'], ...WORKLOAD, subresources: [SCALE] },
  ]),
  ...define('events.k8s.io', 'v1', [
    { resource: 'events', kind: 'Event', type: 'EventsEvent', shortNames: ['ev'], storedAs: 'events', createOnUpdate: true, selectableFields: EVENT_FIELDS.map((name) => name.replace('involvedObject', 'regarding').replace('reportingComponent', 'reportingController')) },
  ]),
  ...define('authentication.k8s.io', 'v1', [
    { resource: 'selfsubjectreviews', kind: 'SelfSubjectReview', namespaced: false, createOnly: true },
    { resource: 'tokenreviews', kind: 'TokenReview', namespaced: false, createOnly: true },
  ]),
  ...define('authorization.k8s.io', 'v1', [
    { resource: 'localsubjectaccessreviews', kind: 'LocalSubjectAccessReview', createOnly: true },
    { resource: 'selfsubjectaccessreviews', kind: 'SelfSubjectAccessReview', namespaced: false, createOnly: true },
    { resource: 'selfsubjectrulesreviews', kind: 'SelfSubjectRulesReview', namespaced: false, createOnly: true },
    { resource: 'subjectaccessreviews', kind: 'SubjectAccessReview', namespaced: false, createOnly: true },
  ]),
  ...define('batch', 'v1', [
    { resource: 'cronjobs', kind: 'CronJob', shortNames: ['cj'], ...WORKLOAD },
    { resource: 'jobs', kind: 'Job', ...WORKLOAD, selectableFields: ['status.successful'] },
  ]),
  ...define('certificates.k8s.io', 'v1', [
    {
      resource: 'certificatesigningrequests', kind: 'CertificateSigningRequest', shortNames: ['csr'], namespaced: false, hasStatus: true, names: 'path-segment', selectableFields: ['spec.signerName'],
      subresources: [{ name: 'approval', kind: 'CertificateSigningRequest', verbs: STATUS_VERBS }],
    },
  ]),
  ...define('policy', 'v1', [{ resource: 'poddisruptionbudgets', kind: 'PodDisruptionBudget', shortNames: ['pdb'], hasStatus: true, hasGeneration: true }]),
  ...define('storage.k8s.io', 'v1', [
    { resource: 'csinodes', kind: 'CSINode', namespaced: false },
    { resource: 'storageclasses', kind: 'StorageClass', shortNames: ['sc'], namespaced: false },
  ]),
  ...define('scheduling.k8s.io', 'v1', [{ resource: 'priorityclasses', kind: 'PriorityClass', shortNames: ['pc'], namespaced: false }]),
  ...define('coordination.k8s.io', 'v1', [{ resource: 'leases', kind: 'Lease', createOnUpdate: true, versionRequired: true }]),
  ...define('node.k8s.io', 'v1', [{ resource: 'runtimeclasses', kind: 'RuntimeClass', namespaced: false }]),
  ...define('discovery.k8s.io', 'v1', [{ resource: 'endpointslices', kind: 'EndpointSlice' }]),
  ...define(METRICS_GROUP, 'v1beta1', [
    { resource: 'nodes', kind: 'NodeMetrics', namespaced: false, computed: true },
    { resource: 'pods', kind: 'PodMetrics', computed: true },
  ]),
];

const BY_PATH = new Map(RESOURCES.map((resource) => [`${resource.group}/${resource.version}/${resource.resource}`, resource]));
const BY_KIND = new Map(RESOURCES.map((resource) => [`${apiVersionOf(resource)}/${resource.kind}`, resource]));
const BY_NAME = new Map(RESOURCES.map((resource) => [`${resource.group}/${resource.resource}`, resource]));

export function apiVersionOf({ group, version }: { group: string; version: string }): string {
  return group === '' ? version : `${group}/${version}`;
}

/** The resource of a path; undefined when it is not served. */
export function resourceAt(group: string, version: string, resource: string): Resource | undefined {
  return BY_PATH.get(`${group}/${version}/${resource}`);
}

export function resourceOfKind(apiVersion: string, kind: string): Resource | undefined {
  return BY_KIND.get(`${apiVersion}/${kind}`);
}

export function resourceNamed(group: string, resource: string): Resource | undefined {
  return BY_NAME.get(`${group}/${resource}`);
}

/** Under which name the store keeps its objects. */
export function collectionOf(resource: Resource): string {
  return resource.storedAs ?? (resource.group === '' ? resource.resource : `${resource.resource}.${resource.group}`);
}

export function verbsOf(resource: Resource): readonly string[] {
  if (resource.computed) return ['get', 'list'];
  return resource.createOnly ? ['create'] : ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];
}
