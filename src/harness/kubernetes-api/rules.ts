import { qosClass } from '../../pod/index.ts';
import { admitTolerations } from './admission.ts';
import { field, type Cause } from './api-error.ts';
import { isObject, objectAt, objectsAt, sameJson, textAt, type JsonObject } from './json.ts';
import { checkLabels, checkObjectName } from './names.ts';
import { checkPodSpec, checkPodUpdate } from './pod-validation.ts';
import type { Resource } from './resources.ts';
import type { Store } from './store.ts';
import type { KubernetesObject } from './types.ts';

/*
 * What each kind does with an object that is made or changed, beyond what all kinds do (`registry.ts`): the strategies of
 * Kubernetes pkg/registry. Objects that come in are fresh and may be changed.
 */

/** Sets what only the server sets on a new object. */
export function prepareForCreate(store: Store, resource: Resource, object: KubernetesObject): void {
  if (resource.hasGeneration) object.metadata.generation = 1;
  switch (object.kind) {
    case 'Pod':
      object['status'] = { phase: 'Pending', qosClass: qosClass({ spec: { containers: [], ...objectAt(object, 'spec') } as never }) };
      break;
    case 'Namespace':
      object['spec'] = { ...objectAt(object, 'spec'), finalizers: ['kubernetes'] };
      object['status'] = { phase: 'Active' };
      object.metadata.labels = { ...object.metadata.labels, 'kubernetes.io/metadata.name': object.metadata.name };
      break;
    case 'Node': // keeps the status that it registers with
      break;
    case 'Service':
      allocateAddress(store, objectAt(object, 'spec'));
      object['status'] = { loadBalancer: {} };
      break;
    case 'PersistentVolume':
    case 'PersistentVolumeClaim':
      object['status'] = { phase: 'Pending' };
      break;
    case 'Secret':
      foldStringData(object);
      break;
    case 'Job':
      labelJob(object);
      object['status'] = {};
      break;
    default:
      if (resource.hasStatus) object['status'] = zeroStatus(object);
  }
}

/** Takes back what an update of the object itself may not change: its status, and what the server chose. */
export function prepareForUpdate(resource: Resource, object: KubernetesObject, old: KubernetesObject): void {
  if (resource.hasStatus) object['status'] = old['status'];
  const spec = objectAt(object, 'spec');
  const oldSpec = objectAt(old, 'spec');
  if (object.kind === 'Secret') foldStringData(object);
  if (object.kind === 'Namespace') object['spec'] = { ...spec, finalizers: oldSpec['finalizers'] };
  if (object.kind === 'Service' && textAt(spec, 'clusterIP') === '' && spec['type'] !== 'ExternalName') Object.assign(spec, { clusterIP: oldSpec['clusterIP'], clusterIPs: oldSpec['clusterIPs'] });
  if (object.kind !== 'Pod') return;
  for (const name of ['priority', 'preemptionPolicy']) spec[name] ??= oldSpec[name];
  if (oldSpec['ephemeralContainers'] === undefined) delete spec['ephemeralContainers'];
  else spec['ephemeralContainers'] = oldSpec['ephemeralContainers'];
  admitTolerations(object);
}

/** The object with the status of `object`: what a write to the status subresource leaves. Labels and annotations may change along. */
export function withStatus(object: KubernetesObject, old: KubernetesObject): KubernetesObject {
  const { labels, annotations, finalizers } = object.metadata;
  const metadata = { ...old.metadata, labels, annotations, finalizers } as KubernetesObject['metadata'];
  for (const name of ['labels', 'annotations', 'finalizers']) if (metadata[name] === undefined) delete metadata[name];
  const status = objectAt(object, 'status');
  return { ...old, metadata, status: object.kind === 'Pod' ? withBothAddresses(status) : status };
}

/** Everything that is wrong with a new object. */
export function checkNew(resource: Resource, object: KubernetesObject): Cause[] {
  const { name, labels = {}, annotations = {} } = object.metadata;
  const causes = [...checkObjectName(resource, name), ...checkLabels(labels, annotations)];
  switch (object.kind) {
    case 'Pod':
      return [...causes, ...checkPodSpec(objectAt(object, 'spec'))];
    case 'ConfigMap':
    case 'Secret':
      return [...causes, ...checkDataKeys(object)];
    case 'Service':
      return objectsAt(object['spec'], 'ports').length === 0 && !['None', ''].includes(textAt(object['spec'], 'clusterIP')) ? [...causes, field.required('spec.ports')] : causes;
    default:
      return causes;
  }
}

/** Everything that is wrong with a change. */
export function checkUpdate(object: KubernetesObject, old: KubernetesObject): Cause[] {
  const causes = checkLabels(object.metadata.labels ?? {}, object.metadata.annotations ?? {});
  const spec = objectAt(object, 'spec');
  const oldSpec = objectAt(old, 'spec');
  switch (object.kind) {
    case 'Pod': {
      const found = checkPodUpdate(spec, oldSpec);
      return [...causes, ...(found.length > 0 ? found : checkPodSpec(spec))];
    }
    case 'ConfigMap':
    case 'Secret': {
      if (old['immutable'] === true) {
        if (object['immutable'] !== true) causes.push(field.forbidden('immutable', 'field is immutable when `immutable` is set'));
        for (const name of ['data', 'binaryData']) if (!sameJson(object[name], old[name])) causes.push(field.forbidden(name, 'field is immutable when `immutable` is set'));
      }
      if (object.kind === 'Secret' && object['type'] !== old['type']) causes.push(field.invalid('type', object['type'], 'field is immutable'));
      return [...causes, ...checkDataKeys(object)];
    }
    case 'Deployment':
    case 'ReplicaSet':
    case 'DaemonSet':
    case 'Job':
      if (!sameJson(spec['selector'], oldSpec['selector'])) causes.push(field.invalid('spec.selector', spec['selector'], 'field is immutable'));
      return causes;
    case 'Service':
      if (textAt(oldSpec, 'clusterIP') !== '' && spec['type'] === oldSpec['type'] && spec['clusterIP'] !== oldSpec['clusterIP']) causes.push(field.invalid('spec.clusterIPs[0]', [spec['clusterIP']], 'may not change once set'));
      return causes;
    default:
      return causes;
  }
}

function checkDataKeys(object: KubernetesObject): Cause[] {
  const keys = [...Object.keys(objectAt(object, 'data')), ...Object.keys(objectAt(object, 'binaryData'))];
  return keys
    .filter((key) => !/^[-._a-zA-Z0-9]+$/.test(key) || key === '.' || key.startsWith('..'))
    .map((key) =>
      field.invalid(`data[${key}]`, key, "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"),
    );
}

function foldStringData(secret: KubernetesObject): void {
  const given = Object.entries(objectAt(secret, 'stringData')).map(([key, value]) => [key, Buffer.from(String(value)).toString('base64')]);
  if (given.length > 0) secret['data'] = { ...objectAt(secret, 'data'), ...(Object.fromEntries(given) as JsonObject) };
  delete secret['stringData'];
}

/** The real server keeps both forms of a pod's address in step; where they differ, the older one is right. */
function withBothAddresses(status: JsonObject): JsonObject {
  const pairs = [['podIP', 'podIPs'], ['hostIP', 'hostIPs']] as const;
  const out = { ...status };
  for (const [one, many] of pairs) {
    const first = textAt(objectsAt(out, many)[0], 'ip');
    if (textAt(out, one) === '' && first !== '') out[one] = first;
    if (one === 'podIP' && textAt(out, one) !== first) out[many] = [{ ip: out[one] }];
  }
  return out;
}

function labelJob(job: KubernetesObject): void {
  const spec = objectAt(job, 'spec');
  const template = objectAt(spec, 'template');
  const { uid = '', name } = job.metadata;
  const labels = { 'batch.kubernetes.io/controller-uid': uid, 'batch.kubernetes.io/job-name': name, 'controller-uid': uid, 'job-name': name };
  spec['selector'] ??= { matchLabels: { 'batch.kubernetes.io/controller-uid': uid } };
  template['metadata'] = { ...objectAt(template, 'metadata'), labels: { ...objectAt(objectAt(template, 'metadata'), 'labels'), ...labels } };
  spec['template'] = template;
}

function zeroStatus(object: KubernetesObject): JsonObject {
  if (object.kind === 'DaemonSet') return { currentNumberScheduled: 0, numberMisscheduled: 0, desiredNumberScheduled: 0, numberReady: 0 };
  return ['ReplicaSet', 'ReplicationController', 'StatefulSet'].includes(object.kind) ? { replicas: 0 } : {};
}

/** A cluster address and node ports that no other service has: 10.96.0.0/16, 30000-32767. */
function allocateAddress(store: Store, spec: JsonObject): void {
  if (spec['type'] === 'ExternalName') return;
  const others = store.list('services').map(([, service]) => objectAt(service, 'spec'));
  if (textAt(spec, 'clusterIP') === '') {
    const taken = new Set(others.map((other) => textAt(other, 'clusterIP')));
    let next = 10;
    const address = (): string => `10.96.${next >> 8}.${next & 255}`;
    while (taken.has(address())) next += 1;
    spec['clusterIP'] = address();
  }
  spec['clusterIPs'] ??= [spec['clusterIP']];
  if (spec['type'] !== 'NodePort' && spec['type'] !== 'LoadBalancer') return;
  const takenPorts = new Set(others.flatMap((other) => objectsAt(other, 'ports').map((port) => port['nodePort'])));
  let next = 30_000;
  for (const port of objectsAt(spec, 'ports').filter((candidate) => isObject(candidate) && candidate['nodePort'] === undefined)) {
    while (takenPorts.has(next)) next += 1;
    port['nodePort'] = next;
    takenPorts.add(next);
  }
}
