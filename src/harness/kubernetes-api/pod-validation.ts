import { compareQuantities, tryParseQuantity } from '../../pod/index.ts';
import { field, type Cause } from './api-error.ts';
import { isObject, objectAt, objectsAt, sameJson, textAt, type JsonObject } from './json.ts';
import { checkLabelName } from './names.ts';

/**
 * What the API server would say against a pod's spec (Kubernetes pkg/apis/core/validation), as far as people get it wrong: names,
 * images, ports, mounts, resources, policies. Defaults are already in.
 */
export function checkPodSpec(spec: JsonObject): Cause[] {
  const volumes = objectsAt(spec, 'volumes');
  const causes = checkVolumes(volumes);
  const names = new Set(volumes.map((volume) => textAt(volume, 'name')));
  const containers = objectsAt(spec, 'containers');
  const used = new Set<string>();
  if (containers.length === 0) causes.push(field.required('spec.containers'));
  containers.forEach((container, i) => causes.push(...checkContainer(`spec.containers[${i}]`, container, names, used)));
  objectsAt(spec, 'initContainers').forEach((container, i) => causes.push(...checkContainer(`spec.initContainers[${i}]`, container, names, used)));
  causes.push(...oneOf('spec.restartPolicy', spec['restartPolicy'], ['Always', 'OnFailure', 'Never']));
  causes.push(...oneOf('spec.dnsPolicy', spec['dnsPolicy'], ['ClusterFirst', 'ClusterFirstWithHostNet', 'Default', 'None']));
  const deadline = spec['activeDeadlineSeconds'];
  if (typeof deadline === 'number' && (deadline < 1 || deadline > MAX_INT32)) causes.push(field.invalid('spec.activeDeadlineSeconds', deadline, `must be between 1 and ${MAX_INT32}, inclusive`));
  if (textAt(spec, 'hostname') !== '') causes.push(...checkLabelName('spec.hostname', textAt(spec, 'hostname')));
  return causes;
}

const MAX_INT32 = 2_147_483_647;

function checkVolumes(volumes: readonly JsonObject[]): Cause[] {
  const causes: Cause[] = [];
  const seen = new Set<string>();
  volumes.forEach((volume, i) => {
    const path = `spec.volumes[${i}]`;
    const name = textAt(volume, 'name');
    const sources = Object.keys(volume).filter((key) => key !== 'name');
    for (const extra of sources.slice(1)) causes.push(field.forbidden(`${path}.${extra}`, 'may not specify more than 1 volume type'));
    if (isObject(volume['hostPath']) && textAt(volume['hostPath'], 'path') === '') causes.push(field.required(`${path}.hostPath.path`));
    if (isObject(volume['configMap']) && textAt(volume['configMap'], 'name') === '') causes.push(field.required(`${path}.configMap.name`));
    if (isObject(volume['secret']) && textAt(volume['secret'], 'secretName') === '') causes.push(field.required(`${path}.secret.secretName`));
    if (name === '') causes.push(field.required(`${path}.name`));
    else causes.push(...checkLabelName(`${path}.name`, name));
    if (seen.has(name)) causes.push(field.duplicate(`${path}.name`, name));
    seen.add(name);
  });
  return causes;
}

function checkContainer(path: string, container: JsonObject, volumes: ReadonlySet<string>, used: Set<string>): Cause[] {
  const causes: Cause[] = [];
  const name = textAt(container, 'name');
  if (name === '') causes.push(field.required(`${path}.name`));
  else causes.push(...checkLabelName(`${path}.name`, name));
  if (used.has(name)) causes.push(field.duplicate(`${path}.name`, name));
  used.add(name);
  const image = textAt(container, 'image');
  if (image === '') causes.push(field.required(`${path}.image`));
  else if (image !== image.trim()) causes.push(field.invalid(`${path}.image`, image, 'must not have leading or trailing whitespace'));
  for (const probe of ['livenessProbe', 'startupProbe', 'readinessProbe']) causes.push(...checkProbe(`${path}.${probe}`, probe, container[probe]));
  causes.push(...checkPorts(`${path}.ports`, objectsAt(container, 'ports')));
  objectsAt(container, 'env').forEach((variable, i) => {
    if (textAt(variable, 'name') === '') causes.push(field.required(`${path}.env[${i}].name`));
    if (textAt(variable, 'value') !== '' && isObject(variable['valueFrom'])) causes.push(field.invalid(`${path}.env[${i}].valueFrom`, '', 'may not be specified when `value` is not empty'));
  });
  causes.push(...checkMounts(`${path}.volumeMounts`, objectsAt(container, 'volumeMounts'), volumes));
  causes.push(...oneOf(`${path}.imagePullPolicy`, container['imagePullPolicy'], ['Always', 'IfNotPresent', 'Never']));
  causes.push(...checkResources(`${path}.resources`, objectAt(container, 'resources')));
  return causes;
}

function checkProbe(path: string, kind: string, probe: unknown): Cause[] {
  if (!isObject(probe)) return [];
  const causes: Cause[] = [];
  const handlers = ['exec', 'httpGet', 'tcpSocket', 'grpc'].filter((handler) => isObject(probe[handler]));
  if (handlers.length === 0) causes.push(field.required(path, 'must specify a handler type'));
  for (const extra of handlers.slice(1)) causes.push(field.forbidden(`${path}.${extra}`, 'may not specify more than 1 handler type'));
  for (const name of ['initialDelaySeconds', 'timeoutSeconds', 'periodSeconds', 'successThreshold', 'failureThreshold']) {
    const value = probe[name];
    if (typeof value === 'number' && value < 0) causes.push(field.invalid(`${path}.${name}`, value, 'must be greater than or equal to 0'));
  }
  if (kind !== 'readinessProbe' && probe['successThreshold'] !== 1) causes.push(field.invalid(`${path}.successThreshold`, probe['successThreshold'], 'must be 1'));
  return causes;
}

function checkPorts(path: string, ports: readonly JsonObject[]): Cause[] {
  const causes: Cause[] = [];
  const seen = new Set<string>();
  ports.forEach((port, i) => {
    const name = textAt(port, 'name');
    if (name !== '' && (name.length > 15 || !/^[-a-z0-9]+$/.test(name) || !/[a-z]/.test(name) || /^-|-$|--/.test(name))) causes.push(field.invalid(`${path}[${i}].name`, name, portNameFault(name)));
    else if (name !== '' && seen.has(name)) causes.push(field.duplicate(`${path}[${i}].name`, name));
    seen.add(name);
    for (const key of ['containerPort', 'hostPort']) {
      const number = port[key];
      if (number === undefined || number === 0) {
        if (key === 'containerPort') causes.push(field.required(`${path}[${i}].containerPort`));
      } else if (typeof number !== 'number' || number < 1 || number > 65_535) causes.push(field.invalid(`${path}[${i}].${key}`, number, 'must be between 1 and 65535, inclusive'));
    }
    causes.push(...oneOf(`${path}[${i}].protocol`, port['protocol'], ['SCTP', 'TCP', 'UDP']));
  });
  return causes;
}

function portNameFault(name: string): string {
  if (name.length > 15) return 'must be no more than 15 characters';
  if (!/^[-a-z0-9]+$/.test(name)) return 'must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)';
  if (!/[a-z]/.test(name)) return 'must contain at least one letter (a-z)';
  return name.includes('--') ? 'must not contain consecutive hyphens' : 'must not begin or end with a hyphen';
}

function checkMounts(path: string, mounts: readonly JsonObject[], volumes: ReadonlySet<string>): Cause[] {
  const causes: Cause[] = [];
  const seen = new Set<string>();
  mounts.forEach((mount, i) => {
    const name = textAt(mount, 'name');
    const at = textAt(mount, 'mountPath');
    if (name === '') causes.push(field.required(`${path}[${i}].name`));
    if (!volumes.has(name)) causes.push(field.notFound(`${path}[${i}].name`, name));
    if (at === '') causes.push(field.required(`${path}[${i}].mountPath`));
    if (seen.has(at)) causes.push(field.invalid(`${path}[${i}].mountPath`, at, 'must be unique'));
    seen.add(at);
  });
  return causes;
}

function checkResources(path: string, resources: JsonObject): Cause[] {
  const causes: Cause[] = [];
  const limits = objectAt(resources, 'limits');
  for (const kind of ['limits', 'requests']) {
    for (const [name, value] of Object.entries(objectAt(resources, kind))) {
      const quantity = typeof value === 'string' ? tryParseQuantity(value) : undefined;
      if (quantity === undefined) continue;
      if (quantity.nano < 0n) causes.push(field.invalid(`${path}.${kind}[${name}]`, value, 'must be greater than or equal to 0'));
      const limit = kind === 'requests' ? tryParseQuantity(textAt(limits, name)) : undefined;
      if (limit !== undefined && compareQuantities(quantity, limit) > 0) causes.push(field.invalid(`${path}.requests`, value, `must be less than or equal to ${name} limit of ${textAt(limits, name)}`));
    }
  }
  return causes;
}

function oneOf(path: string, value: unknown, supported: readonly string[]): Cause[] {
  return typeof value === 'string' && supported.includes(value) ? [] : [field.notSupported(path, value ?? '', supported)];
}

const IMMUTABLE_WORDS =
  'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)';

/** What the API server says against a change of a pod's spec: almost all of it never changes (ValidatePodUpdate). */
export function checkPodUpdate(spec: JsonObject, old: JsonObject): Cause[] {
  const causes: Cause[] = [];
  for (const list of ['containers', 'initContainers']) {
    if (objectsAt(spec, list).length !== objectsAt(old, list).length) return [field.forbidden(`spec.${list}`, 'pod updates may not add or remove containers')];
  }
  const deadline = spec['activeDeadlineSeconds'];
  const oldDeadline = old['activeDeadlineSeconds'];
  if (typeof oldDeadline === 'number' && deadline === undefined) causes.push(field.invalid('spec.activeDeadlineSeconds', null, 'must not update from a positive integer to nil value'));
  if (typeof oldDeadline === 'number' && typeof deadline === 'number' && deadline > oldDeadline) causes.push(field.invalid('spec.activeDeadlineSeconds', deadline, 'must be less than or equal to previous value'));
  const tolerations = objectsAt(spec, 'tolerations');
  if (!objectsAt(old, 'tolerations').every((kept) => tolerations.some((toleration) => tolerates(toleration, kept)))) {
    causes.push(field.forbidden('spec.tolerations', 'existing toleration can not be modified except its tolerationSeconds'));
  }
  if (!sameJson(immutablePart(spec, old), immutablePart(old, old))) causes.push(field.forbidden('spec', IMMUTABLE_WORDS));
  return causes;
}

const tolerates = (toleration: JsonObject, kept: JsonObject): boolean => sameJson({ ...toleration, tolerationSeconds: 0 }, { ...kept, tolerationSeconds: 0 });

function immutablePart(spec: JsonObject, old: JsonObject): JsonObject {
  const out: JsonObject = { ...spec };
  for (const name of ['activeDeadlineSeconds', 'tolerations', 'ephemeralContainers']) delete out[name];
  for (const list of ['containers', 'initContainers']) if (out[list] !== undefined) out[list] = objectsAt(out, list).map(({ image: _image, ...rest }) => rest);
  const grace = old['terminationGracePeriodSeconds'];
  if (typeof grace === 'number' && grace < 0 && spec['terminationGracePeriodSeconds'] === 1) out['terminationGracePeriodSeconds'] = grace;
  return out;
}
