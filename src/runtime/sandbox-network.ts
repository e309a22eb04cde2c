import { KmError, messageOf } from '../base/index.ts';
import type { InspectedContainer } from '../docker/index.ts';
import type { PodNetwork } from '../network/index.ts';
import { isPassing } from './passing.ts';
import type { PodContext } from './pod-context.ts';

/** The network that new sandboxes of the pod are joined to; undefined: the Engine's, or the host's. */
export function joinedNetwork({ node: { network }, pod }: PodContext): PodNetwork | undefined {
  return network?.joins === true && pod.spec.hostNetwork !== true ? network : undefined;
}

/** The network has no place for pods now; told as an event of its own. */
export class NetworkNotReady extends KmError {}

/** A network's fault in the kubelet's words (Kubernetes v1.20 pkg/kubelet/runtime.go, dockershim/docker_service.go). */
export function networkFault(fault: string): string {
  return `runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:docker: network plugin is not ready: ${fault}`;
}

/** Before a new sandbox: the network can take it, and what earlier ones of the pod still have (addresses, ports of the node) is given back. */
export async function prepareNetwork(context: PodContext, { fault }: PodNetwork): Promise<void> {
  if (fault !== undefined) {
    const words = `network is not ready: ${networkFault(fault)}`;
    context.tell('Warning', 'NetworkNotReady', words);
    throw new NetworkNotReady('unavailable', words);
  }
  await releaseNetwork(context);
}

/** Joins the sandbox to the network and gives the pod's addresses. */
export async function joinNetwork(context: PodContext, network: PodNetwork, { id, pid }: InspectedContainer, signal: AbortSignal): Promise<readonly string[]> {
  const { node, pod } = context;
  const ips = await network.attach({ sandboxId: id, pid, pod }, signal).catch((error: unknown) => {
    if (isPassing(error)) throw error;
    const what = `failed to set up sandbox container ${JSON.stringify(id)} network for pod ${JSON.stringify(pod.metadata.name)}`;
    throw new KmError('workload', `${what}: ${messageOf(error)}`, { cause: error });
  });
  await node.relist.refresh(id); // what was seen of it had no address
  return ips;
}

/**
 * Gives back the networks of all sandboxes that the pod has or had. What a plugin refuses is told, and tried again by the sweep: a pod's end does not
 * wait for it.
 */
export async function releaseNetwork(context: PodContext): Promise<void> {
  const { node, pod, uid } = context;
  await node.network?.release(uid).catch((error: unknown) => {
    node.logger.warn('the network of a pod is not given back yet', { pod: pod.metadata.name, error: messageOf(error) });
    context.tell('Warning', 'FailedKillPod', `error killing pod: ${messageOf(error)}`);
  });
}
