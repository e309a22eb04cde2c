import { KmError, messageOf } from '../base/index.ts';
import { type Container, containerEnv, dataKey, environmentDataRefs, type EnvironmentGiven, fieldThatNeedsApi, type Service } from '../pod/index.ts';
import type { Sandbox } from './create-sandbox.ts';
import type { PodContext } from './pod-context.ts';
import { objectsOf } from './volume-objects.ts';

/** A container's variables as Docker takes them; what had to be skipped is told as events. Throws code `workload` when some cannot be had. */
export async function environmentOf(context: PodContext, container: Container, sandbox: Sandbox, signal: AbortSignal): Promise<string[]> {
  const { env, skipped, skippedFrom } = containerEnv(context.pod, container, await environmentGiven(context, container, sandbox, signal));
  tellSkipped(context, skipped, '');
  for (const { source, keys } of skippedFrom) tellSkipped(context, keys, ` from the EnvFrom ${source}`);
  return env;
}

function tellSkipped(context: PodContext, keys: readonly string[], source: string): void {
  if (keys.length === 0) return;
  const text = `Keys [${keys.join(', ')}]${source} were skipped since they are considered invalid environment variable names.`;
  context.tell('Warning', 'InvalidEnvironmentVariableNames', text);
}

/** What the environment may refer to; waits for the pod's address only where the container asks for it. */
async function environmentGiven(context: PodContext, container: Container, sandbox: Sandbox, signal: AbortSignal): Promise<EnvironmentGiven> {
  const { hostIP, nodeName } = context.node;
  const given = { hostIP, nodeName: nodeName(), nodeAllocatable: context.nodeAllocatable, ...(await fromApi(context, container, signal)) };
  if (!(container.env ?? []).some(({ valueFrom }) => valueFrom?.fieldRef?.fieldPath?.startsWith('status.podIP'))) return given;
  const podIPs = await sandbox.up;
  return { ...given, podIPs, ...(podIPs[0] !== undefined && { podIP: podIPs[0] }) };
}

/** What variables are made of that only the API knows. When it does not answer, that is told of the container: it is not the Engine that is away. */
async function fromApi(context: PodContext, container: Container, signal: AbortSignal): Promise<Pick<EnvironmentGiven, 'object' | 'services'>> {
  try {
    const [objects, services] = await Promise.all([
      objectsOf(context, environmentDataRefs(container), signal),
      servicesFor(context, signal),
    ]);
    return { object: (ref) => objects.get(dataKey(ref)), ...(services !== undefined && { services }) };
  } catch (error) {
    if (signal.aborted) throw error;
    throw new KmError('workload', messageOf(error), { cause: error });
  }
}

/** A pod that takes nothing else from the API does not wait for it: it starts without the addresses of services. */
async function servicesFor({ node, pod }: PodContext, signal: AbortSignal): Promise<readonly Service[] | undefined> {
  try {
    return await node.sources()?.services(pod, signal);
  } catch (error) {
    if (signal.aborted || fieldThatNeedsApi(pod) !== undefined) throw error;
    node.logger.warn('pod starts without the addresses of services', { pod: pod.metadata.name, error: messageOf(error) });
    return undefined;
  }
}
