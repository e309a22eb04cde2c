import { aborted, isCode, KmError, messageOf } from '../base/index.ts';
import { checkRunAsNonRoot, clampOomScore, containerConfig, createWithUniqueName, imageStatusId, imageStatusName, type ImageInfo, inCgroup, type InspectedContainer } from '../docker/index.ts';
import {
  type Container,
  containerCommand,
  containerHash,
  containerResources,
  HASH_VERSION,
  oomScoreAdj,
  type PodAction,
  volumeSubPath,
} from '../pod/index.ts';
import { containerLogPath, containerMounts, createTerminationMessageFile, linkContainerLog, type PreparedVolumes } from '../volumes/index.ts';
import type { Sandbox } from './create-sandbox.ts';
import { environmentOf } from './environment.ts';
import { hookFailure, runHook } from './hooks.ts';
import { NotStarted } from './image-puller.ts';
import { isPassing } from './passing.ts';
import type { PodContext } from './pod-context.ts';
import { pullCredentials } from './pull-credentials.ts';
import { removeOlder } from './remove-older.ts';
import { seccompContent } from './seccomp.ts';
import { podGrace, stopContainer } from './stop-container.ts';

type StartContainer = Extract<PodAction, { kind: 'start-container' }>;

/** A start that failed is tried again after so long, milliseconds (Kubernetes v1.20 pkg/kubelet: backOffPeriod). */
const RETRY_MS = 10_000;

/**
 * Starts one container: image, environment and mounts, create, start, postStart hook. All that does not need the pod's address
 * happens while the sandbox is still starting. Throws `NotStarted` with the kubelet's waiting reason, and whatever the Engine
 * throws when it is away.
 */
export async function startContainer(context: PodContext, action: StartContainer, sandbox: Sandbox, signal: AbortSignal): Promise<void> {
  const { node, pod, uid } = context;
  const container = [...(pod.spec.initContainers ?? []), ...pod.spec.containers, ...(pod.spec.ephemeralContainers ?? [])].find(({ name }) => name === action.name);
  if (container === undefined) throw new KmError('internal', `container ${action.name} is not in the spec`);
  if (action.crashBackoff !== undefined) context.crashBackoff.set(action.name, action.crashBackoff);
  const tell = (type: 'Normal' | 'Warning', reason: string, message: string): void => context.tell(type, reason, message, action);

  const wanted = { uid, container, tell, credentials: () => pullCredentials(context, container.image ?? '', signal) };
  // Volumes that cannot be made hold up all else, as with the kubelet: or each try would tell anew that the image is there.
  if (context.volumes.failed) await context.volumes.prepare(signal);
  const [image, volumes] = await Promise.all([node.puller.ensure(wanted, signal), context.volumes.prepare(signal), sandbox.id]);
  const id = await create(context, action, container, image, volumes, sandbox, signal);
  tell('Normal', 'Created', `Created container ${action.name}`);
  // The log is linked before there is one: if we die right behind the start, nobody would make up for it.
  const linked = linkLog(context, action, id);
  try {
    await upOrSeen(context, sandbox, id);
  } finally {
    await linked; // nothing goes on behind the caller's back
  }
  signal.throwIfAborted();
  try {
    await node.engine.start(id);
  } catch (error) {
    await node.relist.refresh(id);
    if (isPassing(error) || signal.aborted) throw error;
    tell('Warning', 'Failed', `Error: ${messageOf(error)}`);
    throw new NotStarted({ reason: 'RunContainerError', message: messageOf(error) }, node.clock.now() + RETRY_MS, { cause: error });
  }
  context.waiting.delete(action.name);
  tell('Normal', 'Started', `Started container ${action.name}`);
  const [isSeen] = await Promise.all([node.relist.refresh(id), removeOlder(context, action.name, id)]);
  context.unseen ||= !isSeen;
  await postStart(context, container, action, id, signal);
}

/** Waits for the sandbox. Without one the container has not been started, which has to be seen: the next try is no restart. */
async function upOrSeen({ node }: PodContext, sandbox: Sandbox, id: string): Promise<void> {
  try {
    await sandbox.up;
  } catch (error) {
    await node.relist.refresh(id);
    throw error;
  }
}

async function create(
  context: PodContext,
  action: StartContainer,
  container: Container,
  image: ImageInfo,
  volumes: PreparedVolumes,
  sandbox: Sandbox,
  signal: AbortSignal,
): Promise<string> {
  const { node, pod, uid, owner } = context;
  // Kubernetes v1.20 pkg/kubelet/kuberuntime/kuberuntime_container.go startContainer: what the kubelet prepares, then what it leaves to the runtime.
  let reason: 'CreateContainerConfigError' | 'CreateContainerError' = 'CreateContainerConfigError';
  try {
    checkRunAsNonRoot(pod, container, image.user);
    const env = await environmentOf(context, container, sandbox, signal);
    const terminationMessageFile = await createTerminationMessageFile(node.rootDir, uid, container.name);
    const mounts = await containerMounts({
      rootDir: node.rootDir, pod, container, volumes, hostsFile: await sandbox.hosts, terminationMessageFile, subPath: (mount) => volumeSubPath(mount, env),
    });
    const target = pidTarget(context, container.name);
    reason = 'CreateContainerError';
    const seccomp = await seccompContent(node.rootDir, pod, container);
    const config = inCgroup(containerConfig({
      pod,
      container,
      attempt: action.attempt,
      owner,
      sandboxId: await sandbox.id,
      ...target,
      image: { from: image.id, user: image.user, name: imageStatusName(image, container.image ?? ''), statusId: imageStatusId(image) },
      ...containerCommand(container, env),
      env,
      mounts,
      groups: context.volumes.groups,
      ...(seccomp !== undefined && { seccomp }),
      resources: containerResources(container),
      oomScoreAdj: clampOomScore(oomScoreAdj(pod, container, BigInt(node.engineInfo.memoryBytes)), node.limits).score,
      hash: containerHash(container),
      hashVersion: HASH_VERSION,
      logPath: containerLogPath(context.identity, container.name, action.attempt, node.logDir),
      terminationMessageFile,
      logLimit: node.logLimit,
    }), context.cgroup);
    signal.throwIfAborted();
    const id = await createWithUniqueName(node.engine, config, hasRun); // without a signal: it must not go on unseen
    // Behind the create: an attempt that came to nothing is no restart, whoever died meanwhile. Before the start: that is one.
    node.remember(uid, { kind: 'attempt', container: action.name, attempt: action.attempt, ...(action.crashBackoff === undefined ? {} : { crashBackoff: action.crashBackoff }) });
    context.restartCounts.set(action.name, Math.max(action.attempt, context.restartCounts.get(action.name) ?? 0));
    return id;
  } catch (error) {
    if (signal.aborted || isPassing(error)) throw error;
    if (isCode(error, 'conflict')) await adopt(context, action, error);
    context.tell('Warning', 'Failed', `Error: ${messageOf(error)}`, action);
    throw new NotStarted({ reason, message: messageOf(error) }, node.clock.now() + RETRY_MS, { cause: error });
  }
}

/** Its end is the end of this attempt, whether its start was answered or not: to run it a second time would be to lose that. */
function hasRun({ running, startedAt }: InspectedContainer): boolean {
  return running || startedAt !== undefined;
}

/** This attempt has been started, and the answer never came: throws code `unavailable`, to decide again by what is seen now. */
async function adopt({ node, uid }: PodContext, { name, attempt }: StartContainer, cause: unknown): Promise<void> {
  await node.relist.all();
  const found = node.relist.pod(uid).containers.some((one) => one.name === name && one.attempt === attempt && one.state !== 'created');
  if (found) throw new KmError('unavailable', `container ${name} has been started before`, { cause });
}

/** The container whose processes an ephemeral one is to see. */
function pidTarget({ pod, observed }: PodContext, name: string): { pidTarget?: string } {
  const target = pod.spec.ephemeralContainers?.find((one) => one.name === name)?.targetContainerName ?? '';
  if (target === '') return {};
  const found = observed.containers.find((one) => one.name === target && one.state === 'running');
  if (found === undefined) throw new KmError('workload', `unable to find target container ${target}`);
  return { pidTarget: found.id };
}

async function linkLog({ node, identity }: PodContext, { name, attempt }: StartContainer, containerId: string): Promise<void> {
  const dockerLogPath = `${node.engineInfo.rootDir}/containers/${containerId}/${containerId}-json.log`;
  await linkContainerLog({ baseDir: node.logDir, pod: identity, container: name, attempt, containerId, dockerLogPath }).catch((error: unknown) => {
    node.logger.warn('log link not made', { container: name, error: messageOf(error) });
  });
}

async function postStart(context: PodContext, container: Container, action: StartContainer, id: string, signal: AbortSignal): Promise<void> {
  const hook = container.lifecycle?.postStart;
  if (hook === undefined) return;
  const { engine } = context.node;
  const timeoutMs = 2 ** 31 - 1; // the kubelet sets none: the container is not started until its hook has ended
  const failure = await runHook(hook, { engine, containerId: id, container, podIP: context.podIP ?? '', signal }, timeoutMs);
  if (signal.aborted) throw aborted(signal);
  if (failure === undefined) return;
  context.tell('Warning', 'FailedPostStartHook', hookFailure(hook, container.name, context.pod.metadata.name, failure), action);
  context.postStartFailed.set(id, failure);
  using grace = podGrace(context);
  await stopContainer(context, { id, name: container.name }, 'FailedPostStartHook', grace);
  throw new NotStarted({ reason: 'PostStartHookError', message: failure });
}
