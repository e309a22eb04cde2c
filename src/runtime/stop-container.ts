import { Deadline, messageOf } from '../base/index.ts';
import { runHook } from './hooks.ts';
import type { PodContext } from './pod-context.ts';

/** What the kubelet leaves to a container at least, after its preStop hook too, milliseconds (Kubernetes v1.20 pkg/kubelet/kuberuntime). */
export const MINIMUM_GRACE_MS = 2000;

/** Which container to stop. */
export interface StopTarget {
  readonly id: string;
  readonly name: string;
  readonly init: boolean;
}

/** How long a container may take to end. */
export interface Grace {
  /** Shared by all containers of the pod; may come nearer while they stop. */
  readonly deadline: Deadline;
  /** Left to the container even when the deadline has passed, milliseconds: 2000 as the kubelet does, 0 when the deadline is strict. */
  readonly minimumMs: number;
}

/** Stops a container: preStop hook, then its stop signal, then SIGKILL at the end of the grace. Resolves when it has ended. */
export async function stopContainer(context: PodContext, target: StopTarget, message: string, grace: Grace): Promise<void> {
  const { engine, clock, logger, relist } = context.node;
  context.tell('Normal', 'Killing', message, target);
  await preStop(context, target, grace.deadline);

  const { deadline, minimumMs } = grace;
  using least = new Deadline(clock, minimumMs);
  const last = deadline.remainingMs() >= minimumMs ? deadline : least;
  const killNow = (): void => {
    engine.kill(target.id, 'SIGKILL').catch((error: unknown) => logger.warn('container not killed', { container: target.id, error: messageOf(error) }));
  };
  last.signal.addEventListener('abort', killNow, { once: true });
  try {
    // Docker counts whole seconds: it is only the safety net behind our own deadline.
    await engine.stop(target.id, Math.ceil(last.remainingMs() / 1000));
  } finally {
    last.signal.removeEventListener('abort', killNow);
  }
  await relist.refresh(target.id);
}

async function preStop(context: PodContext, { id, name, init }: StopTarget, deadline: Deadline): Promise<void> {
  const container = context.pod.spec.containers.find((c) => c.name === name);
  const hook = container?.lifecycle?.preStop;
  const timeoutMs = deadline.remainingMs();
  if (hook === undefined || container === undefined || timeoutMs === 0) return;
  const { engine } = context.node;
  const failure = await runHook(hook, { engine, containerId: id, container, podIP: context.podIP ?? '', signal: deadline.signal }, timeoutMs);
  if (failure === undefined) return;
  const text = `lifecycle hook for Container "${name}" in Pod "${context.pod.metadata.name}" failed - error: ${failure}`;
  context.tell('Warning', 'FailedPreStopHook', `${hook.exec === undefined ? 'Http' : 'Exec'} ${text}`, { name, init });
}

/** The pod's own grace, for containers that end although the pod goes on. */
export function podGrace({ node, pod, graces }: PodContext): Grace & Disposable {
  const deadline = new Deadline(node.clock, pod.spec.terminationGracePeriodSeconds * 1000);
  graces.add(deadline);
  const dispose = (): void => {
    graces.delete(deadline);
    deadline[Symbol.dispose]();
  };
  return { deadline, minimumMs: MINIMUM_GRACE_MS, [Symbol.dispose]: dispose };
}
