import { isObject, numberAt, objectAt, objectsAt, textAt, type JsonObject } from '../json.ts';
import type { KubernetesObject } from '../types.ts';
import { since } from './age.ts';

/*
 * The cells of the kinds that have columns of their own (but pods): Kubernetes pkg/printers/internalversion. `now` is milliseconds
 * since the epoch.
 */

export function nodeCells(node: KubernetesObject, now: number): unknown[] {
  const status = objectAt(node, 'status');
  const ready = objectsAt(status, 'conditions').find((condition) => condition['type'] === 'Ready');
  const words = [ready === undefined ? 'Unknown' : ready['status'] === 'True' ? 'Ready' : 'NotReady'];
  if (objectAt(node, 'spec')['unschedulable'] === true) words.push('SchedulingDisabled');
  const info = objectAt(status, 'nodeInfo');
  const address = (type: string): string => textAt(objectsAt(status, 'addresses').find((candidate) => candidate['type'] === type), 'address') || '<none>';
  return [
    node.metadata.name,
    words.join(','),
    rolesOf(node),
    since(node.metadata.creationTimestamp, now),
    textAt(info, 'kubeletVersion'),
    address('InternalIP'),
    address('ExternalIP'),
    textAt(info, 'osImage') || '<unknown>',
    textAt(info, 'kernelVersion') || '<unknown>',
    textAt(info, 'containerRuntimeVersion') || '<unknown>',
  ];
}

function rolesOf(node: KubernetesObject): string {
  const prefix = 'node-role.kubernetes.io/';
  const roles = Object.entries(node.metadata.labels ?? {}).flatMap(([key, value]) => (key.startsWith(prefix) ? [key.slice(prefix.length)] : key === 'kubernetes.io/role' ? [value] : []));
  return [...new Set(roles.filter((role) => role !== ''))].sort().join(',') || '<none>';
}

export function eventCells(event: KubernetesObject, now: number): unknown[] {
  const series = event['series'];
  const first = typeof event['firstTimestamp'] === 'string' ? event['firstTimestamp'] : event['eventTime'];
  const last = isObject(series) ? series['lastObservedTime'] : typeof event['lastTimestamp'] === 'string' ? event['lastTimestamp'] : first;
  const about = objectAt(event, 'involvedObject');
  const name = textAt(about, 'name');
  const source = objectAt(event, 'source');
  const component = textAt(source, 'component') || textAt(event, 'reportingComponent');
  const host = textAt(source, 'host') || textAt(event, 'reportingInstance');
  return [
    since(last, now),
    textAt(event, 'type'),
    textAt(event, 'reason'),
    `${textAt(about, 'kind').toLowerCase()}${name === '' ? '' : `/${name}`}`,
    textAt(about, 'fieldPath'),
    host === '' ? component : `${component}, ${host}`,
    textAt(event, 'message').trim(),
    since(first, now),
    isObject(series) ? numberAt(series, 'count') : numberAt(event, 'count') || 1,
    event.metadata.name,
  ];
}

export function namespaceCells(namespace: KubernetesObject, now: number): unknown[] {
  return [namespace.metadata.name, textAt(namespace['status'], 'phase'), since(namespace.metadata.creationTimestamp, now)];
}

export function configMapCells(object: KubernetesObject, now: number): unknown[] {
  return [object.metadata.name, sizeOf(object['data']) + sizeOf(object['binaryData']), since(object.metadata.creationTimestamp, now)];
}

export function secretCells(object: KubernetesObject, now: number): unknown[] {
  return [object.metadata.name, textAt(object, 'type'), sizeOf(object['data']), since(object.metadata.creationTimestamp, now)];
}

export function serviceAccountCells(object: KubernetesObject, now: number): unknown[] {
  return [object.metadata.name, objectsAt(object, 'secrets').length, since(object.metadata.creationTimestamp, now)];
}

export function serviceCells(service: KubernetesObject, now: number): unknown[] {
  const spec = objectAt(service, 'spec');
  const ports = objectsAt(spec, 'ports').map((port) => `${numberAt(port, 'port')}${numberAt(port, 'nodePort') > 0 ? `:${numberAt(port, 'nodePort')}` : ''}/${textAt(port, 'protocol')}`);
  const external = spec['type'] === 'ExternalName' ? textAt(spec, 'externalName') : Array.isArray(spec['externalIPs']) ? spec['externalIPs'].join(',') : spec['type'] === 'LoadBalancer' ? '<pending>' : '<none>';
  return [service.metadata.name, textAt(spec, 'type'), textAt(spec, 'clusterIP') || '<none>', external, ports.join(',') || '<none>', since(service.metadata.creationTimestamp, now), pairs(objectAt(spec, 'selector'))];
}

export function endpointsCells(object: KubernetesObject, now: number): unknown[] {
  const all = objectsAt(object, 'subsets').flatMap((subset) => {
    const ips = objectsAt(subset, 'addresses').map((address) => textAt(address, 'ip'));
    const ports = objectsAt(subset, 'ports');
    return ports.length === 0 ? ips : ports.flatMap((port) => ips.map((ip) => `${ip}:${numberAt(port, 'port')}`));
  });
  const shown = all.slice(0, 3).join(',') + (all.length > 3 ? ` + ${all.length - 3} more...` : '');
  return [object.metadata.name, shown || '<none>', since(object.metadata.creationTimestamp, now)];
}

export function leaseCells(lease: KubernetesObject, now: number): unknown[] {
  return [lease.metadata.name, textAt(lease['spec'], 'holderIdentity'), since(lease.metadata.creationTimestamp, now)];
}

export function deploymentCells(object: KubernetesObject, now: number): unknown[] {
  const status = objectAt(object, 'status');
  const wanted = numberAt(object['spec'], 'replicas');
  return [
    object.metadata.name, `${numberAt(status, 'readyReplicas')}/${wanted}`, numberAt(status, 'updatedReplicas'), numberAt(status, 'availableReplicas'),
    since(object.metadata.creationTimestamp, now), ...templateCells(object), selectorCell(object),
  ];
}

export function replicaSetCells(object: KubernetesObject, now: number): unknown[] {
  const status = objectAt(object, 'status');
  return [
    object.metadata.name, numberAt(object['spec'], 'replicas'), numberAt(status, 'replicas'), numberAt(status, 'readyReplicas'),
    since(object.metadata.creationTimestamp, now), ...templateCells(object), selectorCell(object),
  ];
}

export function daemonSetCells(object: KubernetesObject, now: number): unknown[] {
  const status = objectAt(object, 'status');
  const template = objectAt(objectAt(objectAt(object, 'spec'), 'template'), 'spec');
  const counts = ['desiredNumberScheduled', 'currentNumberScheduled', 'numberReady', 'updatedNumberScheduled', 'numberAvailable'].map((name) => numberAt(status, name));
  return [object.metadata.name, ...counts, pairs(objectAt(template, 'nodeSelector')), since(object.metadata.creationTimestamp, now), ...templateCells(object), selectorCell(object)];
}

export function statefulSetCells(object: KubernetesObject, now: number): unknown[] {
  const ready = `${numberAt(object['status'], 'readyReplicas')}/${numberAt(object['spec'], 'replicas')}`;
  return [object.metadata.name, ready, since(object.metadata.creationTimestamp, now), ...templateCells(object)];
}

export function jobCells(job: KubernetesObject, now: number): unknown[] {
  const status = objectAt(job, 'status');
  const conditions = objectsAt(status, 'conditions').filter((condition) => condition['status'] === 'True');
  const word = ['Complete', 'Failed', 'Suspended', 'FailureTarget', 'SuccessCriteriaMet'].find((type) => conditions.some((condition) => condition['type'] === type)) ?? (job.metadata.deletionTimestamp === undefined ? 'Running' : 'Terminating');
  const started = textAt(status, 'startTime');
  const ended = textAt(status, 'completionTime');
  const took = started === '' ? '' : since(started, ended === '' ? now : Date.parse(ended));
  return [job.metadata.name, word, `${numberAt(status, 'succeeded')}/${numberAt(job['spec'], 'completions') || 1}`, took, since(job.metadata.creationTimestamp, now), ...templateCells(job), selectorCell(job)];
}

export function claimCells(claim: KubernetesObject, now: number): unknown[] {
  const spec = objectAt(claim, 'spec');
  const phase = claim.metadata.deletionTimestamp === undefined ? textAt(claim['status'], 'phase') : 'Terminating';
  return [
    claim.metadata.name, phase, textAt(spec, 'volumeName'), textAt(objectAt(objectAt(claim, 'status'), 'capacity'), 'storage'), accessModes(objectAt(claim, 'status')['accessModes']),
    textAt(spec, 'storageClassName'), textAt(spec, 'volumeAttributesClassName') || '<unset>', since(claim.metadata.creationTimestamp, now), textAt(spec, 'volumeMode') || '<unset>',
  ];
}

export function volumeCells(volume: KubernetesObject, now: number): unknown[] {
  const spec = objectAt(volume, 'spec');
  const claim = objectAt(spec, 'claimRef');
  return [
    volume.metadata.name, textAt(objectAt(spec, 'capacity'), 'storage'), accessModes(spec['accessModes']), textAt(spec, 'persistentVolumeReclaimPolicy'),
    volume.metadata.deletionTimestamp === undefined ? textAt(volume['status'], 'phase') : 'Terminating', Object.keys(claim).length === 0 ? '' : `${textAt(claim, 'namespace')}/${textAt(claim, 'name')}`,
    textAt(spec, 'storageClassName'), textAt(spec, 'volumeAttributesClassName') || '<unset>', textAt(volume['status'], 'reason'), since(volume.metadata.creationTimestamp, now), textAt(spec, 'volumeMode') || '<unset>',
  ];
}

const MODES: Readonly<Record<string, string>> = { ReadWriteOnce: 'RWO', ReadOnlyMany: 'ROX', ReadWriteMany: 'RWX', ReadWriteOncePod: 'RWOP' };

function accessModes(modes: unknown): string {
  return Array.isArray(modes) ? modes.map((mode) => MODES[String(mode)] ?? String(mode)).join(',') : '';
}

export function storageClassCells(object: KubernetesObject, now: number): unknown[] {
  return [object.metadata.name, textAt(object, 'provisioner'), textAt(object, 'reclaimPolicy') || 'Delete', textAt(object, 'volumeBindingMode') || 'Immediate', object['allowVolumeExpansion'] === true, since(object.metadata.creationTimestamp, now)];
}

export function priorityClassCells(object: KubernetesObject, now: number): unknown[] {
  return [object.metadata.name, numberAt(object, 'value'), object['globalDefault'] === true, since(object.metadata.creationTimestamp, now), textAt(object, 'preemptionPolicy')];
}

export function runtimeClassCells(object: KubernetesObject, now: number): unknown[] {
  return [object.metadata.name, textAt(object, 'handler'), since(object.metadata.creationTimestamp, now)];
}

export function csiNodeCells(object: KubernetesObject, now: number): unknown[] {
  return [object.metadata.name, objectsAt(object['spec'], 'drivers').length, since(object.metadata.creationTimestamp, now)];
}

export function csrCells(object: KubernetesObject, now: number): unknown[] {
  const spec = objectAt(object, 'spec');
  const conditions = objectsAt(object['status'], 'conditions').map((condition) => textAt(condition, 'type'));
  const words = conditions.includes('Denied') ? ['Denied'] : conditions.includes('Approved') ? ['Approved'] : ['Pending'];
  if (conditions.includes('Failed')) words.push('Failed');
  if (textAt(object['status'], 'certificate') !== '') words.push('Issued');
  return [object.metadata.name, since(object.metadata.creationTimestamp, now), textAt(spec, 'signerName') || '<none>', textAt(spec, 'username'), numberAt(spec, 'expirationSeconds') > 0 ? `${numberAt(spec, 'expirationSeconds')}s` : '<none>', words.join(',')];
}

export function plainCells(object: KubernetesObject, now: number): unknown[] {
  return [object.metadata.name, since(object.metadata.creationTimestamp, now)];
}

function templateCells(object: KubernetesObject): string[] {
  const containers = objectsAt(objectAt(objectAt(objectAt(object, 'spec'), 'template'), 'spec'), 'containers');
  return [containers.map((container) => textAt(container, 'name')).join(','), containers.map((container) => textAt(container, 'image')).join(',')];
}

function selectorCell(object: KubernetesObject): string {
  const selector = objectAt(objectAt(object, 'spec'), 'selector');
  const labels = object.kind === 'ReplicationController' ? selector : objectAt(selector, 'matchLabels');
  return pairs(labels);
}

function pairs(labels: JsonObject): string {
  return Object.entries(labels).map(([key, value]) => `${key}=${String(value)}`).sort().join(',') || '<none>';
}

const sizeOf = (map: unknown): number => (isObject(map) ? Object.keys(map).length : 0);
