import type { Clock } from '../../base/index.ts';
import { ApiError, badRequest, conflict, methodNotAllowed, noSuchPath } from './api-error.ts';
import { flagIn, parseBody, type Call } from './call.ts';
import { decode } from './decode.ts';
import { timestamp } from './deletion.ts';
import { isObject, numberAt, objectAt, objectsAt, textAt, type JsonObject } from './json.ts';
import { negotiate } from './negotiate.ts';
import { applyPatch } from './patch.ts';
import type { ResourcePath } from './paths.ts';
import type { Reads } from './reads.ts';
import type { Registry } from './registry.ts';
import type { Reply } from './reply.ts';
import { resourceNamed } from './resources.ts';
import { tokenRequestOf } from './reviews.ts';
import type { KubernetesObject } from './types.ts';
import type { Users } from './users.ts';
import { deleteOptionsOf, type Writes } from './writes.ts';

const BINDINGS = { group: '', resource: 'pods/binding' };

/** What stands behind an object's path: status, binding, eviction, ephemeral containers, scale, token, finalize, approval. */
export class Subresources {
  readonly #registry: Registry;
  readonly #reads: Reads;
  readonly #writes: Writes;
  readonly #users: Users;
  readonly #clock: Clock;

  constructor(options: { registry: Registry; reads: Reads; writes: Writes; users: Users; clock: Clock }) {
    this.#registry = options.registry;
    this.#reads = options.reads;
    this.#writes = options.writes;
    this.#users = options.users;
    this.#clock = options.clock;
  }

  answer(call: Call, path: ResourcePath): Reply {
    const declared = path.resource.subresources.find((sub) => sub.name === path.subresource);
    if (declared === undefined) throw noSuchPath();
    const verb = VERBS[call.method];
    if (verb === undefined || !declared.verbs.includes(verb)) throw methodNotAllowed();
    switch (path.subresource) {
      case 'status':
      case 'approval':
        return this.#part(call, path, 'status');
      case 'ephemeralcontainers':
        return this.#ephemeralContainers(call, path);
      case 'binding':
        return this.#bind(call, path, path.name ?? '');
      case 'eviction':
        return this.#evict(call, path);
      case 'scale':
        return this.#scale(call, path);
      case 'token':
        return this.#token(call, path);
      case 'finalize':
        return this.#finalize(call, path);
      default:
        throw noSuchPath();
    }
  }

  /** POST to `bindings` of a namespace: the pod is named by the object. */
  bindByName(call: Call, path: ResourcePath): Reply {
    return this.#bind(call, path, textAt(objectAt(parseBody(call), 'metadata'), 'name'));
  }

  #part(call: Call, path: ResourcePath, part: 'status'): Reply {
    if (call.method === 'GET') return this.#reads.get(call, path);
    return call.method === 'PUT' ? this.#writes.update(call, path, part) : this.#writes.patch(call, path, part);
  }

  /** Kubernetes pkg/registry/core/pod/storage assignPod. */
  #bind(call: Call, path: ResourcePath, name: string): Reply {
    const body = parseBody(call);
    const target = objectAt(body, 'target');
    const node = textAt(target, 'name');
    const kind = textAt(target, 'kind');
    if (node === '' || (kind !== '' && kind !== 'Node')) throw badRequest(`invalid binding: target.kind must be Node, target.name is required`);
    const resource = resourceNamed('', 'pods') ?? path.resource;
    const pod = this.#registry.find({ ...path, resource, name });
    const { uid = '' } = objectAt(body, 'metadata') as { uid?: string };
    const refused = this.#whyNotBound(pod, uid);
    if (refused !== undefined) throw conflict(BINDINGS, name, refused);
    const condition = { type: 'PodScheduled', status: 'True', lastProbeTime: null, lastTransitionTime: timestamp(this.#clock.now()) };
    const conditions = [...objectsAt(pod['status'], 'conditions').filter((other) => other['type'] !== 'PodScheduled'), condition];
    const annotations = { ...pod.metadata.annotations, ...(objectAt(objectAt(body, 'metadata'), 'annotations') as Record<string, string>) };
    const bound: KubernetesObject = {
      ...pod,
      metadata: { ...pod.metadata, ...(Object.keys(annotations).length === 0 ? {} : { annotations }) },
      spec: { ...objectAt(pod, 'spec'), nodeName: node },
      status: { ...objectAt(pod, 'status'), conditions },
    };
    this.#registry.replace(resource, pod, bound, isDryRun(call));
    return created();
  }

  #whyNotBound(pod: KubernetesObject, uid: string): string | undefined {
    const { name, uid: actual = '', deletionTimestamp } = pod.metadata;
    const node = textAt(pod['spec'], 'nodeName');
    if (uid !== '' && uid !== actual) return `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${actual}`;
    if (deletionTimestamp !== undefined) return `pod ${name} is being deleted, cannot be assigned to a host`;
    if (node !== '') return `pod ${name} is already assigned to node ${JSON.stringify(node)}`;
    if (objectsAt(pod['spec'], 'schedulingGates').length > 0) return `pod ${name} has non-empty .spec.schedulingGates`;
    return undefined;
  }

  /** A deletion that a disruption budget could forbid; without a controller that keeps budgets' status, none does. */
  #evict(call: Call, path: ResourcePath): Reply {
    const body = parseBody(call);
    const named = textAt(objectAt(body, 'metadata'), 'name');
    if (named !== '' && named !== path.name) throw badRequest('name in URL does not match name in Eviction object');
    const options = isObject(body) ? body['deleteOptions'] : undefined;
    this.#registry.delete({ ...path, name: path.name ?? '' }, deleteOptionsOf(call, options ?? {}), isDryRun(call));
    return created();
  }

  /** Clients before Kubernetes 1.22 know them as a kind of its own, which holds nothing but their list. */
  #ephemeralContainers(call: Call, path: ResourcePath): Reply {
    const pod = this.#registry.find({ ...path, name: path.name ?? '' });
    const isOld = OLD_KUBECTL.test(call.userAgent);
    if (call.method === 'GET') return isOld ? { status: 200, body: listOf(pod) } : this.#reads.get(call, path);
    const given = parseBody(call);
    const isList = isObject(given) && given['kind'] === LIST;
    const wanted = isList ? podWith(pod, given['ephemeralContainers']) : call.method === 'PUT' ? given : applyPatch(call.contentType, path.resource.type, pod, given);
    const decoded = decode(path.resource.type, isObject(wanted) ? wanted : {}).object;
    const object = this.#registry.replace(path.resource, pod, podWith(pod, objectsAt(decoded['spec'], 'ephemeralContainers')), isDryRun(call));
    return isList ? { status: 200, body: listOf(object) } : this.#reads.one(call, path.resource, 200, object);
  }

  #scale(call: Call, path: ResourcePath): Reply {
    const stored = this.#registry.find({ ...path, name: path.name ?? '' });
    const form = negotiate(call.accept);
    if (call.method === 'GET') return { status: 200, body: scaleOf(stored), form };
    const given = parseBody(call);
    const wanted = call.method === 'PUT' ? given : applyPatch(call.contentType, 'Scale', scaleOf(stored), given);
    const replicas = numberAt(isObject(wanted) ? wanted['spec'] : undefined, 'replicas');
    const object = this.#registry.replace(path.resource, stored, { ...stored, spec: { ...objectAt(stored, 'spec'), replicas } }, isDryRun(call));
    return { status: 200, body: scaleOf(object), form };
  }

  #token(call: Call, path: ResourcePath): Reply {
    const account = this.#registry.find({ ...path, name: path.name ?? '' });
    const body = parseBody(call);
    const request = tokenRequestOf(isObject(body) ? body['spec'] : undefined);
    if (request.seconds < 600) throw new ApiError(422, 'Invalid', `TokenRequest.authentication.k8s.io "" is invalid: spec.expirationSeconds: Invalid value: ${request.seconds}: may not specify a duration less than 10 minutes`);
    const { token, expires } = this.#users.sign(account, request);
    const spec = { audiences: request.audiences, expirationSeconds: request.seconds, boundObjectRef: Object.keys(request.bound).length === 0 ? null : request.bound };
    return { status: 201, form: negotiate(call.accept), body: { kind: 'TokenRequest', apiVersion: 'authentication.k8s.io/v1', metadata: { name: account.metadata.name, namespace: account.metadata.namespace, creationTimestamp: timestamp(this.#clock.now()) }, spec, status: { token, expirationTimestamp: timestamp(expires) } } };
  }

  #finalize(call: Call, path: ResourcePath): Reply {
    const stored = this.#registry.find({ ...path, name: path.name ?? '' });
    const finalizers = objectAt(parseBody(call), 'spec')['finalizers'];
    const object = this.#registry.replace(path.resource, stored, { ...stored, spec: { ...objectAt(stored, 'spec'), finalizers } }, isDryRun(call));
    return this.#reads.one(call, path.resource, 200, object);
  }
}

const VERBS: Readonly<Record<string, string>> = { GET: 'get', POST: 'create', PUT: 'update', PATCH: 'patch', DELETE: 'delete' };

const isDryRun = (call: Call): boolean => flagIn(call.query, 'dryRun');

const created = (): Reply => ({ status: 201, body: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 } });

const LIST = 'EphemeralContainers';
const OLD_KUBECTL = /\/v1\.(1[6-9]|2[01])\./;

/** The ephemeral containers of a pod in the form of Kubernetes 1.16 to 1.21 (v1.20 pkg/registry/core/pod/storage/storage.go ephemeralContainersInPod). */
function listOf(pod: KubernetesObject): JsonObject {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = pod.metadata;
  return { kind: LIST, apiVersion: 'v1', metadata: { name, namespace, uid, resourceVersion, creationTimestamp }, ephemeralContainers: objectsAt(pod['spec'], 'ephemeralContainers') };
}

function podWith(pod: KubernetesObject, ephemeralContainers: unknown): KubernetesObject {
  return { ...pod, spec: { ...objectAt(pod, 'spec'), ephemeralContainers } };
}

function scaleOf(object: KubernetesObject): JsonObject {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const labels = objectAt(objectAt(objectAt(object, 'spec'), 'selector'), 'matchLabels');
  const selector = Object.entries(labels).map(([key, value]) => `${key}=${String(value)}`).join(',');
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: { replicas: numberAt(object['spec'], 'replicas') },
    status: { replicas: numberAt(object['status'], 'replicas'), ...(selector === '' ? {} : { selector }) },
  };
}
