import { Deadline, messageOf } from '../base/index.ts';
import { lastingContainers } from '../pod/index.ts';
import { hookFailure, runHook } from './hooks.ts';
import type { PodContext } from './pod-context.ts';

/** What the kubelet leaves to a container at least, after its preStop hook too, milliseconds (Kubernetes v1.20 pkg/kubelet/kuberuntime). */
export const MINIMUM_GRACE_MS = 2000;
/** So long behind the end of the grace a container is killed once more: by then the Engine has done so, or it does not answer, milliseconds. */
const KILL_AGAIN_MS = 10_000;

/** Which container to stop. */
export interface StopTarget {
  readonly id: string;
  readonly name: string;
}

/** How long a container may take to end. */
export interface Grace {
  /** Shared by all containers of the pod; may come nearer while they stop. */
  readonly deadline: Deadline;
  /** Left to the container even when the deadline has passed, milliseconds: 2000 as the kubelet does, 0 when the deadline is strict. */
  readonly minimumMs: number;
}

/**
 * Stops a container: preStop hook, then, when it is its `turn`, its stop signal, then SIGKILL at the end of the grace. Resolves when it has ended.
 */
export async function stopContainer(
  context: PodContext,
  target: StopTarget,
  message: string,
  grace: Grace,
  turn?: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const { clock, relist } = context.node;
  context.tell('Normal', 'Killing', message, target);
  await preStop(context, target, grace.deadline);
  await turn?.(grace.deadline.signal);

  const { deadline, minimumMs } = grace;
  using least = new Deadline(clock, minimumMs);
  await stopWithin(context, target, deadline.remainingMs() >= minimumMs ? deadline : least);
  await relist.refresh(target.id);
}

/** The call that stops it is not waited for once it has been killed: it may be one that is never answered. */
async function stopWithin(context: PodContext, { id }: StopTarget, deadline: Deadline): Promise<void> {
  const { engine, logger, clock } = context.node;
  const over = new AbortController();
  const killed = Promise.withResolvers<void>();
  const killNow = (): void => {
    killAndSee(context, id).then((ended) => ended && killed.resolve(), (error: unknown) => logger.warn('container not killed', { container: id, error: messageOf(error) }));
  };
  deadline.signal.addEventListener('abort', killNow, { once: true });
  const cancel = clock.after(deadline.remainingMs() + KILL_AGAIN_MS, killNow);
  try {
    // Docker counts whole seconds: it is only the safety net behind our own deadline.
    await Promise.race([engine.stop(id, Math.ceil(deadline.remainingMs() / 1000), over.signal), killed.promise]);
  } finally {
    deadline.signal.removeEventListener('abort', killNow);
    cancel();
    over.abort();
  }
}

/** Whether it is seen to have ended. */
async function killAndSee({ node: { engine, relist }, uid }: PodContext, id: string): Promise<boolean> {
  await engine.kill(id, 'SIGKILL');
  const isSeen = await relist.refresh(id);
  return isSeen && !relist.pod(uid).containers.some((one) => one.id === id && one.state === 'running');
}

async function preStop(context: PodContext, { id, name }: StopTarget, deadline: Deadline): Promise<void> {
  const container = lastingContainers(context.pod.spec).find((c) => c.name === name);
  const hook = container?.lifecycle?.preStop;
  const timeoutMs = deadline.remainingMs();
  if (hook === undefined || container === undefined || timeoutMs === 0) return;
  const { engine } = context.node;
  const failure = await runHook(hook, { engine, containerId: id, container, podIP: context.podIP ?? '', signal: deadline.signal }, timeoutMs);
  if (failure === undefined) return;
  context.tell('Warning', 'FailedPreStopHook', hookFailure(hook, name, context.pod.metadata.name, failure), { name });
}

/** A grace of so many seconds, the pod's own unless told, for containers that end although the pod goes on. */
export function podGrace({ node, pod, graces }: PodContext, seconds = pod.spec.terminationGracePeriodSeconds): Grace & Disposable {
  const deadline = new Deadline(node.clock, seconds * 1000);
  graces.add(deadline);
  const dispose = (): void => {
    graces.delete(deadline);
    deadline[Symbol.dispose]();
  };
  return { deadline, minimumMs: MINIMUM_GRACE_MS, [Symbol.dispose]: dispose };
}
