import { messageOf } from '../../base/index.ts';
import type { CommandEnd, CommandStreams, ContainerRef, Containers, RemoteCommandUpgrade, WantedStreams } from '../contract.ts';
import type { NodePods } from '../containers/node-pods.ts';
import { errorLine, Refusal } from '../http/answer.ts';
import type { Route, Upgraded, Visit } from '../http/router.ts';

export interface RemoteCommandOptions {
  readonly pods: NodePods;
  readonly containers: Containers;
  /** Loaded with the first request that needs it. */
  readonly upgrade: () => Promise<RemoteCommandUpgrade>;
}

/** `/exec` and `/attach`: Kubernetes v1.20 pkg/kubelet/server/server.go getExec, getAttach; cri/streaming/remotecommand for the query. */
export function remoteCommandRoutes(options: RemoteCommandOptions): Route[] {
  const { containers } = options;
  const exec = (container: ContainerRef, { query }: Visit, { tty }: WantedStreams) => (streams: CommandStreams): Promise<CommandEnd> =>
    containers.exec(container, query.getAll('command'), tty, streams);
  const attach = (container: ContainerRef) => (streams: CommandStreams): Promise<CommandEnd> => containers.attach(container, streams);
  return [...routesOf('/exec', options, exec), ...routesOf('/attach', options, attach)];
}

type Run = (container: ContainerRef, visit: Visit, wanted: WantedStreams) => (streams: CommandStreams) => Promise<CommandEnd>;

function routesOf(root: string, options: RemoteCommandOptions, run: Run): Route[] {
  const serve = (visit: Visit): ReturnType<Route['serve']> => {
    prepare(visit, options);
    return errorLine(500, 'Upgrade request required');
  };
  const upgrade = async (visit: Visit, { socket, head }: Upgraded): Promise<void> => {
    const { container, wanted } = prepare(visit, options);
    const take = await options.upgrade();
    if (!socket.destroyed) take(visit.request, socket, head, wanted, run(container, visit, wanted));
  };
  return ['/{namespace}/{pod}/{container}', '/{namespace}/{pod}/{uid}/{container}'].map((path) => ({ methods: ['GET', 'POST'], pattern: `${root}${path}`, serve, upgrade }));
}

/** Throws a `Refusal` in the order in which the kubelet looks: streams, pod, container. */
function prepare({ query, params }: Visit, { pods, containers }: RemoteCommandOptions): { container: ContainerRef; wanted: WantedStreams } {
  const wanted = wantedStreams(query);
  const { namespace = '', pod = '', uid, container = '' } = params;
  if (pods.find(namespace, pod) === undefined) throw Refusal.of(404, 'pod does not exist');
  return { container: findContainer(containers, namespace, pod, uid, container), wanted };
}

/** A container that cannot be found is the server's fault here, as the kubelet has it. */
export function findContainer(containers: Containers, namespace: string, pod: string, uid: string | undefined, name: string): ContainerRef {
  try {
    return containers.find(namespace, pod, uid, name);
  } catch (error) {
    throw Refusal.of(500, messageOf(error));
  }
}

/** With a terminal there is no stderr of its own. */
export function wantedStreams(query: URLSearchParams): WantedStreams {
  const asked = (name: string): boolean => query.get(name) === '1';
  const tty = asked('tty');
  const wanted = { stdin: asked('input'), stdout: asked('output'), stderr: asked('error') && !tty, tty };
  if (!wanted.stdin && !wanted.stdout && !wanted.stderr) throw Refusal.of(400, 'you must specify at least 1 of stdin, stdout, stderr');
  return wanted;
}
