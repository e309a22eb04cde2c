import { goQuoted } from './go-quoted.ts';
import { parseQuantity, toBytes, toMilli } from './quantity.ts';
import { quantityOf } from './resources.ts';
import type { Container, ValidPod } from './types.ts';

/** The fields that a variable may take its value from (Kubernetes v1.20 validEnvDownwardAPIFieldPathExpressions). */
export const ENV_FIELDS = [
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
  'spec.nodeName',
  'spec.serviceAccountName',
  'status.hostIP',
  'status.hostIPs',
  'status.podIP',
  'status.podIPs',
] as const;

/** The fields that a file of a volume may show (Kubernetes v1.20 validVolumeDownwardAPIFieldPathExpressions). */
export const VOLUME_FIELDS = ['metadata.name', 'metadata.namespace', 'metadata.labels', 'metadata.annotations', 'metadata.uid'] as const;

/** The resources that a variable or file may take its value from. */
export const ENV_RESOURCES = [
  'limits.cpu',
  'limits.ephemeral-storage',
  'limits.memory',
  'requests.cpu',
  'requests.ephemeral-storage',
  'requests.memory',
] as const;

/** What a container without limits may use up at most: what the node has for pods. */
export interface NodeAllocatable {
  readonly cpuMilli: bigint;
  readonly memoryBytes: bigint;
  /** Absent: the node does not say. */
  readonly ephemeralStorageBytes?: bigint;
}

const SUBSCRIPTED = /^metadata\.(labels|annotations)\['([^']*)'\]$/;

/** `metadata.labels['app']` as its two parts; undefined for other paths. */
export function subscripted(path: string): { map: 'labels' | 'annotations'; key: string } | undefined {
  const match = SUBSCRIPTED.exec(path);
  return match?.[1] === undefined ? undefined : { map: match[1] as 'labels' | 'annotations', key: match[2] ?? '' };
}

/** Value of a `fieldRef`; empty for what is not there. Kubernetes v1.20 pkg/kubelet/kubelet_pods.go podFieldSelectorRuntimeValue. */
export function fieldValue(
  pod: ValidPod,
  path: string,
  given: { readonly podIP?: string; readonly podIPs?: readonly string[]; readonly hostIP?: string; readonly nodeName?: string },
): string {
  const part = subscripted(path);
  if (part !== undefined) return pod.metadata[part.map]?.[part.key] ?? '';
  switch (path) {
    case 'metadata.name':
      return pod.metadata.name;
    case 'metadata.namespace':
      return pod.metadata.namespace;
    case 'metadata.uid':
      return pod.metadata.uid;
    case 'spec.nodeName':
    case 'spec.host': // the name of old
      return pod.spec.nodeName ?? given.nodeName ?? '';
    case 'spec.serviceAccountName':
      return pod.spec.serviceAccountName ?? '';
    case 'status.hostIP':
    case 'status.hostIPs': // we tell one address of the node
      return given.hostIP ?? '';
    case 'status.podIP':
      return given.podIP ?? '';
    case 'status.podIPs':
      return (given.podIPs ?? (given.podIP === undefined ? [] : [given.podIP])).join(',');
    default:
      return '';
  }
}

/** Value of a `fieldRef` in a volume: as for a variable, and all labels or annotations at once. Kubernetes v1.20 pkg/fieldpath. */
export function volumeFieldValue(pod: ValidPod, path: string): string {
  if (path === 'metadata.labels') return lines(pod.metadata.labels);
  return path === 'metadata.annotations' ? lines(pod.metadata.annotations) : fieldValue(pod, path, {});
}

/** One `key="value"` a line, in the order of the keys. */
function lines(map: Readonly<Record<string, string>> = {}): string {
  return Object.keys(map)
    .sort()
    .map((key) => `${key}=${goQuoted(map[key] ?? '')}`)
    .join('\n');
}

/**
 * Value of a `resourceFieldRef`: divided by its divisor and rounded up. A limit that is not set is what the node can give.
 * Kubernetes v1.20 pkg/api/v1/resource/helpers.go ExtractContainerResourceValue.
 */
export function resourceValue(
  pod: ValidPod,
  container: Container | undefined,
  ref: { containerName?: string; resource: string; divisor?: string },
  nodeAllocatable?: NodeAllocatable,
): string {
  const all = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])];
  const named = ref.containerName === undefined || ref.containerName === '' ? container : all.find((c) => c.name === ref.containerName);
  if (named === undefined) return '';
  const dot = ref.resource.indexOf('.');
  const kind = ref.resource.slice(0, dot) === 'limits' ? 'limits' : 'requests';
  const resource = ref.resource.slice(dot + 1);
  const given = quantityOf(named, kind, resource);
  const node = kind === 'limits' && given.nano === 0n ? nodeAllocatable : undefined;
  const divisor = parseQuantity(ref.divisor ?? '1');

  if (resource === 'cpu') {
    const milli = node?.cpuMilli ?? toMilli(given);
    return divided(milli, divisor.nano === 0n ? 1000n : toMilli(divisor));
  }
  const units = (resource === 'memory' ? node?.memoryBytes : node?.ephemeralStorageBytes) ?? toBytes(given);
  return divided(units, divisor.nano === 0n ? 1n : toBytes(divisor));
}

function divided(value: bigint, divisor: bigint): string {
  return String((value + divisor - 1n) / divisor);
}
