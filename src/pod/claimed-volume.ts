import { KmError } from '../base/index.ts';
import { isSelected, type NodeIdentity } from './node-affinity.ts';
import type { PersistentVolume, PersistentVolumeClaim, ValidPod, Volume } from './types.ts';
import { usedVolumes } from './used-volumes.ts';

/** A persistent volume as a pod gets it through a claim of its. */
export interface ClaimedVolume {
  /** The persistent volume's: messages name it, not the pod's volume. */
  readonly name: string;
  readonly source: ClaimedSource;
  readonly readOnly: boolean;
  readonly mountOptions: readonly string[];
  /** What is in it belongs to this group: containers of the pod are members. */
  readonly group?: number;
  /** It is to be had on the pod's node; where not, it must not be mounted. */
  readonly here: boolean;
}

/** On a persistent volume (Kubernetes v1.20 pkg/volume/util VolumeGidAnnotationKey). */
const GROUP = 'pv.beta.kubernetes.io/gid';

export type ClaimedSource =
  | { readonly kind: 'hostPath'; readonly path: string; readonly type: string }
  | { readonly kind: 'local'; readonly path: string }
  | { readonly kind: 'nfs'; readonly server: string; readonly path: string };

/** Fields of a persistent volume's spec that name no kind of storage. */
const NO_SOURCE: ReadonlySet<string> = new Set([
  'accessModes', 'capacity', 'claimRef', 'mountOptions', 'nodeAffinity', 'persistentVolumeReclaimPolicy', 'storageClassName', 'volumeAttributesClassName', 'volumeMode',
]);

/**
 * The name of the persistent volume that a claim has got. Throws code `workload` in the kubelet's words while it has none.
 * Kubernetes v1.20 pkg/kubelet/volumemanager/populator, getPVCExtractPV.
 */
export function volumeNameOf({ metadata, status, spec }: PersistentVolumeClaim): string {
  if (metadata?.deletionTimestamp !== undefined) throw new KmError('workload', 'PVC is being deleted');
  if (status?.phase !== 'Bound') throw new KmError('workload', 'PVC is not bound');
  const name = spec?.volumeName ?? '';
  if (name === '') throw new KmError('workload', 'PVC has empty pvc.Spec.VolumeName');
  return name;
}

/**
 * What to mount for a claim: the volume must point back to this very claim and be of a kind that we mount. Throws code `workload` with
 * the kubelet's words. Same place, getPVSpec and createVolumeSpec.
 */
export function claimedVolume(volume: PersistentVolume, claim: PersistentVolumeClaim, pod: Volume): Omit<ClaimedVolume, 'here'> {
  const { spec = {}, metadata = {} } = volume;
  const name = metadata.name ?? '';
  if (spec.claimRef === undefined) {
    throw new KmError('workload', `found PV object ${name} but it has a nil pv.Spec.ClaimRef indicating it is not yet bound to the claim`);
  }
  if (claim.metadata?.uid === undefined || spec.claimRef.uid !== claim.metadata.uid) {
    throw new KmError('workload', `found PV object ${name} but its pv.Spec.ClaimRef.UID ${spec.claimRef.uid ?? ''} does not point to claim.UID ${claim.metadata?.uid ?? ''}`);
  }
  if ((spec.volumeMode ?? 'Filesystem') !== 'Filesystem') {
    throw new KmError('workload', `volume ${pod.name} has volumeMode ${spec.volumeMode}, but is specified in volumeMounts`);
  }
  const group = metadata.annotations?.[GROUP] ?? '';
  return {
    name,
    ...(/^\d{1,10}$/.test(group) && { group: Number(group) }), // the kubelet passes over what is no number, too
    source: sourceOf(name, spec),
    readOnly: pod.persistentVolumeClaim?.readOnly === true || spec.nfs?.readOnly === true,
    mountOptions: spec.mountOptions ?? [],
  };
}

function sourceOf(name: string, spec: NonNullable<PersistentVolume['spec']>): ClaimedSource {
  const { hostPath, local, nfs } = spec;
  if (hostPath !== undefined) return { kind: 'hostPath', path: hostPath.path, type: hostPath.type ?? '' };
  if (local !== undefined) return { kind: 'local', path: local.path };
  if (nfs !== undefined) return { kind: 'nfs', server: nfs.server, path: nfs.path };
  const kind = Object.keys(spec).find((field) => !NO_SOURCE.has(field)) ?? 'no kind';
  throw new KmError('workload', `not supported: PV ${name} is of kind ${kind}; a claim has to be bound to a PV of kind hostPath, local or nfs`);
}

/** Whether the volume is to be had on a node. */
export function isVolumeOn({ spec }: PersistentVolume, node: NodeIdentity): boolean {
  const required = spec?.nodeAffinity?.required;
  return required === undefined || isSelected(node, required);
}

/** The pod's volumes that stand for claims and that a container uses. */
export function claimVolumes(pod: ValidPod): Volume[] {
  return usedVolumes(pod).filter(({ persistentVolumeClaim }) => persistentVolumeClaim !== undefined);
}

/** Whether every mount of the volume is read-only, whatever the mount itself says. */
export function isReadOnlyVolume({ persistentVolumeClaim, nfs }: Volume): boolean {
  return persistentVolumeClaim?.readOnly === true || nfs?.readOnly === true;
}
