import { defaultContainer } from './default-container.ts';
import { Faults } from './faults.ts';
import { POD_SHAPE } from './pod-shape.ts';
import { fit } from './shape.ts';
import type { Pod, PodSpec, Volume } from './types.ts';

const GRACE_SECONDS = 30;
const TOKEN_SECONDS = 3600;

/**
 * The pod with every default filled in that an API server would have filled in; `uid` and `nodeName` where it has none. Doing it twice
 * changes nothing. A pod with a field of the wrong type or one that we do not support comes back as it is: `validatePod` names it.
 */
export function defaultPod(pod: Pod, given: { uid: string; nodeName?: string }): Pod {
  const faults = new Faults();
  const fitted = fit(POD_SHAPE, pod, '', faults);
  return faults.list.length > 0 ? pod : fillIn(fitted as Pod, given);
}

/** `defaultPod` for a pod whose fields are known to have the right types. Kubernetes v1.20 pkg/apis/core/v1/defaults.go. */
export function fillIn(pod: Pod, given: { uid?: string; nodeName?: string }): Pod {
  const uid = presence(pod.metadata?.uid) ?? presence(given.uid);
  const { spec } = pod;
  return {
    ...pod,
    apiVersion: pod.apiVersion ?? 'v1',
    kind: pod.kind ?? 'Pod',
    metadata: { ...pod.metadata, namespace: presence(pod.metadata?.namespace) ?? 'default', ...(uid === undefined ? {} : { uid }) },
    ...(spec === undefined ? {} : { spec: defaultSpec(spec, given.nodeName) }),
  };
}

function defaultSpec(spec: PodSpec, givenNode: string | undefined): PodSpec {
  const hostNetwork = spec.hostNetwork === true;
  const nodeName = presence(spec.nodeName) ?? presence(givenNode);
  return {
    ...spec,
    ...(spec.volumes === undefined ? {} : { volumes: spec.volumes.map(defaultVolume) }),
    ...(spec.initContainers === undefined ? {} : { initContainers: spec.initContainers.map((c) => defaultContainer(c, hostNetwork)) }),
    ...(spec.ephemeralContainers === undefined ? {} : { ephemeralContainers: spec.ephemeralContainers.map((c) => defaultContainer(c, hostNetwork)) }),
    containers: (spec.containers ?? []).map((c) => defaultContainer(c, hostNetwork)),
    restartPolicy: presence(spec.restartPolicy) ?? 'Always',
    terminationGracePeriodSeconds: spec.terminationGracePeriodSeconds ?? GRACE_SECONDS,
    dnsPolicy: presence(spec.dnsPolicy) ?? 'ClusterFirst',
    ...(nodeName === undefined ? {} : { nodeName }),
    securityContext: spec.securityContext ?? {},
    schedulerName: spec.schedulerName ?? 'default-scheduler',
    enableServiceLinks: spec.enableServiceLinks ?? true,
  };
}

/** Everybody may read the files of these volumes. */
const FILE_MODE = 0o644;

function defaultVolume(volume: Volume): Volume {
  const { hostPath, secret, configMap, downwardAPI, projected } = volume;
  if (hostPath !== undefined) return { ...volume, hostPath: { ...hostPath, type: hostPath.type ?? '' } };
  if (secret !== undefined) return { ...volume, secret: { ...secret, defaultMode: secret.defaultMode ?? FILE_MODE } };
  if (configMap !== undefined) return { ...volume, configMap: { ...configMap, defaultMode: configMap.defaultMode ?? FILE_MODE } };
  if (downwardAPI !== undefined) {
    return { ...volume, downwardAPI: { ...downwardAPI, ...defaultFiles(downwardAPI), defaultMode: downwardAPI.defaultMode ?? FILE_MODE } };
  }
  if (projected !== undefined) {
    const sources = projected.sources?.map(defaultSource);
    return { ...volume, projected: { ...projected, ...(sources !== undefined && { sources }), defaultMode: projected.defaultMode ?? FILE_MODE } };
  }
  return Object.keys(volume).some((field) => field !== 'name') ? volume : { ...volume, emptyDir: {} };
}

type Source = NonNullable<NonNullable<Volume['projected']>['sources']>[number];
type Downward = Pick<NonNullable<Volume['downwardAPI']>, 'items'>;

function defaultSource(source: Source): Source {
  const { serviceAccountToken: token, downwardAPI } = source;
  if (token !== undefined) return { ...source, serviceAccountToken: { ...token, expirationSeconds: token.expirationSeconds ?? TOKEN_SECONDS } };
  return downwardAPI === undefined ? source : { ...source, downwardAPI: defaultFiles(downwardAPI) };
}

function defaultFiles({ items }: Downward): Downward {
  if (items === undefined) return {};
  return {
    items: items.map((item) =>
      item.fieldRef === undefined ? item : { ...item, fieldRef: { ...item.fieldRef, apiVersion: presence(item.fieldRef.apiVersion) ?? 'v1' } },
    ),
  };
}

/** Empty text counts as absent, as in the API. */
function presence(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}
