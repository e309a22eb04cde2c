import { isObject, objectAt, objectsAt, textAt, type JsonObject } from './json.ts';
import type { KubernetesObject } from './types.ts';

/*
 * What the API server fills in when nobody says otherwise: Kubernetes pkg/apis/core/v1/defaults.go, apps/v1, batch/v1. This is the
 * other side's rule, kept apart from the executor's own defaults on purpose: a mistake there must not be repeated here.
 * Every function here changes the object it gets.
 */

/** Fills in the defaults of an object that was decoded a moment ago and belongs to nobody else. */
export function setDefaults(object: KubernetesObject): void {
  const spec = objectAt(object, 'spec');
  switch (object.kind) {
    case 'Pod':
      setPodSpecDefaults(spec);
      setPodOnlyDefaults(spec);
      break;
    case 'Node':
      if (isObject(object['status'])) orElse(object['status'], 'allocatable', object['status']['capacity']);
      break;
    case 'Secret':
      orElse(object, 'type', 'Opaque');
      break;
    case 'Service':
      setServiceDefaults(spec);
      break;
    case 'PersistentVolume':
      orElse(spec, 'persistentVolumeReclaimPolicy', 'Retain');
      orElse(spec, 'volumeMode', 'Filesystem');
      break;
    case 'PersistentVolumeClaim':
      orElse(spec, 'volumeMode', 'Filesystem');
      break;
    case 'Endpoints':
      for (const subset of objectsAt(object, 'subsets')) for (const port of objectsAt(subset, 'ports')) orElse(port, 'protocol', 'TCP');
      break;
    case 'PodTemplate':
      setPodSpecDefaults(objectAt(object['template'], 'spec'));
      break;
    case 'CronJob':
      orElse(spec, 'concurrencyPolicy', 'Allow');
      orElse(spec, 'suspend', false);
      orElse(spec, 'successfulJobsHistoryLimit', 3);
      orElse(spec, 'failedJobsHistoryLimit', 1);
      setPodSpecDefaults(objectAt(objectAt(objectAt(spec['jobTemplate'], 'spec'), 'template'), 'spec'));
      break;
    default:
      setWorkloadDefaults(object.kind, spec, object);
  }
}

function setWorkloadDefaults(kind: string, spec: JsonObject, object: KubernetesObject): void {
  if (['ReplicaSet', 'ReplicationController', 'Deployment', 'StatefulSet'].includes(kind)) orElse(spec, 'replicas', 1);
  if (kind === 'Deployment') {
    const strategy = objectAt(spec, 'strategy');
    orElse(strategy, 'type', 'RollingUpdate');
    if (strategy['type'] === 'RollingUpdate') orElse(strategy, 'rollingUpdate', { maxUnavailable: '25%', maxSurge: '25%' });
    orElse(spec, 'revisionHistoryLimit', 10);
    orElse(spec, 'progressDeadlineSeconds', 600);
  }
  if (kind === 'StatefulSet') {
    orElse(spec, 'podManagementPolicy', 'OrderedReady');
    orElse(spec, 'updateStrategy', { type: 'RollingUpdate', rollingUpdate: { partition: 0 } });
    orElse(spec, 'revisionHistoryLimit', 10);
    orElse(spec, 'persistentVolumeClaimRetentionPolicy', { whenDeleted: 'Retain', whenScaled: 'Retain' });
  }
  if (kind === 'DaemonSet') {
    orElse(spec, 'updateStrategy', { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } });
    orElse(spec, 'revisionHistoryLimit', 10);
  }
  if (kind === 'Job') {
    orElse(spec, 'completions', 1);
    orElse(spec, 'parallelism', 1);
    orElse(spec, 'backoffLimit', 6);
    orElse(spec, 'completionMode', 'NonIndexed');
    orElse(spec, 'suspend', false);
    orElse(spec, 'podReplacementPolicy', 'TerminatingOrFailed');
  }
  if (kind === 'ReplicationController') {
    const labels = objectAt(objectAt(spec['template'], 'metadata'), 'labels');
    if (Object.keys(labels).length > 0) orElse(spec, 'selector', { ...labels });
    if (Object.keys(labels).length > 0) orElse(object.metadata, 'labels', { ...labels });
  }
  if (isObject(spec['template'])) setPodSpecDefaults(objectAt(spec['template'], 'spec'));
}

function setPodSpecDefaults(spec: JsonObject): void {
  orElse(spec, 'restartPolicy', 'Always');
  orElse(spec, 'terminationGracePeriodSeconds', 30);
  orElse(spec, 'dnsPolicy', 'ClusterFirst');
  orElse(spec, 'securityContext', {});
  orElse(spec, 'schedulerName', 'default-scheduler');
  if (textAt(spec, 'serviceAccountName') !== '') spec['serviceAccount'] = spec['serviceAccountName'];
  else if (textAt(spec, 'serviceAccount') !== '') spec['serviceAccountName'] = spec['serviceAccount'];
  for (const list of ['containers', 'initContainers', 'ephemeralContainers']) {
    for (const container of objectsAt(spec, list)) setContainerDefaults(container, spec['hostNetwork'] === true);
  }
  for (const volume of objectsAt(spec, 'volumes')) setVolumeDefaults(volume);
}

function setContainerDefaults(container: JsonObject, hostNetwork: boolean): void {
  orElse(container, 'terminationMessagePath', '/dev/termination-log');
  orElse(container, 'terminationMessagePolicy', 'File');
  orElse(container, 'imagePullPolicy', isLatest(textAt(container, 'image')) ? 'Always' : 'IfNotPresent');
  for (const port of objectsAt(container, 'ports')) {
    if (hostNetwork) orElse(port, 'hostPort', port['containerPort']);
    orElse(port, 'protocol', 'TCP');
  }
  for (const variable of objectsAt(container, 'env')) {
    const reference = objectAt(variable['valueFrom'], 'fieldRef');
    if (reference['fieldPath'] !== undefined) orElse(reference, 'apiVersion', 'v1');
    const resource = objectAt(variable['valueFrom'], 'resourceFieldRef');
    if (resource['resource'] !== undefined) orElse(resource, 'divisor', '0');
  }
  for (const name of ['livenessProbe', 'readinessProbe', 'startupProbe']) {
    if (isObject(container[name])) setProbeDefaults(container[name]);
  }
  for (const hook of ['postStart', 'preStop']) setHttpGetDefaults(objectAt(objectAt(container, 'lifecycle'), hook));
}

function setProbeDefaults(probe: JsonObject): void {
  for (const [name, value] of [['timeoutSeconds', 1], ['periodSeconds', 10], ['successThreshold', 1], ['failureThreshold', 3]] as const) {
    if (probe[name] === undefined || probe[name] === 0) probe[name] = value;
  }
  setHttpGetDefaults(probe);
  if (isObject(probe['grpc'])) orElse(probe['grpc'], 'service', '');
}

function setHttpGetDefaults(handler: JsonObject): void {
  if (!isObject(handler['httpGet'])) return;
  orElse(handler['httpGet'], 'path', '/');
  orElse(handler['httpGet'], 'scheme', 'HTTP');
}

function setVolumeDefaults(volume: JsonObject): void {
  if (Object.keys(volume).every((name) => name === 'name')) volume['emptyDir'] = {};
  for (const source of ['secret', 'configMap', 'downwardAPI', 'projected']) {
    if (isObject(volume[source])) orElse(volume[source], 'defaultMode', 0o644);
  }
  if (isObject(volume['hostPath'])) orElse(volume['hostPath'], 'type', '');
  const items = [...objectsAt(volume['downwardAPI'], 'items')];
  for (const source of objectsAt(volume['projected'], 'sources')) {
    if (isObject(source['serviceAccountToken'])) orElse(source['serviceAccountToken'], 'expirationSeconds', 3600);
    items.push(...objectsAt(source['downwardAPI'], 'items'));
  }
  for (const item of items) if (isObject(item['fieldRef'])) orElse(item['fieldRef'], 'apiVersion', 'v1');
}

function setPodOnlyDefaults(spec: JsonObject): void {
  orElse(spec, 'enableServiceLinks', true);
  for (const list of ['containers', 'initContainers']) {
    for (const container of objectsAt(spec, list)) {
      const resources = objectAt(container, 'resources');
      if (isObject(resources['limits'])) resources['requests'] = { ...resources['limits'], ...objectAt(resources, 'requests') };
    }
  }
}

function setServiceDefaults(spec: JsonObject): void {
  orElse(spec, 'sessionAffinity', 'None');
  orElse(spec, 'type', 'ClusterIP');
  if (spec['type'] !== 'ExternalName') {
    orElse(spec, 'ipFamilies', ['IPv4']);
    orElse(spec, 'ipFamilyPolicy', 'SingleStack');
    orElse(spec, 'internalTrafficPolicy', 'Cluster');
  }
  if (spec['type'] === 'NodePort' || spec['type'] === 'LoadBalancer') orElse(spec, 'externalTrafficPolicy', 'Cluster');
  for (const port of objectsAt(spec, 'ports')) {
    orElse(port, 'protocol', 'TCP');
    orElse(port, 'targetPort', port['port']);
  }
}

function orElse(object: Record<string, unknown>, name: string, value: unknown): void {
  if (value !== undefined && (object[name] === undefined || object[name] === '')) object[name] = value;
}

/** Whether an image without a pull policy is always pulled: its tag is `latest`, said or implied (no tag and no digest). */
function isLatest(image: string): boolean {
  const [name = '', digest] = image.split('@');
  const tag = /:([^:/]+)$/.exec(name)?.[1];
  return tag === undefined ? digest === undefined : tag === 'latest';
}
