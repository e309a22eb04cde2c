import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';

import { defaultPod, faultText, validatePod, type Container, type Pod, type PodSpec } from '../../../src/pod/index.ts';
import { container, faultsOf, rawPod } from './samples.ts';

/** What is told of a pod with this spec, as in TASK_ERROR. */
function told(spec: unknown, metadata?: Pod['metadata']): string {
  return faultText(faultsOf(rawPod(spec as Partial<PodSpec>, metadata)));
}

function toldOfContainer(more: unknown): string {
  return told({ containers: [container('web', more as Partial<Container>)], volumes: [{ name: 'work', emptyDir: {} }] });
}

describe('a pod that can run', () => {
  test.each<[string, unknown]>([
    ['the least there is', {}],
    ['init containers', { initContainers: [container('setup', { command: ['true'] })] }],
    [
      'a container with all that we do',
      {
        containers: [
          container('web', {
            command: ['sh', '-c', 'echo $(A)'],
            args: ['x'],
            workingDir: '/',
            env: [
              { name: 'A', value: 'x' },
              { name: 'B.c-d_', valueFrom: { fieldRef: { fieldPath: "metadata.labels['app.kubernetes.io/name']" } } },
              { name: 'C', valueFrom: { resourceFieldRef: { resource: 'limits.memory', divisor: '1Mi' } } },
            ],
            ports: [{ name: 'http', containerPort: 80, hostPort: 8080, hostIP: '127.0.0.1' }],
            resources: { limits: { cpu: '1', memory: '64Mi', 'ephemeral-storage': '2Gi' }, requests: { cpu: '100m', 'ephemeral-storage': '1Gi' } },
            livenessProbe: { exec: { command: ['true'] } },
            readinessProbe: { httpGet: { port: 'http', httpHeaders: [{ name: 'X-A', value: 'b' }] }, successThreshold: 2 },
            startupProbe: { tcpSocket: { port: 'not-declared' } },
            lifecycle: { postStart: { exec: { command: ['true'] } }, preStop: { httpGet: { port: 80 } } },
            terminationMessagePolicy: 'FallbackToLogsOnError',
            securityContext: {
              runAsUser: 1000,
              runAsGroup: 1000,
              runAsNonRoot: true,
              privileged: false,
              capabilities: { add: ['NET_ADMIN'], drop: ['ALL'] },
              readOnlyRootFilesystem: true,
              allowPrivilegeEscalation: false,
              seLinuxOptions: { level: 's0' },
              seccompProfile: { type: 'Unconfined' },
              procMount: 'Default',
            },
            volumeMounts: [
              { name: 'work', mountPath: '/work', subPath: 'a/b', mountPropagation: 'HostToContainer' },
              { name: 'host', mountPath: '/host', readOnly: true, subPathExpr: '$(A)/x' },
            ],
            stdin: true,
            stdinOnce: true,
            tty: true,
          }),
        ],
        volumes: [
          { name: 'work', emptyDir: { medium: 'Memory', sizeLimit: '16Mi' } },
          { name: 'host', hostPath: { path: '/tmp', type: 'Directory' } },
          { name: 'plain' },
        ],
      },
    ],
    [
      'pod-wide settings',
      {
        activeDeadlineSeconds: 60,
        dnsPolicy: 'None',
        dnsConfig: { nameservers: ['192.0.2.1'], searches: ['example.org.'], options: [{ name: 'ndots', value: '2' }, { name: 'edns0' }] },
        hostAliases: [{ ip: '::1', hostnames: ['a.b'] }],
        hostname: 'a',
        subdomain: 'b',
        setHostnameAsFQDN: true,
        shareProcessNamespace: true,
        readinessGates: [{ conditionType: 'example.org/ready' }],
        securityContext: { fsGroup: 1, supplementalGroups: [1, 2], sysctls: [{ name: 'net.ipv4.tcp_syncookies', value: '1' }] },
        enableServiceLinks: false,
        os: { name: 'linux' },
      },
    ],
    [
      'what only the scheduler and the API server look at',
      {
        affinity: { nodeAffinity: {} },
        automountServiceAccountToken: false,
        nodeName: 'node-1',
        nodeSelector: { a: 'b' },
        preemptionPolicy: 'Never',
        priority: 10,
        priorityClassName: 'high',
        schedulerName: 'mesos',
        serviceAccountName: 'default',
        tolerations: [{ operator: 'Exists' }],
        topologySpreadConstraints: [{ maxSkew: 1 }],
      },
    ],
    ['nulls, which are absent values', { initContainers: null, volumes: null, hostNetwork: null, imagePullSecrets: null, securityContext: null }],
    ['empty lists of what we do not do', { resourceClaims: [], ephemeralContainers: [] }],
    ['a quantity that is a number', { containers: [container('web', { resources: { limits: { cpu: 0.5 as unknown as string } } })] }],
  ])('is valid: %s', (_name, spec) => {
    expect(told(spec)).toBe('');
  });
});

describe('a pod that cannot run names the field', () => {
  test.each<[string, unknown, string]>([
    ['no containers', { containers: [] }, 'spec.containers: required'],
    ['containers missing', { containers: undefined }, 'spec.containers: required'],
    ['containers that are text', { containers: 'nginx' }, 'spec.containers: must be a list, not a string'],
    ['a container that is text', { containers: ['nginx'] }, 'spec.containers[0]: must be an object, not a string'],
    ['a container that is null', { containers: [null] }, 'spec.containers[0]: must be a value, not null'],
    ['no image', { containers: [{ name: 'web' }] }, 'spec.containers[0].image: required'],
    ['no name', { containers: [{ image: 'nginx' }] }, 'spec.containers[0].name: required'],
    ['a bad name', { containers: [container('Web_1')] }, 'spec.containers[0].name: "Web_1" is not a DNS-1123 label'],
    ['a name twice', { containers: [container('web'), container('web')] }, 'spec.containers[1].name: duplicate value: "web"'],
    ['a name twice, one of an init container', { initContainers: [container('web')] }, 'spec.initContainers[0].name: duplicate value: "web"'],
    ['a probe on an init container', { initContainers: [container('a', { livenessProbe: { exec: { command: ['a'] } } })] }, 'spec.initContainers[0].livenessProbe: must not be set for init containers'],
    ['a restart policy', { restartPolicy: 'Sometimes' }, 'spec.restartPolicy: "Sometimes": must be one of "Always"'],
    ['a DNS policy', { dnsPolicy: 'First' }, 'spec.dnsPolicy: "First": must be one of'],
    ['DNS policy None without servers', { dnsPolicy: 'None' }, 'spec.dnsConfig: required'],
    ['too many nameservers', { dnsConfig: { nameservers: ['1.1.1.1', '1.1.1.2', '1.1.1.3', '1.1.1.4'] } }, 'spec.dnsConfig.nameservers: must not have more than 3'],
    ['a negative grace', { terminationGracePeriodSeconds: -1 }, 'spec.terminationGracePeriodSeconds: -1: must be between 0 and'],
    ['a grace that is text', { terminationGracePeriodSeconds: '30' }, 'spec.terminationGracePeriodSeconds: must be a whole number, not a string'],
    ['a deadline of 0', { activeDeadlineSeconds: 0 }, 'spec.activeDeadlineSeconds: 0: must be between 1'],
    ['a hostname', { hostname: 'a.b' }, 'spec.hostname: "a.b" is not a DNS-1123 label'],
    ['a host alias without address', { hostAliases: [{ ip: 'x' }] }, 'spec.hostAliases[0].ip: "x" is not an IP address'],
    ['both process namespaces', { hostPID: true, shareProcessNamespace: true }, 'spec.shareProcessNamespace: must not be set together with hostPID'],
    ['a volume twice', { volumes: [{ name: 'a' }, { name: 'a' }] }, 'spec.volumes[1].name: duplicate value: "a"'],
    ['a volume of two kinds', { volumes: [{ name: 'a', emptyDir: {}, hostPath: { path: '/a' } }] }, 'spec.volumes[0]: may not specify more than 1 volume type'],
    ['a host path that climbs', { volumes: [{ name: 'a', hostPath: { path: '/a/../b' } }] }, "spec.volumes[0].hostPath.path: \"/a/../b\": must not contain '..'"],
    ['a clash of host ports', { containers: [port('a', 1), port('b', 1)] }, 'spec.containers[1].ports[0].hostPort: duplicate value'],
    ["another host port with the host's network", { hostNetwork: true, containers: [port('a', 1)] }, "spec.containers[0].ports[0].hostPort: must match containerPort"],
  ])('%s', (_name, spec, message) => {
    expect(told(spec)).toContain(message);
  });

  test.each<[string, unknown, string]>([
    ['a bad quantity', { resources: { limits: { memory: '12 bananas' } } }, 'resources.limits[memory]: "12 bananas" is not a quantity'],
    ['a negative quantity', { resources: { requests: { cpu: '-1' } } }, 'resources.requests[cpu]: "-1": must be greater than or equal to 0'],
    ['a request over its limit', { resources: { limits: { cpu: '1' }, requests: { cpu: '1001m' } } }, 'resources.requests[cpu]: "1001m": must be less than or equal to cpu limit'],
    ['an unknown volume in a mount', { volumeMounts: [{ name: 'other', mountPath: '/a' }] }, 'volumeMounts[0].name: not found: "other" is no volume of the pod'],
    ['two mounts in one place', { volumeMounts: [{ name: 'work', mountPath: '/a' }, { name: 'work', mountPath: '/a' }] }, 'volumeMounts[1].mountPath: "/a": must be unique'],
    ['a sub path that climbs', { volumeMounts: [{ name: 'work', mountPath: '/a', subPath: '../b' }] }, "volumeMounts[0].subPath: \"../b\": must not contain '..'"],
    ['an absolute sub path', { volumeMounts: [{ name: 'work', mountPath: '/a', subPath: '/b' }] }, 'volumeMounts[0].subPath: "/b": must be a relative path'],
    ['mounts seen by the host', { volumeMounts: [{ name: 'work', mountPath: '/a', mountPropagation: 'Bidirectional' }] }, 'volumeMounts[0].mountPropagation: Bidirectional'],
    ['a port of 0', { ports: [{ containerPort: 0 }] }, 'ports[0].containerPort: required'],
    ['a port too high', { ports: [{ containerPort: 70_000 }] }, 'ports[0].containerPort: 70000 is not a port'],
    ['a port that is no number', { ports: [{ containerPort: 'http' }] }, 'ports[0].containerPort: must be a whole number, not a string'],
    ['a port name', { ports: [{ containerPort: 1, name: 'a--b' }] }, 'ports[0].name: "a--b" is not a port name'],
    ['a protocol', { ports: [{ containerPort: 1, protocol: 'ICMP' }] }, 'ports[0].protocol: "ICMP": must be one of'],
    ['a variable without name', { env: [{ value: 'x' }] }, 'env[0].name: required'],
    ['a variable name', { env: [{ name: '1A' }] }, 'env[0].name: "1A" is not a variable name'],
    ['an unknown field', { env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath: 'status.phase' } } }] }, 'env[0].valueFrom.fieldRef.fieldPath: "status.phase": must be one of'],
    ['value and source', { env: [{ name: 'A', value: 'x', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }] }, 'env[0].valueFrom: may not be specified when value is not empty'],
    ['a source of nothing', { env: [{ name: 'A', valueFrom: {} }] }, 'env[0].valueFrom: must specify one of'],
    ['a pull policy', { imagePullPolicy: 'Maybe' }, 'imagePullPolicy: "Maybe": must be one of'],
    ['white space around the image', { image: ' nginx' }, 'image: must not have leading or trailing whitespace'],
    ['a probe that does nothing', { livenessProbe: {} }, 'livenessProbe: required: must specify a handler type'],
    ['a probe that does two things', { livenessProbe: { exec: { command: ['a'] }, tcpSocket: { port: 1 } } }, 'livenessProbe: may not specify more than 1'],
    ['a probe without a command', { readinessProbe: { exec: {} } }, 'readinessProbe.exec.command: required'],
    ['a probe of a port that is no name', { readinessProbe: { httpGet: { port: 'no_name' } } }, 'readinessProbe.httpGet.port: "no_name" is not a port name'],
    ['a liveness probe that must succeed twice', { livenessProbe: { tcpSocket: { port: 1 }, successThreshold: 2 } }, 'livenessProbe.successThreshold: must be 1'],
    ['a gRPC probe without a port', { livenessProbe: { grpc: {} } }, 'livenessProbe.grpc.port: 0 is not a port'],
    ['a gRPC probe of a named port', { livenessProbe: { grpc: { port: 'http' } } }, 'livenessProbe.grpc.port: must be a whole number, not a string'],
    ['a gRPC probe that also connects', { livenessProbe: { grpc: { port: 1 }, tcpSocket: { port: 1 } } }, 'livenessProbe: may not specify more than 1'],
    ['a grace of nothing for a liveness probe', { livenessProbe: { tcpSocket: { port: 1 }, terminationGracePeriodSeconds: 0 } }, 'livenessProbe.terminationGracePeriodSeconds: 0: must be between 1'],
    ['a grace for a readiness probe', { readinessProbe: { tcpSocket: { port: 1 }, terminationGracePeriodSeconds: 5 } }, 'readinessProbe.terminationGracePeriodSeconds: must not be set for readiness probes'],
    ['a hook that is a gRPC call', { lifecycle: { preStop: { grpc: { port: 1 } } } }, 'lifecycle.preStop.grpc: not supported yet'],
    ['a probe that sleeps', { livenessProbe: { sleep: { seconds: 1 } } }, 'livenessProbe.sleep: not supported yet'],
    ['a hook that sleeps longer than the grace', { lifecycle: { preStop: { sleep: { seconds: 31 } } } }, "lifecycle.preStop.sleep.seconds: 31: must be between 0 and the pod's terminationGracePeriodSeconds (30)"],
    ['a hook that sleeps backwards', { lifecycle: { postStart: { sleep: { seconds: -1 } } } }, 'lifecycle.postStart.sleep.seconds: -1: must be between 0'],
    ['a hook that sleeps and connects', { lifecycle: { postStart: { sleep: { seconds: 1 }, tcpSocket: { port: 1 } } } }, 'lifecycle.postStart: may not specify more than 1'],
    ['a hook header with a line break', { lifecycle: { preStop: { httpGet: { port: 1, httpHeaders: [{ name: 'A', value: 'a\r\nB: c' }] } } } }, 'lifecycle.preStop.httpGet.httpHeaders[0].value: must be one line'],
    ['a negative user', { securityContext: { runAsUser: -1 } }, 'securityContext.runAsUser: -1: must be between 0'],
    ['a user that is text', { securityContext: { runAsUser: 'root' } }, 'securityContext.runAsUser: must be a whole number, not a string'],
    ['privileged without escalation', { securityContext: { privileged: true, allowPrivilegeEscalation: false } }, 'securityContext: cannot set allowPrivilegeEscalation to false'],
  ])('in a container: %s', (_name, more, message) => {
    expect(toldOfContainer(more)).toContain(`spec.containers[0].${message}`);
  });

  test.each<[string, Pod['metadata'], string]>([
    ['no name', { name: '' }, 'metadata.name: required'],
    ['a name', { name: 'Nginx_1' }, 'metadata.name: "Nginx_1" is not a DNS-1123 subdomain'],
    ['a namespace', { namespace: 'a.b' }, 'metadata.namespace: "a.b" is not a DNS-1123 label'],
    ['a UID that would leave its directory', { uid: '../../etc' }, 'metadata.uid: want letters'],
    ['a label', { labels: { 'a b': 'c' } }, 'metadata.labels: "a b" is not a qualified name'],
    ['a label value', { labels: { a: 'b c' } }, 'metadata.labels[a]: "b c" is not a label value'],
    ['a label that is a number', { labels: { a: 1 as unknown as string } }, 'metadata.labels[a]: must be a string, not a number'],
    ['large annotations', { annotations: { a: 'x'.repeat(300_000) } }, 'metadata.annotations: must have at most 262144 bytes'],
  ])('in the metadata: %s', (_name, metadata, message) => {
    expect(told({}, metadata)).toContain(message);
  });

  it('all faults at once, each once', () => {
    const text = told({ containers: [{ name: 'a', env: 'x' }, { image: 5 }], restartPolicy: [], hostNetwork: 'yes' });
    expect(text.split('; ').sort()).toEqual([
      'spec.containers[0].env: must be a list, not a string',
      'spec.containers[0].image: required',
      'spec.containers[1].image: must be a string, not a number',
      'spec.containers[1].name: required',
      'spec.hostNetwork: must be a boolean, not a string',
      'spec.restartPolicy: must be a string, not a list',
    ]);
  });

  it('a malformed pod without UID is not blamed for that too', () => {
    const malformed = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a' }, spec: { containers: 'x' } } as unknown as Pod;
    expect(faultText(faultsOf(malformed))).toBe('spec.containers: must be a list, not a string');
  });

  it('no more than a readable number of them', () => {
    const text = told({ containers: Array.from({ length: 10_000 }, () => ({})) });
    expect(text.length).toBeLessThan(2000);
    expect(text).toMatch(/and \d+ more$/);
  });

  it('a pod without a spec', () => {
    expect(faultText(faultsOf({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a' } }))).toBe('spec: required');
  });
});

/** Sources of types.go of Kubernetes 1.20 and 1.32 that are none of ours. */
const REFUSED = [
  'gcePersistentDisk', 'awsElasticBlockStore', 'gitRepo', 'iscsi', 'glusterfs', 'rbd', 'flexVolume', 'cinder', 'cephfs', 'flocker', 'fc', 'azureFile',
  'vsphereVolume', 'quobyte', 'azureDisk', 'photonPersistentDisk', 'portworxVolume', 'scaleIO', 'storageos', 'csi', 'ephemeral', 'image',
];

test.each(REFUSED)('a volume of kind %s is refused with a reason', (kind) => {
  expect(told({ volumes: [{ name: 'a', [kind]: {} }] })).toMatch(new RegExp(`^spec\\.volumes\\[0\\]\\.${kind}: not supported: [A-Za-z]`));
});

describe('what we do not do yet is said, never passed over', () => {
  test.each<[string, unknown]>([
    ['spec.runtimeClassName', { runtimeClassName: 'gvisor' }],
    ['spec.overhead', { overhead: { cpu: '1' } }],
    ['spec.resourceClaims', { resourceClaims: [{ name: 'a' }] }],
    ['spec.somethingNew', { somethingNew: { x: 1 } }],
    ['spec.containers[0].volumeDevices', { containers: [container('a', { volumeDevices: [{ name: 'b', devicePath: '/c' }] })] }],
    ['spec.containers[0].resources.limits[nvidia.com/gpu]', { containers: [container('a', { resources: { limits: { 'nvidia.com/gpu': '1' } } })] }],
    ['spec.containers[0].restartPolicy', { containers: [container('a', { restartPolicy: 'Always' })] }],
  ])('%s', (field, spec) => {
    expect(told(spec)).toContain(`${field}: not supported yet`);
  });

  test.each<[string, unknown]>([
    ['spec.os.name: "windows" is not supported yet', { os: { name: 'windows' } }],
  ])('%s', (message, spec) => {
    expect(told(spec)).toContain(message);
  });
});

describe('defaults and validation of anything', () => {
  const keys = fc.constantFrom('metadata', 'name', 'spec', 'containers', 'initContainers', 'image', 'env', 'volumes', 'volumeMounts', 'emptyDir', 'resources', 'limits', 'ports', 'livenessProbe', 'httpGet', 'valueFrom', 'fieldRef', 'securityContext', 'status', 'containerStatuses', 'labels', 'hostAliases', 'dnsConfig', 'lifecycle', 'secret', 'configMap', 'projected', 'sources', 'downwardAPI', 'items', 'envFrom', 'secretRef', '__proto__', 'constructor');
  const leaf = fc.oneof(fc.constantFrom(null, true, 0, -1, 1.5, 1e300, '', 'a', '$(', '12 bananas', '1Gi'), fc.string(), fc.integer());
  const json = fc.letrec((tie) => ({
    value: fc.oneof({ depthSize: 'medium' }, leaf, fc.array(tie('value'), { maxLength: 3 }), fc.dictionary(keys, tie('value'), { maxKeys: 4 })),
  })).value;

  it('never throws, and says something of what is no pod', () => {
    fc.assert(
      fc.property(json, (value) => {
        const result = validatePod(defaultPod(value as Pod, { uid: 'u' }));
        expect('faults' in result && result.faults.length > 0).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('never throws on a pod with one part replaced by anything', () => {
    const part = fc.constantFrom('metadata', 'spec', 'status', 'kind');
    const field = fc.constantFrom('containers', 'initContainers', 'volumes', 'dnsConfig', 'securityContext', 'hostAliases', 'nodeName', 'readinessGates', 'hostname');
    fc.assert(
      fc.property(part, field, json, json, fc.boolean(), (outer, inner, outerValue, innerValue, deep) => {
        const value = deep ? rawPod({ [inner]: innerValue }) : { ...rawPod(), [outer]: outerValue };
        const result = validatePod(defaultPod(value, { uid: 'u' }));
        if ('faults' in result) expect(faultText(result.faults)).toMatch(/^[a-zA-Z].*: /);
        else expect(Array.isArray(result.pod.spec.containers)).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });

  it('does not let a pod change what other objects inherit', () => {
    defaultPod(JSON.parse('{"apiVersion":"v1","kind":"Pod","metadata":{"labels":{"__proto__":{"polluted":"yes"}}},"__proto__":{"polluted":1}}') as Pod, { uid: 'u' });
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });
});
function port(name: string, hostPort: number): Container {
  return container(name, { ports: [{ containerPort: 80, hostPort }] });
}

describe('what comes from the API', () => {
  const volume = (source: object): object => ({ volumes: [{ name: 'a', ...source }] });
  const item = (more: object): object => ({ key: 'k', path: 'p', ...more });
  const env = (valueFrom: object): object => ({ containers: [container('a', { env: [{ name: 'A', valueFrom }] })] });
  const envFrom = (source: object): object => ({ containers: [container('a', { envFrom: [source] })] });
  const mounted = (mount: object): object => ({ containers: [container('a', { volumeMounts: [{ name: 'a', mountPath: '/a', ...mount }] })], volumes: [{ name: 'a' }] });
  const projected = (...sources: object[]): object => volume({ projected: { sources } });

  test.each<[string, unknown]>([
    ['spec.volumes[0].secret.secretName: required', volume({ secret: {} })],
    ['spec.volumes[0].secret.defaultMode: 512: must be a number between 0 and 0777', volume({ secret: { secretName: 's', defaultMode: 0o1000 } })],
    ['spec.volumes[0].secret.items[0].mode: -1: must be a number between 0 and 0777', volume({ secret: { secretName: 's', items: [item({ mode: -1 })] } })],
    ['spec.volumes[0].secret.items[0].key: required', volume({ secret: { secretName: 's', items: [{ path: 'p' }] } })],
    ['spec.volumes[0].configMap.name: required', volume({ configMap: {} })],
    ['spec.volumes[0].configMap.items[0].path: required', volume({ configMap: { name: 'c', items: [{ key: 'k' }] } })],
    ['spec.volumes[0].configMap.items[0].path: "/p": must be a relative path', volume({ configMap: { name: 'c', items: [item({ path: '/p' })] } })],
    [`spec.volumes[0].configMap.items[0].path: "a/../b": must not contain '..'`, volume({ configMap: { name: 'c', items: [item({ path: 'a/../b' })] } })],
    [`spec.volumes[0].configMap.items[0].path: "..data": must not start with '..'`, volume({ configMap: { name: 'c', items: [item({ path: '..data' })] } })],
    ['spec.volumes[0]: may not specify more than 1 volume type', volume({ configMap: { name: 'c' }, secret: { secretName: 's' } })],
    ['spec.volumes[0].downwardAPI.items[0]: required: one of fieldRef and resourceFieldRef', volume({ downwardAPI: { items: [{ path: 'p' }] } })],
    ['spec.volumes[0].downwardAPI.items[0].fieldRef.fieldPath: "status.podIP": must be one of', volume({ downwardAPI: { items: [{ path: 'p', fieldRef: { fieldPath: 'status.podIP' } }] } })],
    ['spec.volumes[0].downwardAPI.items[0].resourceFieldRef.containerName: required', volume({ downwardAPI: { items: [{ path: 'p', resourceFieldRef: { resource: 'limits.cpu' } }] } })],
    ['spec.volumes[0].projected.sources[0].serviceAccountToken.path: required', projected({ serviceAccountToken: {} })],
    ['spec.volumes[0].projected.sources[0].serviceAccountToken.expirationSeconds: 599: must be between 600', projected({ serviceAccountToken: { path: 't', expirationSeconds: 599 } })],
    ['spec.volumes[0].projected.sources[0]: may not specify more than 1 volume type', projected({ secret: { name: 's' }, configMap: { name: 'c' } })],
    ['spec.volumes[0].projected.sources[1]: "p": conflicting duplicate paths', projected({ secret: { name: 's', items: [item({})] } }, { configMap: { name: 'c', items: [item({})] } })],
    ['spec.volumes[0].nfs.server: required', volume({ nfs: { path: '/' } })],
    ['spec.volumes[0].nfs.path: "a": must be an absolute path', volume({ nfs: { server: 's', path: 'a' } })],
    ['spec.volumes[0].persistentVolumeClaim.claimName: required', volume({ persistentVolumeClaim: {} })],
    ['spec.volumes[0].persistentVolumeClaim.claimName: "A_B" is not a DNS-1123 subdomain', volume({ persistentVolumeClaim: { claimName: 'A_B' } })],
    ['spec.volumes[0]: may not specify more than 1 volume type', volume({ persistentVolumeClaim: { claimName: 'c' }, emptyDir: {} })],
    ['spec.volumes[0].emptyDir.medium: "HugePages-2Mi" is not supported: huge pages are not handed out', volume({ emptyDir: { medium: 'HugePages-2Mi' } })],
    ['spec.securityContext.fsGroupChangePolicy: "Never": must be one of', { securityContext: { fsGroup: 1, fsGroupChangePolicy: 'Never' } }],
    ['spec.containers[0].volumeMounts[0].recursiveReadOnly: may only be specified when readOnly is true', mounted({ recursiveReadOnly: 'IfPossible' })],
    ['spec.containers[0].volumeMounts[0].recursiveReadOnly: "Enabled" is not supported', mounted({ readOnly: true, recursiveReadOnly: 'Enabled' })],
    ['spec.containers[0].volumeMounts[0].recursiveReadOnly: may only be specified when mountPropagation is None', mounted({ readOnly: true, recursiveReadOnly: 'IfPossible', mountPropagation: 'HostToContainer' })],
    ['spec.volumes[0].projected.sources[0].clusterTrustBundle: not supported yet', projected({ clusterTrustBundle: { path: 'p' } })],
    ['spec.containers[0].env[0].valueFrom: may not have more than one field', env({ secretKeyRef: { name: 's', key: 'k' }, configMapKeyRef: { name: 's', key: 'k' } })],
    ['spec.containers[0].env[0].valueFrom: must specify one of', env({})],
    ['spec.containers[0].env[0].valueFrom.secretKeyRef.name: required', env({ secretKeyRef: { key: 'k' } })],
    ['spec.containers[0].env[0].valueFrom.configMapKeyRef.key: required', env({ configMapKeyRef: { name: 'c' } })],
    ['spec.containers[0].env[0].valueFrom.configMapKeyRef.key: "a/b" is not a key', env({ configMapKeyRef: { name: 'c', key: 'a/b' } })],
    ['spec.containers[0].envFrom[0]: must specify one of: configMapRef or secretRef', envFrom({ prefix: 'A' })],
    ['spec.containers[0].envFrom[0]: may not have more than one field', envFrom({ secretRef: { name: 'a' }, configMapRef: { name: 'b' } })],
    ['spec.containers[0].envFrom[0].prefix: "1" is not a variable name', envFrom({ prefix: '1', secretRef: { name: 'a' } })],
    ['spec.containers[0].envFrom[0].secretRef.name: "A_B" is not a DNS-1123 subdomain', envFrom({ secretRef: { name: 'A_B' } })],
  ])('%s', (text, spec) => {
    expect(told(spec)).toContain(text);
  });

  test.each<[string, unknown]>([
    ['a token as API servers of today give it to every pod', projected({ serviceAccountToken: { path: 'token', expirationSeconds: 3607 } }, { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } }, { downwardAPI: { items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }] } })],
    ['a token as API servers of 1.20 do', volume({ secret: { secretName: 'default-token-x', defaultMode: 420 } })],
    ['a claim', volume({ persistentVolumeClaim: { claimName: 'data.1', readOnly: true } })],
    ['a directory of a file server', volume({ nfs: { server: 'files', path: '/export', readOnly: true } })],
    ['a mount that is to be read-only all through where that is possible', mounted({ readOnly: true, recursiveReadOnly: 'IfPossible' })],
    ['a group that is set only where it is another', { securityContext: { fsGroup: 1, fsGroupChangePolicy: 'OnRootMismatch' } }],
    ['names that only look dangerous', volume({ configMap: { name: 'c', items: [item({ path: 'a..b/..c' })] } })],
    ['variables of an object that may be missing', envFrom({ prefix: 'A_', configMapRef: { name: 'c', optional: true } })],
  ])('%s is fine', (_what, spec) => {
    expect(told(spec)).toBe('');
  });
});
