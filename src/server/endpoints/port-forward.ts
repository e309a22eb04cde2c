import type { Containers, PortForwardUpgrade } from '../contract.ts';
import type { NodePods } from '../containers/node-pods.ts';
import { errorLine, Refusal } from '../http/answer.ts';
import type { Route, Upgraded, Visit } from '../http/router.ts';

export interface PortForwardOptions {
  readonly pods: NodePods;
  readonly containers: Containers;
  /** Loaded with the first request that needs it. */
  readonly upgrade: () => Promise<PortForwardUpgrade>;
}

/** `/portForward`: Kubernetes v1.20 pkg/kubelet/server/server.go getPortForward. */
export function portForwardRoutes({ pods, containers, upgrade }: PortForwardOptions): Route[] {
  const find = ({ params: { namespace = '', pod = '', uid } }: Visit): { namespace: string; name: string; uid: string } => {
    const found = pods.find(namespace, pod)?.pod;
    if (found === undefined) throw Refusal.of(404, 'pod does not exist');
    if (uid !== undefined && uid !== found.metadata.uid) throw Refusal.of(404, 'pod not found');
    return found.metadata;
  };
  const serve = (visit: Visit): ReturnType<Route['serve']> => {
    find(visit);
    return errorLine(500, 'Upgrade request required');
  };
  const take = async (visit: Visit, { socket, head }: Upgraded): Promise<void> => {
    const { namespace, name, uid } = find(visit);
    const serveForward = await upgrade();
    if (!socket.destroyed) serveForward(visit.request, socket, head, (port, signal) => containers.dial(namespace, name, uid, port, signal));
  };
  return ['/portForward/{namespace}/{pod}', '/portForward/{namespace}/{pod}/{uid}'].map((pattern) => ({ methods: ['GET', 'POST'], pattern, serve, upgrade: take }));
}
