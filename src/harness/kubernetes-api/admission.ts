import { ApiError, forbidden } from './api-error.ts';
import { numberAt, objectAt, objectsAt, textAt } from './json.ts';
import { collectionOf, resourceNamed, type Resource } from './resources.ts';
import { keyOf, type Store } from './store.ts';
import type { KubernetesObject } from './types.ts';

const PODS = { group: '', resource: 'pods' };

/** Refuses what is made in a namespace that is not there (404) or on its way out (403): the NamespaceLifecycle plugin. */
export function admitToNamespace(store: Store, resource: Resource, object: KubernetesObject): void {
  const { namespace = '', name } = object.metadata;
  const home = store.get('namespaces', keyOf(undefined, namespace));
  if (home === undefined) throw new ApiError(404, 'NotFound', `namespaces "${namespace}" not found`, { name: namespace, kind: 'namespaces' });
  if (home.metadata.deletionTimestamp === undefined) return;
  const { status } = forbidden(resource, name, `unable to create new content in namespace ${namespace} because it is being terminated`);
  throw new ApiError(403, 'Forbidden', status.message, {
    ...status.details,
    causes: [{ reason: 'NamespaceTerminating', message: `namespace ${namespace} is being terminated`, field: 'metadata.namespace' }],
  });
}

/**
 * What the plugins of a default API server make of a new pod: ServiceAccount (without mounting a token: no controller makes one that
 * anybody would accept), Priority, DefaultTolerationSeconds. Changes the pod. Throws a 403.
 */
export function admitPod(store: Store, pod: KubernetesObject): void {
  const spec = objectAt(pod, 'spec');
  admitServiceAccount(store, pod);
  const className = textAt(spec, 'priorityClassName');
  const known = resourceNamed('scheduling.k8s.io', 'priorityclasses');
  const found = className === '' || known === undefined ? undefined : store.get(collectionOf(known), keyOf(undefined, className));
  if (className !== '' && found === undefined) throw forbidden(PODS, pod.metadata.name, `no PriorityClass with name ${className} was found`);
  spec['priority'] = found === undefined ? 0 : numberAt(found, 'value');
  spec['preemptionPolicy'] ??= found === undefined ? 'PreemptLowerPriority' : textAt(found, 'preemptionPolicy') || 'PreemptLowerPriority';
  admitTolerations(pod);
}

/** On creation and on every change: a pod stays for five minutes on a node that is lost. */
export function admitTolerations(pod: KubernetesObject): void {
  const spec = objectAt(pod, 'spec');
  const tolerations = objectsAt(spec, 'tolerations');
  for (const key of ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable']) {
    const tolerated = tolerations.some((toleration) => ['', key].includes(textAt(toleration, 'key')) && ['', 'NoExecute'].includes(textAt(toleration, 'effect')));
    if (!tolerated) spec['tolerations'] = [...objectsAt(spec, 'tolerations'), { key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 }];
  }
}

function admitServiceAccount(store: Store, pod: KubernetesObject): void {
  const spec = objectAt(pod, 'spec');
  if (pod.metadata.annotations?.['kubernetes.io/config.mirror'] !== undefined) return;
  const account = textAt(spec, 'serviceAccountName') || 'default';
  spec['serviceAccountName'] = account;
  spec['serviceAccount'] = account;
  const namespace = pod.metadata.namespace ?? '';
  const found = store.get('serviceaccounts', keyOf(namespace, account));
  if (found === undefined) {
    throw forbidden(PODS, pod.metadata.name, `error looking up service account ${namespace}/${account}: serviceaccount "${account}" not found`);
  }
  const secrets = objectsAt(found, 'imagePullSecrets');
  if (objectsAt(spec, 'imagePullSecrets').length === 0 && secrets.length > 0) spec['imagePullSecrets'] = structuredClone(secrets);
}
