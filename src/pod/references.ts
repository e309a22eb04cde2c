import { dataKey, type DataRef } from './data-object.ts';
import { fileVolumeKind } from './file-volume-kind.ts';
import type { Container, ValidPod, Volume } from './types.ts';
import { usedVolumes } from './used-volumes.ts';

/** A token for the pod's service account, as a projected volume asks for it. */
export interface TokenWanted {
  /** Whom it is for; the API server itself unless told. */
  readonly audience?: string;
  readonly expirationSeconds: number;
}

const HOUR_SECONDS = 3600;

/** Every secret and config map that the pod names, each once: a node's identity may read these and no others. */
export function dataRefs(pod: ValidPod): DataRef[] {
  const { volumes = [], initContainers = [], containers, ephemeralContainers = [] } = pod.spec;
  return unique([...pullSecretRefs(pod), ...volumes.flatMap(volumeDataRefs), ...[...initContainers, ...containers, ...ephemeralContainers].flatMap(environmentDataRefs)]);
}

/** The secrets with which the pod's images are pulled. */
export function pullSecretRefs({ spec }: ValidPod): DataRef[] {
  return unique((spec.imagePullSecrets ?? []).flatMap(({ name }) => named('secret', name)));
}

/** What the files of a volume are made of. */
export function volumeDataRefs({ secret, configMap, projected }: Volume): DataRef[] {
  return [
    ...named('secret', secret?.secretName),
    ...named('configMap', configMap?.name),
    ...(projected?.sources ?? []).flatMap((source) => [...named('secret', source.secret?.name), ...named('configMap', source.configMap?.name)]),
  ];
}

/** What a container's variables are made of. */
export function environmentDataRefs({ env = [], envFrom = [] }: Container): DataRef[] {
  return unique([
    ...envFrom.flatMap(({ secretRef, configMapRef }) => [...named('secret', secretRef?.name), ...named('configMap', configMapRef?.name)]),
    ...env.flatMap(({ valueFrom }) => [...named('secret', valueFrom?.secretKeyRef?.name), ...named('configMap', valueFrom?.configMapKeyRef?.name)]),
  ]);
}

/** The tokens that a volume holds. */
export function volumeTokens({ projected }: Volume): TokenWanted[] {
  return (projected?.sources ?? []).flatMap(({ serviceAccountToken }) => (serviceAccountToken === undefined ? [] : [tokenWanted(serviceAccountToken)]));
}

export function tokenWanted({ audience = '', expirationSeconds = HOUR_SECONDS }: { audience?: string; expirationSeconds?: number }): TokenWanted {
  return { expirationSeconds, ...(audience !== '' && { audience }) };
}

/** The first field of the pod that only a Kubernetes API can fill; undefined for a pod that does without one. */
export function fieldThatNeedsApi(pod: ValidPod): string | undefined {
  const { spec } = pod;
  const used = usedVolumes(pod);
  for (const [i, volume] of (spec.volumes ?? []).entries()) {
    if (!used.includes(volume)) continue;
    if (volume.persistentVolumeClaim !== undefined) return `spec.volumes[${i}].persistentVolumeClaim`;
    if (volumeDataRefs(volume).length + volumeTokens(volume).length > 0) return `spec.volumes[${i}].${fileVolumeKind(volume)}`;
  }
  for (const field of ['initContainers', 'containers', 'ephemeralContainers'] as const) {
    for (const [i, { envFrom = [], env = [] }] of (spec[field] ?? []).entries()) {
      const at = `spec.${field}[${i}]`;
      if (envFrom.length > 0) return `${at}.envFrom[0]`;
      const variable = env.findIndex(({ valueFrom }) => valueFrom?.secretKeyRef !== undefined || valueFrom?.configMapKeyRef !== undefined);
      if (variable >= 0) return `${at}.env[${variable}].valueFrom`;
    }
  }
  return undefined;
}

/** One name for one token of a pod. */
export function tokenKey({ audience = '', expirationSeconds }: TokenWanted): string {
  return `${expirationSeconds}/${audience}`;
}

function named(kind: DataRef['kind'], name: string | undefined): DataRef[] {
  return name === undefined || name === '' ? [] : [{ kind, name }];
}

function unique(refs: readonly DataRef[]): DataRef[] {
  return [...new Map(refs.map((ref) => [dataKey(ref), ref])).values()];
}
