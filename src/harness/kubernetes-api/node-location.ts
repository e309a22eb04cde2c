import { ApiError, badRequest, notFound } from './api-error.ts';
import { flagIn } from './call.ts';
import { isObject, objectAt, textAt } from './json.ts';
import type { NodeRequest } from './server.ts';
import type { KubernetesObject } from './types.ts';

/** Where a node is asked, or what runs on it. */
export interface NodeLocation {
  readonly host: string;
  readonly port: number;
  /** Path and query there. */
  readonly path: string;
  readonly secure: boolean;
  /** It is the node's API, to which we have credentials, not another port of the node. */
  readonly isNodeApi: boolean;
}

/** Parameters of a log that are the node's too (Kubernetes v1.20 pkg/registry/core/pod/strategy.go LogLocation). */
const LOG_FLAGS = ['follow', 'previous', 'timestamps'];
const LOG_VALUES = ['sinceSeconds', 'sinceTime', 'tailLines', 'limitBytes'];
/** What the streams are called towards a node. */
const STREAMS: Readonly<Record<string, string>> = { stdin: 'input', stdout: 'output', stderr: 'error', tty: 'tty' };

/** Undefined where there is nothing to ask: the log of a pod that no node has. Throws an ApiError. */
export function nodeLocation(what: NodeRequest, nodeNamed: (name: string) => KubernetesObject | undefined): NodeLocation | undefined {
  const { object, subresource, query } = what;
  if (what.host !== undefined) return { host: what.host, port: what.port ?? (what.secure === true ? 443 : 80), path: what.rest, secure: what.secure === true, isNodeApi: false };
  const name = object.kind === 'Node' ? object.metadata.name : textAt(objectAt(object, 'spec'), 'nodeName');
  if (name === '') {
    if (subresource === 'log') return undefined;
    throw badRequest(`pod ${object.metadata.name} does not have a host assigned`);
  }
  const node = nodeNamed(name);
  if (node === undefined) throw notFound({ group: '', resource: 'nodes' }, name);
  const { host, port } = endpointOf(node);
  if (subresource !== 'proxy') return { host, port, path: pathOfPod(what, query), secure: true, isNodeApi: true };
  // Kubernetes v1.20 pkg/registry/core/node/strategy.go ResourceLocation: without a port, or with that of its API, it is the node's API.
  const isNodeApi = what.port === undefined || what.port === port;
  return { host, port: what.port ?? port, path: what.rest, secure: isNodeApi || what.secure === true, isNodeApi };
}

/** Where the node's API listens. Throws a 503 while it does not say. */
export function endpointOf(node: KubernetesObject): { host: string; port: number } {
  const status = objectAt(node, 'status');
  const port = objectAt(objectAt(status, 'daemonEndpoints'), 'kubeletEndpoint')['Port'];
  const addresses = (Array.isArray(status['addresses']) ? status['addresses'] : []).filter(isObject);
  const address = addresses.find(({ type }) => type === 'InternalIP') ?? addresses[0];
  if (typeof port !== 'number' || address === undefined) throw new ApiError(503, 'ServiceUnavailable', `node ${JSON.stringify(node.metadata.name)} does not say where its API is`, {});
  return { host: textAt(address, 'address'), port };
}

function pathOfPod({ object, subresource }: NodeRequest, query: URLSearchParams): string {
  const { namespace = '', name } = object.metadata;
  const parameters = new URLSearchParams();
  if (subresource === 'portforward') {
    const ports = query.getAll('ports');
    if (ports.length > 0) parameters.set('port', ports.join(','));
    return pathTo(['portForward', namespace, name], parameters);
  }
  const container = query.get('container') || firstContainer(object);
  if (subresource === 'log') {
    for (const flag of LOG_FLAGS) if (flagIn(query, flag)) parameters.set(flag, 'true');
    for (const value of LOG_VALUES) for (const text of query.getAll(value)) parameters.set(value, text);
    return pathTo(['containerLogs', namespace, name, container], parameters);
  }
  for (const [stream, parameter] of Object.entries(STREAMS)) if (flagIn(query, stream)) parameters.set(parameter, '1');
  for (const word of query.getAll('command')) parameters.append('command', word);
  return pathTo([subresource, namespace, name, container], parameters);
}

function firstContainer(pod: KubernetesObject): string {
  const { containers } = objectAt(pod, 'spec');
  const first: unknown = Array.isArray(containers) ? containers[0] : undefined;
  return isObject(first) ? textAt(first, 'name') : '';
}

function pathTo(segments: readonly string[], parameters: URLSearchParams): string {
  const path = segments.map((segment) => `/${encodeURIComponent(segment)}`).join('');
  return parameters.size === 0 ? path : `${path}?${parameters.toString()}`;
}
