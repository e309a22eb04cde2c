import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { ContainerInfo, TaskInfo } from '../../mesos/index.ts';
import type { Container, EnvVar, Pod } from '../../pod/index.ts';
import { commandOf, escaped } from './command.ts';
import { labelsOf } from './labels.ts';
import { portsOf } from './ports.ts';
import { probesOf } from './probes.ts';
import { Draft } from './draft.ts';
import { parameter } from './parameters.ts';
import { resourcesOf } from './resources.ts';
import { addVolume } from './volumes.ts';

export interface DockerTaskOptions {
  readonly uid: string;
  /** The executor's sandbox; the task gets a directory of its own in it. */
  readonly sandbox: string;
}

/** Where a task finds its sandbox (Mesos docs/docker-containerizer.md). */
const SANDBOX_IN_CONTAINER = '/mnt/mesos/sandbox';
/** Of a task without kill policy, seconds (Mesos include/mesos/v1/mesos.proto, KillPolicy). */
const GRACE_SECONDS = 3;

/**
 * The pod of one container that such a task is, to do what Mesos' Docker containerizer would do (Mesos src/docker/docker.cpp). Throws code
 * `invalid` with everything that a pod cannot do, by its field.
 */
export function podOfDockerTask(task: TaskInfo, { uid, sandbox }: DockerTaskOptions): Pod {
  const name = podNameOf(task.task_id.value);
  const draft = new Draft();
  const container = task.container as ContainerInfo;
  const { docker } = container;
  checkContainer(container, draft);
  const hostNetwork = (docker?.network ?? 'HOST') === 'HOST';
  const { ports, environment } = portsOf(task, draft);
  draft.addVolume(SANDBOX_IN_CONTAINER, { hostPath: { path: join(sandbox, 'tasks', name), type: 'DirectoryOrCreate' } }, 'RW');
  for (const [i, volume] of (container.volumes ?? []).entries()) addVolume(volume, `container.volumes[${i}]`, { sandbox: join(sandbox, 'tasks', name), sandboxInContainer: SANDBOX_IN_CONTAINER }, draft);
  for (const [i, { key, value }] of (docker?.parameters ?? []).entries()) parameter(key, value, `container.docker.parameters[${i}]`, draft);
  const given = commandOf(task.command, draft);
  const env = environmentOf([...environment, { name: 'MESOS_SANDBOX', value: SANDBOX_IN_CONTAINER }, { name: 'MESOS_TASK_ID', value: task.task_id.value }, ...given.env, ...draft.env]);
  const spec: Container = {
    name: 'main',
    image: docker?.image ?? '',
    imagePullPolicy: docker?.force_pull_image === true ? 'Always' : 'IfNotPresent',
    ...given.program,
    ...draft.container,
    env,
    ...(ports.length === 0 ? {} : { ports }),
    ...(container.tty_info === undefined ? {} : { tty: true }),
    resources: resourcesOf(task, draft),
    volumeMounts: draft.mounts,
    securityContext: { ...given.user, ...draft.security, ...(docker?.privileged === true ? { privileged: true } : {}) },
    ...probesOf(task.health_check, hostNetwork, draft),
  };
  draft.done();
  const graceSeconds = task.kill_policy?.grace_period?.nanoseconds;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default', uid, ...labelsOf(task.labels?.labels ?? [], draft.labels) },
    spec: {
      containers: [spec],
      restartPolicy: 'Never',
      terminationGracePeriodSeconds: graceSeconds === undefined ? GRACE_SECONDS : Math.ceil(Number(graceSeconds) / 1e9),
      hostNetwork,
      dnsPolicy: 'Default',
      enableServiceLinks: false,
      automountServiceAccountToken: false,
      volumes: draft.volumes,
      ...(container.hostname === undefined ? {} : { hostname: container.hostname }),
      ...draft.spec,
    },
  };
}

function checkContainer({ type, docker, network_infos, linux_info, rlimit_info }: ContainerInfo, draft: Draft): void {
  if (type !== 'DOCKER') draft.fault('container.type', `${type}: want DOCKER, or a Pod in TaskInfo.data`);
  else if (docker === undefined || docker.image === '') draft.fault('container.docker.image', 'required');
  const network = docker?.network ?? 'HOST';
  if (network !== 'HOST' && network !== 'BRIDGE') draft.fault('container.docker.network', `${network} is not supported: want HOST or BRIDGE`);
  if (docker?.volume_driver !== undefined) draft.fault('container.docker.volume_driver', 'not supported');
  for (const [i, { name, groups = [] }] of (network_infos ?? []).entries()) {
    if (name !== undefined || groups.length > 0) draft.fault(`container.network_infos[${i}]`, 'named networks are not supported');
  }
  if (linux_info !== undefined) draft.fault('container.linux_info', 'not supported');
  if (rlimit_info !== undefined) draft.fault('container.rlimit_info', 'not supported');
}

/** The last one of a name counts, in the place of the first. */
function environmentOf(variables: readonly EnvVar[]): EnvVar[] {
  return [...new Map(variables.map(({ name, value = '' }) => [name, { name, value: escaped(value) }])).values()];
}

const LONGEST_NAME = 63;

/** A name for the pod: the task's id, made fit; where that takes something away, a piece of its digest keeps two tasks apart. */
function podNameOf(taskId: string): string {
  const fit = taskId.toLowerCase().replaceAll(/[^a-z0-9-]+/g, '-').replaceAll(/^-+|-+$/g, '');
  if (fit === taskId && fit.length <= LONGEST_NAME) return fit;
  const digest = createHash('sha256').update(taskId).digest('hex').slice(0, 8);
  const head = fit.slice(0, LONGEST_NAME - 9).replace(/-+$/, '');
  return head === '' ? `task-${digest}` : `${head}-${digest}`;
}
