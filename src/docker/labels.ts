import type { PodIdentity, ValidPod } from '../pod/index.ts';
import type { ContainerInput, Owner, SandboxInput } from './inputs.ts';
import { SANDBOX_CONTAINER_NAME } from './names.ts';

/**
 * Labels of our containers. The `io.kubernetes.` ones are those of the kubelet with Docker (Kubernetes v1.20
 * pkg/kubelet/types/labels.go, kuberuntime/labels.go; annotations carry the prefix `annotation.`, dockershim/helpers.go),
 * so that tools which read them go on working; the `km.mesos.` ones let an executor know its own again after a restart.
 */
export const LABELS = {
  podName: 'io.kubernetes.pod.name',
  podNamespace: 'io.kubernetes.pod.namespace',
  podUid: 'io.kubernetes.pod.uid',
  containerName: 'io.kubernetes.container.name',
  type: 'io.kubernetes.docker.type',
  sandboxId: 'io.kubernetes.sandbox.id',
  logPath: 'io.kubernetes.container.logpath',
  hash: 'annotation.io.kubernetes.container.hash',
  restartCount: 'annotation.io.kubernetes.container.restartCount',
  terminationMessagePath: 'annotation.io.kubernetes.container.terminationMessagePath',
  terminationMessagePolicy: 'annotation.io.kubernetes.container.terminationMessagePolicy',
  preStopHandler: 'annotation.io.kubernetes.container.preStopHandler',
  ports: 'annotation.io.kubernetes.container.ports',
  deletionGracePeriod: 'annotation.io.kubernetes.pod.deletionGracePeriod',
  terminationGracePeriod: 'annotation.io.kubernetes.pod.terminationGracePeriod',
  taskId: 'km.mesos.task-id',
  frameworkId: 'km.mesos.framework-id',
  executorId: 'km.mesos.executor-id',
  hashVersion: 'km.mesos.hash-version',
  image: 'km.mesos.image',
  imageId: 'km.mesos.image-id',
  terminationMessageFile: 'km.mesos.termination-message-file',
} as const;


const SANDBOX_TYPE = 'podsandbox';
const CONTAINER_TYPE = 'container';

function podLabels(pod: ValidPod, owner: Owner): Record<string, string> {
  const { name, namespace, uid, deletionGracePeriodSeconds } = pod.metadata;
  return {
    [LABELS.podName]: name,
    [LABELS.podNamespace]: namespace,
    [LABELS.podUid]: uid,
    [LABELS.terminationGracePeriod]: String(pod.spec.terminationGracePeriodSeconds),
    ...(deletionGracePeriodSeconds !== undefined && { [LABELS.deletionGracePeriod]: String(deletionGracePeriodSeconds) }),
    [LABELS.taskId]: owner.taskId,
    [LABELS.frameworkId]: owner.frameworkId,
    [LABELS.executorId]: owner.executorId,
  };
}

export function sandboxLabels({ pod, owner, attempt, image }: SandboxInput): Record<string, string> {
  return {
    ...podLabels(pod, owner),
    [LABELS.type]: SANDBOX_TYPE,
    [LABELS.containerName]: SANDBOX_CONTAINER_NAME,
    [LABELS.restartCount]: String(attempt),
    [LABELS.image]: image,
  };
}

export function containerLabels(input: ContainerInput): Record<string, string> {
  const { container } = input;
  return {
    ...podLabels(input.pod, input.owner),
    [LABELS.type]: CONTAINER_TYPE,
    [LABELS.containerName]: container.name,
    [LABELS.sandboxId]: input.sandboxId,
    [LABELS.logPath]: input.logPath,
    [LABELS.hash]: input.hash,
    [LABELS.hashVersion]: input.hashVersion,
    [LABELS.restartCount]: String(input.attempt),
    [LABELS.terminationMessagePath]: container.terminationMessagePath ?? '',
    [LABELS.terminationMessagePolicy]: container.terminationMessagePolicy ?? '',
    [LABELS.terminationMessageFile]: input.terminationMessageFile,
    ...(container.lifecycle?.preStop !== undefined && { [LABELS.preStopHandler]: JSON.stringify(container.lifecycle.preStop) }),
    ...(container.ports !== undefined && container.ports.length > 0 && { [LABELS.ports]: JSON.stringify(container.ports) }),
    [LABELS.image]: input.image.name,
    [LABELS.imageId]: input.image.statusId,
  };
}

/** What a container's labels tell about it; enough to adopt it after a restart of ours. */
export interface ReadLabels {
  readonly kind: 'sandbox' | 'container';
  readonly pod: PodIdentity;
  readonly owner: Owner;
  /** Name in the pod spec; `POD` for a sandbox. */
  readonly name: string;
  readonly attempt: number;
  readonly sandboxId?: string;
  readonly hash: string;
  readonly hashVersion: string;
  readonly logPath: string;
  readonly image: string;
  readonly imageId: string;
  readonly terminationMessagePolicy: string;
  readonly terminationMessageFile: string;
  /** Seconds. */
  readonly terminationGracePeriodSeconds?: number;
  /** The preStop handler as JSON. */
  readonly preStopHandler?: string;
}

/** `undefined` when the labels are not those of a container of ours: it is then none of our business. */
export function readLabels(labels: Readonly<Record<string, string>>): ReadLabels | undefined {
  const text = (key: keyof typeof LABELS): string => labels[LABELS[key]] ?? '';
  const kind = text('type') === SANDBOX_TYPE ? 'sandbox' : text('type') === CONTAINER_TYPE ? 'container' : undefined;
  if (kind === undefined || text('podUid') === '' || text('containerName') === '' || text('taskId') === '') return undefined;
  const grace = wholeNumber(text('terminationGracePeriod'));
  return {
    kind,
    pod: { uid: text('podUid'), namespace: text('podNamespace'), name: text('podName') },
    owner: { taskId: text('taskId'), frameworkId: text('frameworkId'), executorId: text('executorId') },
    name: text('containerName'),
    attempt: wholeNumber(text('restartCount')) ?? 0,
    ...(kind === 'container' && { sandboxId: text('sandboxId') }),
    hash: text('hash'),
    hashVersion: text('hashVersion'),
    logPath: text('logPath'),
    image: text('image'),
    imageId: text('imageId'),
    terminationMessagePolicy: text('terminationMessagePolicy'),
    terminationMessageFile: text('terminationMessageFile'),
    ...(grace !== undefined && { terminationGracePeriodSeconds: grace }),
    ...(text('preStopHandler') !== '' && { preStopHandler: text('preStopHandler') }),
  };
}

function wholeNumber(text: string): number | undefined {
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

/** Labels that every container of this executor carries, whatever became of its pod. */
export function labelsOfExecutor(owner: Omit<Owner, 'taskId'>): Record<string, string> {
  return { [LABELS.frameworkId]: owner.frameworkId, [LABELS.executorId]: owner.executorId };
}
