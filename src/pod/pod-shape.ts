import type { Shape } from './shape.ts';
import { OUTSIDE_VOLUMES, REFUSED_VOLUMES } from './volume-kinds.ts';

/*
 * Every field of a Pod that we read or may pass by, with its type. A field of the spec that is not listed here is one we do not do yet:
 * `rest` makes it a fault. `any` marks what the API server, its controllers or the scheduler handle and a node has no part in.
 * Types: Kubernetes v1.20 staging/src/k8s.io/api/core/v1/types.go.
 */
const string: Shape = { kind: 'string' };
const boolean: Shape = { kind: 'boolean' };
const int32: Shape = { kind: 'int32' };
const int64: Shape = { kind: 'int64' };
const intOrString: Shape = { kind: 'int-or-string' };
const quantity: Shape = { kind: 'quantity' };
const any: Shape = { kind: 'any' };
const unsupported: Shape = { kind: 'unsupported' };
const refused = (why: string): Shape => ({ kind: 'refused', why });
const only = (value: string | boolean): Shape => ({ kind: 'only', value });
const list = (of: Shape): Shape => ({ kind: 'list', of });
const map = (of: Shape): Shape => ({ kind: 'map', of });
const fields = (of: Record<string, Shape>, rest: Shape = unsupported): Shape => ({ kind: 'fields', fields: new Map(Object.entries(of)), rest });
const strings = list(string);

const seLinuxOptions = fields({ user: string, role: string, type: string, level: string });
const windowsOptions = refused('this node runs Linux');
const profile = fields({ type: string, localhostProfile: string });

const handlers = {
  exec: fields({ command: strings }),
  httpGet: fields({ path: string, port: intOrString, host: string, scheme: string, httpHeaders: list(fields({ name: string, value: string })) }),
  tcpSocket: fields({ port: intOrString, host: string }),
};
const hook = fields({ ...handlers, sleep: fields({ seconds: int64 }) });

const probe = fields({
  ...handlers,
  grpc: fields({ port: int32, service: string }),
  initialDelaySeconds: int32,
  timeoutSeconds: int32,
  periodSeconds: int32,
  successThreshold: int32,
  failureThreshold: int32,
  terminationGracePeriodSeconds: int64,
});

const fieldRef = fields({ apiVersion: string, fieldPath: string });
const resourceFieldRef = fields({ containerName: string, resource: string, divisor: quantity });
const keyRef = fields({ name: string, key: string, optional: boolean });
const objectRef = fields({ name: string, optional: boolean });

const envVar = fields({
  name: string,
  value: string,
  valueFrom: fields({
    fieldRef,
    resourceFieldRef,
    secretKeyRef: keyRef,
    configMapKeyRef: keyRef,
  }),
});

const containerFields = {
  name: string,
  image: string,
  command: strings,
  args: strings,
  workingDir: string,
  ports: list(fields({ name: string, containerPort: int32, hostPort: int32, hostIP: string, protocol: string })),
  env: list(envVar),
  envFrom: list(fields({ prefix: string, secretRef: objectRef, configMapRef: objectRef })),
  resources: fields({ limits: map(quantity), requests: map(quantity) }),
  resizePolicy: any,
  volumeMounts: list(
    fields({
      name: string,
      mountPath: string,
      readOnly: boolean,
      recursiveReadOnly: string,
      subPath: string,
      subPathExpr: string,
      mountPropagation: string,
    }),
  ),
  livenessProbe: probe,
  readinessProbe: probe,
  startupProbe: probe,
  lifecycle: fields({ postStart: hook, preStop: hook }),
  terminationMessagePath: string,
  terminationMessagePolicy: string,
  imagePullPolicy: string,
  securityContext: fields({
    allowPrivilegeEscalation: boolean,
    appArmorProfile: profile,
    capabilities: fields({ add: strings, drop: strings }),
    privileged: boolean,
    procMount: string,
    readOnlyRootFilesystem: boolean,
    runAsGroup: int64,
    runAsNonRoot: boolean,
    runAsUser: int64,
    seLinuxOptions,
    seccompProfile: profile,
    windowsOptions,
  }),
  stdin: boolean,
  stdinOnce: boolean,
  tty: boolean,
};
const container = fields(containerFields);
const initContainer = fields({ ...containerFields, restartPolicy: string });

const items = list(fields({ key: string, path: string, mode: int32 }));
const downwardItems = list(fields({ path: string, mode: int32, fieldRef, resourceFieldRef }));
const source = { name: string, items, optional: boolean };

const volume = fields({
  name: string,
  emptyDir: fields({ medium: string, sizeLimit: quantity }),
  ...OUTSIDE_VOLUMES,
  ...REFUSED_VOLUMES,
  secret: fields({ secretName: string, items, optional: boolean, defaultMode: int32 }),
  configMap: fields({ ...source, defaultMode: int32 }),
  downwardAPI: fields({ items: downwardItems, defaultMode: int32 }),
  projected: fields({
    sources: list(
      fields({
        secret: fields(source),
        configMap: fields(source),
        downwardAPI: fields({ items: downwardItems }),
        serviceAccountToken: fields({ audience: string, expirationSeconds: int64, path: string }),
      }),
    ),
    defaultMode: int32,
  }),
});

const nodeRequirements = list(fields({ key: string, operator: string, values: strings }));

/** Of affinities only that to the node concerns us: a scheduler has looked at the others. */
const affinity = fields(
  {
    nodeAffinity: fields(
      { requiredDuringSchedulingIgnoredDuringExecution: fields({ nodeSelectorTerms: list(fields({ matchExpressions: nodeRequirements, matchFields: nodeRequirements })) }) },
      any,
    ),
  },
  any,
);

const spec = fields({
  containers: list(container),
  initContainers: list(initContainer),
  ephemeralContainers: list(fields({ ...containerFields, targetContainerName: string })),
  volumes: list(volume),
  activeDeadlineSeconds: int64,
  affinity,
  automountServiceAccountToken: any,
  dnsConfig: fields({ nameservers: strings, searches: strings, options: list(fields({ name: string, value: string })) }),
  dnsPolicy: string,
  enableServiceLinks: boolean,
  hostAliases: list(fields({ ip: string, hostnames: strings })),
  hostIPC: boolean,
  hostNetwork: boolean,
  hostPID: boolean,
  hostUsers: boolean,
  hostname: string,
  imagePullSecrets: list(fields({ name: string })),
  nodeName: string,
  nodeSelector: map(string),
  os: fields({ name: only('linux') }),
  preemptionPolicy: any,
  priority: int32,
  priorityClassName: any,
  readinessGates: list(fields({ conditionType: string })),
  restartPolicy: string,
  schedulerName: any,
  schedulingGates: refused('a pod with gates is not to run yet'),
  securityContext: fields({
    appArmorProfile: profile,
    fsGroup: int64,
    fsGroupChangePolicy: string,
    runAsGroup: int64,
    runAsNonRoot: boolean,
    runAsUser: int64,
    seLinuxOptions,
    seccompProfile: profile,
    supplementalGroups: list(int64),
    supplementalGroupsPolicy: string,
    sysctls: list(fields({ name: string, value: string })),
    windowsOptions,
  }),
  serviceAccount: string,
  serviceAccountName: string,
  setHostnameAsFQDN: boolean,
  shareProcessNamespace: boolean,
  subdomain: string,
  terminationGracePeriodSeconds: int64,
  tolerations: any,
  topologySpreadConstraints: any,
});

const containerState = fields({
  waiting: fields({ reason: string, message: string }, any),
  running: fields({ startedAt: string }, any),
  terminated: fields({ exitCode: int32, reason: string, message: string, startedAt: string, finishedAt: string }, any),
});

const containerStatuses = list(
  fields({ name: string, restartCount: int32, image: string, imageID: string, containerID: string, state: containerState, lastState: containerState }, any),
);

const status = fields(
  {
    phase: string,
    reason: string,
    message: string,
    startTime: string,
    hostIP: string,
    podIP: string,
    podIPs: list(fields({ ip: string })),
    conditions: list(fields({ type: string, status: string, reason: string, message: string, lastTransitionTime: string }, any)),
    containerStatuses,
    initContainerStatuses: containerStatuses,
    ephemeralContainerStatuses: containerStatuses,
  },
  any,
);

export const POD_SHAPE: Shape = fields({
  apiVersion: string,
  kind: string,
  metadata: fields(
    {
      name: string,
      generateName: string,
      namespace: string,
      uid: string,
      resourceVersion: string,
      labels: map(string),
      annotations: map(string),
      creationTimestamp: string,
      deletionTimestamp: string,
      deletionGracePeriodSeconds: int64,
    },
    any,
  ),
  spec,
  status,
});
