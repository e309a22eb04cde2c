import { describe, expect, it, test } from 'vitest';
import { podOfDockerTask } from '../../../src/executor/docker-task/pod-of-docker-task.ts';
import type { ContainerInfoDockerInfo, TaskInfo } from '../../../src/mesos/index.ts';
import { type Container, defaultPod, type PodSpec, validatePod } from '../../../src/pod/index.ts';

type Task = Omit<Partial<TaskInfo>, 'container'> & { docker?: Partial<ContainerInfoDockerInfo>; container?: Partial<NonNullable<TaskInfo['container']>> };

function given({ docker, container, ...more }: Task = {}): TaskInfo {
  return {
    name: 'web', task_id: { value: 'web.1' }, agent_id: { value: 'a' },
    container: { type: 'DOCKER', docker: { image: 'nginx', ...docker }, ...container },
    ...more,
  };
}

/** The pod, which must be valid: nothing of the translation may be refused later. */
function podOf(task: Task): { spec: PodSpec; main: Container; metadata: { name?: string; labels?: Record<string, string>; annotations?: Record<string, string> } } {
  const result = validatePod(defaultPod(podOfDockerTask(given(task), { uid: 'u-1', sandbox: '/sandbox' }), { uid: 'u-1' }));
  if ('faults' in result) throw new Error(JSON.stringify(result.faults));
  const { spec, metadata } = result.pod;
  return { spec, main: spec.containers[0] as Container, metadata };
}

const faultsOf = (task: Task): string => {
  try {
    podOfDockerTask(given(task), { uid: 'u-1', sandbox: '/sandbox' });
    return '';
  } catch (error) {
    return (error as Error).message;
  }
};

const scalar = (name: string, value: number): NonNullable<TaskInfo['resources']>[number] => ({ name, type: 'SCALAR', scalar: { value } });
const ports = (...range: { begin: number; end: number }[]): NonNullable<TaskInfo['resources']>[number] => ({ name: 'ports', type: 'RANGES', ranges: { range } });
const env = ({ main }: { main: Container }): Record<string, string | undefined> => Object.fromEntries((main.env ?? []).map(({ name, value }) => [name, value]));
const mounts = ({ main, spec }: { main: Container; spec: PodSpec }): Record<string, unknown> =>
  Object.fromEntries((main.volumeMounts ?? []).map(({ mountPath, name, readOnly }) => {
    const { path, type } = spec.volumes?.find((volume) => volume.name === name)?.hostPath ?? {};
    return [mountPath, [...(path === undefined ? ['empty'] : [path, type]), readOnly ?? false]];
  }));

describe('what is run', () => {
  test.each<[string, Task['command'], Partial<Container>]>([
    ['what the image says', undefined, {}],
    ['what the image says, with an empty command', { shell: false }, {}],
    ['a shell command', { value: 'echo $HOME' }, { command: ['/bin/sh', '-c', 'echo $$HOME'] }],
    ['arguments of the entrypoint', { shell: false, arguments: ['-g', '$(x)'] }, { args: ['-g', '$$(x)'] }],
    ['a value, which is the first argument', { shell: false, value: 'nginx', arguments: ['-T'] }, { args: ['nginx', '-T'] }],
  ])('%s', (_what, command, expected) => {
    const { main } = podOf(command === undefined ? {} : { command });
    expect({ command: main.command, args: main.args }).toEqual({ command: undefined, args: undefined, ...expected });
  });

  it('is one container that ends for good, with the grace of Mesos', () => {
    expect(podOf({}).spec).toMatchObject({ restartPolicy: 'Never', terminationGracePeriodSeconds: 3, hostNetwork: true, dnsPolicy: 'Default' });
    expect(podOf({ kill_policy: { grace_period: { nanoseconds: 7_500_000_000 } } }).spec.terminationGracePeriodSeconds).toBe(8);
    expect(podOf({}).main.imagePullPolicy).toBe('IfNotPresent');
    expect(podOf({ docker: { force_pull_image: true, privileged: true } }).main).toMatchObject({ imagePullPolicy: 'Always', securityContext: { privileged: true } });
  });

  test.each([['root', undefined], ['1000', 1000], [undefined, undefined]])('as user %s', (user, runAsUser) => {
    expect(podOf({ command: { shell: false, ...(user !== undefined && { user }) } }).main.securityContext?.runAsUser).toBe(runAsUser);
  });
});

describe('names', () => {
  test.each<[string, RegExp]>([
    ['plain-1', /^plain-1$/],
    ['web.instance-0A', /^web-instance-0a-[0-9a-f]{8}$/],
    ['___', /^task-[0-9a-f]{8}$/],
    ['x'.repeat(200), /^x{54}-[0-9a-f]{8}$/],
  ])('%s', (value, name) => {
    expect(podOf({ task_id: { value } }).metadata.name).toMatch(name);
  });
  it('of two tasks differ even where their characters that fit do not', () => {
    expect(podOf({ task_id: { value: 'a.b' } }).metadata.name).not.toBe(podOf({ task_id: { value: 'a_b' } }).metadata.name);
  });
});

it('the environment is the command\'s, as it is, beside what Mesos sets', () => {
  const variables = [{ name: 'A', value: '$(B) $$' }, { name: 'PORT0', value: 'mine' }, { name: 'A', value: '$x' }];
  const pod = podOf({ command: { shell: false, environment: { variables } }, resources: [ports({ begin: 31000, end: 31001 }, { begin: 31010, end: 31010 })] });
  expect(env(pod)).toEqual({ A: '$$x', PORT0: 'mine', PORT1: '31001', PORT2: '31010', PORT: '31000', PORTS: '31000,31001,31010', MESOS_SANDBOX: '/mnt/mesos/sandbox', MESOS_TASK_ID: 'web.1' });
});

test.each<[string, Task, PodSpec['containers'][number]['resources']]>([
  ['shares of CPU, and memory as a limit', { resources: [scalar('cpus', 0.1), scalar('mem', 32)] }, { requests: { cpu: '100m', memory: '33554432' }, limits: { memory: '33554432' } }],
  ['several roles together', { resources: [scalar('cpus', 1), scalar('cpus', 0.5)] }, { requests: { cpu: '1500m' }, limits: {} }],
  ['limits of their own', { resources: [scalar('cpus', 1), scalar('mem', 32)], limits: { cpus: { value: 2 }, mem: { value: 64 } } }, { requests: { cpu: '1000m', memory: '33554432' }, limits: { cpu: '2000m', memory: '67108864' } }],
  ['no limit', { resources: [scalar('mem', 32)], limits: { cpus: { value: Infinity }, mem: { value: Infinity } } }, { requests: { memory: '33554432' }, limits: {} }],
])('resources: %s', (_what, task, expected) => {
  const draft = podOfDockerTask(given(task), { uid: 'u', sandbox: '/s' });
  expect(draft.spec?.containers[0]?.resources).toEqual(expected);
});

it('ports of a bridge are host ports', () => {
  const { main, spec } = podOf({ docker: { network: 'BRIDGE', port_mappings: [{ host_port: 31000, container_port: 80 }, { host_port: 31001, container_port: 53, protocol: 'udp' }] }, resources: [ports({ begin: 31000, end: 31001 })] });
  expect(spec.hostNetwork).toBe(false);
  expect(main.ports).toEqual([{ containerPort: 80, hostPort: 31000, protocol: 'TCP' }, { containerPort: 53, hostPort: 31001, protocol: 'UDP' }]);
});

it('volumes are paths of the node, in the sandbox, or empty', () => {
  const pod = podOf({
    container: {
      volumes: [
        { container_path: '/data', host_path: '/srv/data', mode: 'RO' },
        { container_path: 'cache', host_path: 'c', mode: 'RW' },
        { container_path: '/tmp/x', mode: 'RW' },
        { container_path: '/src', mode: 'RW', source: { type: 'HOST_PATH', host_path: { path: '/src' } } },
        { container_path: '/own', mode: 'RW', source: { type: 'SANDBOX_PATH', sandbox_path: { type: 'SELF', path: 'o' } } },
      ],
    },
    docker: { parameters: [{ key: 'volume', value: '/etc/x:/x:ro' }] },
  });
  const sandbox = `/sandbox/tasks/${pod.metadata.name ?? ''}`;
  expect(mounts(pod)).toEqual({
    '/mnt/mesos/sandbox': [sandbox, 'DirectoryOrCreate', false], '/data': ['/srv/data', '', true], '/mnt/mesos/sandbox/cache': [`${sandbox}/c`, 'DirectoryOrCreate', false],
    '/tmp/x': ['empty', false], '/src': ['/src', '', false], '/own': [`${sandbox}/o`, 'DirectoryOrCreate', false], '/x': ['/etc/x', '', true],
  });
});

it('labels are annotations, and labels where they can be', () => {
  const { metadata } = podOf({ labels: { labels: [{ key: 'HAPROXY_GROUP', value: 'external' }, { key: 'vhost', value: 'a b' }, { key: 'bad key!', value: 'x' }] }, docker: { parameters: [{ key: 'label', value: 'team=a' }] } });
  expect(metadata.labels).toEqual({ HAPROXY_GROUP: 'external', team: 'a' });
  expect(metadata.annotations).toEqual({ HAPROXY_GROUP: 'external', vhost: 'a b', team: 'a', 'km.mesos/labels': '{"bad key!":"x"}' });
});

describe('parameters', () => {
  const withParameters = (...parameters: [string, string][]): Task => ({ docker: { parameters: parameters.map(([key, value]) => ({ key, value })) } });
  test.each<[string, [string, string][], Partial<Container>, Partial<PodSpec>]>([
    ['capabilities', [['cap-add', 'NET_ADMIN'], ['cap-add', 'SYS_TIME'], ['cap-drop', 'ALL']], { securityContext: { capabilities: { add: ['NET_ADMIN', 'SYS_TIME'], drop: ['ALL'] } } }, {}],
    ['a user and group', [['user', '7:8']], { securityContext: { runAsUser: 7, runAsGroup: 8 } }, {}],
    ['root', [['u', 'root']], { securityContext: { runAsUser: 0 } }, {}],
    ['a directory and an entrypoint', [['workdir', '/w'], ['entrypoint', '/go$']], { workingDir: '/w', command: ['/go$$'] }, {}],
    ['flags', [['read-only', 'true'], ['tty', ''], ['privileged', 'false']], { tty: true, securityContext: { readOnlyRootFilesystem: true } }, {}],
    ['names', [['hostname', 'h'], ['add-host', 'a:1.2.3.4']], {}, { hostname: 'h', hostAliases: [{ ip: '1.2.3.4', hostnames: ['a'] }] }],
    ['DNS', [['dns', '1.1.1.1'], ['dns-search', 'x.y'], ['dns-opt', 'ndots:2']], {}, { dnsPolicy: 'None', dnsConfig: { nameservers: ['1.1.1.1'], searches: ['x.y'], options: [{ name: 'ndots', value: '2' }] } }],
    ['namespaces', [['pid', 'host'], ['ipc', 'host']], {}, { hostPID: true, hostIPC: true }],
    ['groups', [['group-add', '5'], ['group-add', '6']], {}, { securityContext: { supplementalGroups: [5, 6] } }],
    ['no new privileges', [['security-opt', 'no-new-privileges']], { securityContext: { allowPrivilegeEscalation: false } }, {}],
  ])('%s', (_what, parameters, container, spec) => {
    const pod = podOf(withParameters(...parameters));
    expect(pod.main).toMatchObject(container);
    expect(pod.spec).toMatchObject(spec);
  });

  it('that set variables come last', () => {
    expect(env(podOf({ ...withParameters(['env', 'A=2=3']), command: { shell: false, environment: { variables: [{ name: 'A', value: '1' }] } } }))['A']).toBe('2=3');
  });

  test.each<[string, string, string]>([
    ['ulimit', 'nofile=1', 'container.docker.parameters[0].key: ulimit is not supported'],
    ['constructor', 'x', 'container.docker.parameters[0].key: constructor is not supported'],
    ['env', 'A', 'container.docker.parameters[0].value: env: want NAME=VALUE'],
    ['user', 'www', 'container.docker.parameters[0].value: user: want UID or UID:GID in numbers'],
    ['volume', 'named:/x', 'container.docker.parameters[0].value: volume: named volumes are not supported: want an absolute path'],
    ['volume', '/a:/b:nocopy', 'container.docker.parameters[0].value: volume: mode nocopy is not supported'],
    ['tty', 'maybe', 'container.docker.parameters[0].value: tty: want true or false'],
    ['pid', 'container:x', 'container.docker.parameters[0].value: pid: want host'],
  ])('%s=%s is refused', (key, value, message) => {
    expect(faultsOf(withParameters([key, value]))).toBe(message);
  });
});

describe('health checks', () => {
  it('are readiness at once, and liveness after so many failures behind the grace period', () => {
    const { main } = podOf({ health_check: { type: 'COMMAND', command: { value: 'test -f /ok' }, delay_seconds: 2, interval_seconds: 0.5, timeout_seconds: 1.5, consecutive_failures: 5, grace_period_seconds: 60 } });
    const both = { exec: { command: ['/bin/sh', '-c', 'test -f /ok'] }, periodSeconds: 1, timeoutSeconds: 2, successThreshold: 1 };
    expect(main.readinessProbe).toMatchObject({ ...both, initialDelaySeconds: 2, failureThreshold: 1 });
    expect(main.livenessProbe).toMatchObject({ ...both, initialDelaySeconds: 60, failureThreshold: 5 });
  });

  test.each<[string, Task, object]>([
    ['HTTP in the host\'s network', { health_check: { type: 'HTTP', http: { port: 8080, path: '/h', scheme: 'https' } } }, { httpGet: { port: 8080, path: '/h', scheme: 'HTTPS', host: '127.0.0.1' }, initialDelaySeconds: 15, periodSeconds: 10, timeoutSeconds: 20 }],
    ['HTTP behind a bridge', { docker: { network: 'BRIDGE' }, health_check: { type: 'HTTP', http: { port: 80 } } }, { httpGet: { port: 80, path: '/', scheme: 'HTTP' } }],
    ['TCP', { health_check: { type: 'TCP', tcp: { port: 80 } } }, { tcpSocket: { port: 80, host: '127.0.0.1' } }],
    ['a command without shell', { health_check: { type: 'COMMAND', command: { shell: false, value: '/check', arguments: ['-q'] } } }, { exec: { command: ['/check', '-q'] } }],
    ['of old, without a type', { health_check: { http: { port: 1 } } }, { httpGet: { port: 1 } }],
    ['without time limit', { health_check: { tcp: { port: 1 }, timeout_seconds: 0 } }, { timeoutSeconds: 3600 }],
  ])('%s', (_what, task, probe) => {
    expect(podOf(task).main.readinessProbe).toMatchObject(probe);
  });
});

test.each<[string, Task, string]>([
  ['no image', { docker: { image: '' } }, 'container.docker.image: required'],
  ['another containerizer', { container: { type: 'MESOS' } }, 'container.type: MESOS: want DOCKER, or a Pod in TaskInfo.data'],
  ['no network', { docker: { network: 'NONE' } }, 'container.docker.network: NONE is not supported: want HOST or BRIDGE'],
  ['a named network', { container: { network_infos: [{ name: 'n' }] } }, 'container.network_infos[0]: named networks are not supported'],
  ['mappings without bridge', { docker: { port_mappings: [{ host_port: 1, container_port: 1 }] }, resources: [ports({ begin: 1, end: 1 })] }, 'container.docker.port_mappings: only with network BRIDGE'],
  ['a port of somebody else', { docker: { network: 'BRIDGE', port_mappings: [{ host_port: 2, container_port: 1 }] }, resources: [ports({ begin: 1, end: 1 })] }, "container.docker.port_mappings[0].host_port: 2 is not among the task's resources"],
  ['a secret', { command: { shell: false, environment: { variables: [{ name: 'S', type: 'SECRET' }] } } }, 'command.environment.variables[0]: SECRET is not supported: only values are'],
  ['URIs', { command: { shell: false, uris: [{ value: 'http://x/y' }] } }, 'command.uris: not supported: nobody fetches them; those of ExecutorInfo.command are in the sandbox of the executor'],
  ['a shell without command', { command: {} }, 'command.value: required with command.shell'],
  ['a user by name', { command: { shell: false, user: 'www' } }, "command.user: \"www\": want a number, or root for the image's user"],
  ['GPUs', { resources: [scalar('gpus', 1)] }, 'resources[gpus]: not supported'],
  ['a path out of the sandbox', { container: { volumes: [{ container_path: 'x', host_path: '../../etc', mode: 'RW' }] } }, 'container.volumes[0].host_path: "../../etc" leaves the sandbox'],
  ['a Docker volume', { container: { volumes: [{ container_path: '/x', mode: 'RW', source: { type: 'DOCKER_VOLUME', docker_volume: { name: 'v' } } }] } }, 'container.volumes[0].source.type: DOCKER_VOLUME is not supported'],
])('%s is refused by its field', (_what, task, message) => {
  expect(faultsOf(task)).toBe(message);
});

it('every fault is named at once', () => {
  expect(faultsOf({ docker: { image: '', network: 'USER' } }).split('; ')).toHaveLength(2);
});
