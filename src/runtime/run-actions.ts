import { KmError } from '../base/index.ts';
import { crashLoopWaiting, killGraceSeconds, type ObservedContainer, type PodAction } from '../pod/index.ts';
import { createSandbox, runningSandbox, type Sandbox } from './create-sandbox.ts';
import { NotStarted } from './image-puller.ts';
import type { PodContext } from './pod-context.ts';
import { releaseNetwork } from './sandbox-network.ts';
import { startContainer } from './start-container.ts';
import { type Grace, podGrace, stopContainer } from './stop-container.ts';
import { StopTurns } from './stop-turns.ts';

/** What is left to do later, although the actions are done. */
export interface RunResult {
  /** When to look again, milliseconds since the epoch; absent when only an event can change something. */
  readonly lookAgainAtMs?: number;
}

/**
 * Executes actions in their order. A sandbox is not waited for: its containers are created while it starts. One container that
 * cannot start does not keep the others from it. Throws when `signal` aborts or the Engine is away.
 */
export async function runActions(context: PodContext, actions: readonly PodAction[], signal: AbortSignal): Promise<RunResult> {
  const wakes: number[] = [];
  let sandbox: Sandbox | undefined;
  try {
    for (const action of actions) {
      signal.throwIfAborted();
      switch (action.kind) {
        case 'kill-pod':
          await killPod(context, action.reason);
          break;
        case 'create-sandbox':
          if (action.attempt > 0) context.tell('Normal', 'SandboxChanged', 'Pod sandbox changed, it will be killed and re-created.');
          sandbox = createSandbox(context, action.attempt, signal);
          break;
        case 'kill-container':
          await killContainer(context, action);
          break;
        case 'start-container':
          await startOrWait(context, action, sandbox ?? runningSandbox(context), wakes, signal);
          break;
        case 'back-off':
          backOff(context, action);
          wakes.push(action.untilMs);
          break;
      }
    }
  } finally {
    await sandbox?.up.catch(() => undefined); // nothing of this run may still be going on after it
  }
  await sandbox?.up;
  // Where no event has told of it (the stream may be broken), its containers would look like those of a pod that has lost its sandbox.
  if (sandbox !== undefined) context.unseen ||= !context.observed.sandboxes.some(({ state }) => state === 'running');
  return wakes.length === 0 ? {} : { lookAgainAtMs: Math.min(...wakes) };
}

type Action<K extends PodAction['kind']> = Extract<PodAction, { kind: K }>;

async function startOrWait(context: PodContext, action: Action<'start-container'>, sandbox: Sandbox, wakes: number[], signal: AbortSignal): Promise<void> {
  try {
    await startContainer(context, action, sandbox, signal);
  } catch (error) {
    if (!(error instanceof NotStarted)) throw error;
    context.waiting.set(action.name, error.waiting);
    if (error.retryAtMs !== undefined) wakes.push(error.retryAtMs);
  }
}

function backOff(context: PodContext, { name, delayMs }: Action<'back-off'>): void {
  context.waiting.set(name, crashLoopWaiting(context.pod, name, delayMs));
  context.tell('Warning', 'BackOff', 'Back-off restarting failed container', { name });
}

async function killContainer(context: PodContext, { id, name, why, message }: Action<'kill-container'>): Promise<void> {
  using grace = podGrace(context, killGraceSeconds(context.pod, name, why));
  await stopContainer(context, { id, name }, message, grace);
  context.postStartFailed.delete(id);
}

/** Ends all that runs of a pod and its sandboxes; its dead containers stay, for their logs. */
async function killPod(context: PodContext, reason: Action<'kill-pod'>['reason']): Promise<void> {
  using grace = podGrace(context);
  await stopContainers(context, grace);
  await releaseNetwork(context);
  await removeContainers(context, context.observed.sandboxes);
  if (reason === 'sandbox-changed') context.node.logger.info('pod sandbox is replaced', { pod: context.pod.metadata.name });
}

/** Stops every running container of the pod, side by side; sidecars after the others, within the same grace. */
export async function stopContainers(context: PodContext, grace: Grace): Promise<void> {
  const running = context.observed.containers.filter(({ state }) => state === 'running');
  const turns = new StopTurns(context.pod.spec, running.map(({ name }) => name));
  await all(running.map(async ({ id, name }) => {
    try {
      await stopContainer(context, { id, name }, `Stopping container ${name}`, grace, (signal) => turns.turnOf(name, signal));
    } finally {
      turns.ended(name);
    }
  }));
}

/** Removes them side by side, running or not. Throws code `unavailable` while one is still there: its removal takes long, or cannot be looked at. */
export async function removeContainers({ node: { engine, relist }, uid }: PodContext, containers: readonly ObservedContainer[]): Promise<void> {
  await all(containers.map(async ({ id }) => {
    await engine.remove(id);
    await relist.refresh(id);
  }));
  const { sandboxes, containers: others } = relist.pod(uid);
  const left = [...sandboxes, ...others].filter(({ id }) => containers.some((one) => one.id === id));
  if (left.length > 0) throw new KmError('unavailable', `still being removed: ${left.map(({ name }) => name).join(', ')}`);
}

/** Waits for all, then throws the first failure: nothing is left going on behind the caller's back. */
export async function all(work: readonly Promise<unknown>[]): Promise<void> {
  const failed = (await Promise.allSettled(work)).find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}
