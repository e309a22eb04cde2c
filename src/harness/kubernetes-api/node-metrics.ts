import { request } from 'node:https';
import { json } from 'node:stream/consumers';
import type { Clock } from '../../base/index.ts';
import { notFound } from './api-error.ts';
import { selectableFieldsOf, selectableNames } from './fields.ts';
import { isObject, objectAt, textAt, type JsonObject } from './json.ts';
import { endpointOf } from './node-location.ts';
import type { ResourcePath } from './paths.ts';
import type { Reply } from './reply.ts';
import { apiVersionOf, resourceNamed } from './resources.ts';
import { parseFieldSelector, parseLabelSelector } from './selectors.ts';
import type { KubernetesObject } from './types.ts';

/** A node that does not answer in time has no figures, milliseconds. */
const TIMEOUT_MS = 5_000;
const KIBI = 1024;

export interface NodeMetricsOptions {
  readonly list: (resource: 'nodes' | 'pods') => readonly KubernetesObject[];
  /** With which we show the nodes who we are. */
  readonly token: string;
  readonly clock: Clock;
}

/** One node's figures. */
interface Summary {
  readonly node: JsonObject;
  readonly pods: readonly JsonObject[];
}

/**
 * What metrics-server serves in a real cluster (`metrics.k8s.io`), for `kubectl top`: asked of the nodes' summaries at the moment at which
 * somebody wants to know. A node or a pod without figures is left out.
 */
export class NodeMetrics {
  readonly #options: NodeMetricsOptions;

  constructor(options: NodeMetricsOptions) {
    this.#options = options;
  }

  /** Throws a 404 for one that has no figures, a 400 for a bad selector. */
  async answer(target: ResourcePath, query: URLSearchParams): Promise<Reply> {
    const { resource, namespace, name } = target;
    const matches = parseLabelSelector(query.get('labelSelector') ?? '');
    const kind = resource.resource === 'nodes' ? 'nodes' : 'pods';
    const asObject = resourceNamed('', kind) ?? resource;
    // All that the objects themselves can be chosen by; metrics-server knows name and namespace alone.
    const hasFields = parseFieldSelector(query.get('fieldSelector') ?? '', selectableNames(asObject));
    const summaries = (await Promise.all(this.#options.list('nodes').map((node) => this.#summary(node)))).flat();
    const figures = kind === 'nodes' ? summaries.map(nodeFigures) : summaries.flatMap(({ pods }) => pods.map(podFigures));
    const known = new Map(this.#options.list(kind).map((object) => [keyOf(object.metadata.namespace, object.metadata.name), object]));
    const items = figures.flatMap(({ key, timestamp, body }) => {
      const object = known.get(key);
      if (object === undefined || (namespace !== undefined && object.metadata.namespace !== namespace) || !matches(object.metadata.labels ?? {}) || !hasFields(selectableFieldsOf(asObject, object))) return [];
      const { name: itsName, namespace: itsNamespace, labels } = object.metadata;
      const creationTimestamp = new Date(this.#options.clock.now()).toISOString().replace(/\.\d+Z$/, 'Z');
      return [{ metadata: { name: itsName, ...(itsNamespace === undefined ? {} : { namespace: itsNamespace }), ...(labels === undefined ? {} : { labels }), creationTimestamp }, timestamp, window: '15s', ...body }];
    });
    const apiVersion = apiVersionOf(resource);
    if (name === undefined) return { status: 200, body: { kind: `${resource.kind}List`, apiVersion, metadata: {}, items } };
    const item = items.find(({ metadata }) => metadata.name === name);
    if (item === undefined) throw notFound(resource, name);
    return { status: 200, body: { kind: resource.kind, apiVersion, ...item } };
  }

  /** None of a node that cannot be asked. */
  async #summary(node: KubernetesObject): Promise<Summary[]> {
    try {
      const { host, port } = endpointOf(node);
      const answer = await this.#get(host, port, '/stats/summary?only_cpu_and_memory=true');
      const pods = isObject(answer) && Array.isArray(answer['pods']) ? answer['pods'].filter(isObject) : [];
      return isObject(answer) && isObject(answer['node']) ? [{ node: answer['node'], pods }] : [];
    } catch {
      return [];
    }
  }

  #get(host: string, port: number, path: string): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const headers = { authorization: `Bearer ${this.#options.token}` };
      const signal = AbortSignal.timeout(TIMEOUT_MS);
      const asked = request({ host, port, path, headers, signal, agent: false, rejectUnauthorized: false }, (answer) => {
        if (answer.statusCode === 200) return void json(answer).then(resolve, reject);
        answer.resume();
        reject(new Error(`HTTP ${answer.statusCode}`));
      });
      asked.on('error', reject).end();
    });
  }
}

const keyOf = (namespace: string | undefined, name: string): string => `${namespace ?? ''}/${name}`;

function nodeFigures({ node }: Summary): { key: string; timestamp: string; body: JsonObject } {
  return { key: keyOf(undefined, textAt(node, 'nodeName')), timestamp: textAt(objectAt(node, 'cpu'), 'time'), body: { usage: usageOf(node) } };
}

function podFigures(pod: JsonObject): { key: string; timestamp: string; body: JsonObject } {
  const reference = objectAt(pod, 'podRef');
  const containers = Array.isArray(pod['containers']) ? pod['containers'].filter(isObject) : [];
  const body = { containers: containers.map((container) => ({ name: textAt(container, 'name'), usage: usageOf(container) })) };
  return { key: keyOf(textAt(reference, 'namespace'), textAt(reference, 'name')), timestamp: textAt(objectAt(pod, 'cpu'), 'time'), body };
}

/** As metrics-server writes quantities: billionths of a core, kibibytes. */
function usageOf(counted: JsonObject): JsonObject {
  const number = (part: string, key: string): number => Number(objectAt(counted, part)[key] ?? 0);
  return { cpu: `${number('cpu', 'usageNanoCores')}n`, memory: `${Math.ceil(number('memory', 'workingSetBytes') / KIBI)}Ki` };
}
