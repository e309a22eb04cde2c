import { compareQuantities, isSelected, type NodeIdentity, parseQuantity, type PersistentVolume, type PersistentVolumeClaim, type Quantity, tryParseQuantity } from '../../pod/index.ts';

type Selector = NonNullable<NonNullable<PersistentVolumeClaim['spec']>['selector']>;

/**
 * The volume that a claim gets: the one that it names, or that names it, else the smallest that is free and has all it asks for on this node.
 * Undefined while there is none. Kubernetes pkg/controller/volume/persistentvolume, findMatchingVolume.
 */
export function volumeFor(claim: PersistentVolumeClaim, volumes: readonly PersistentVolume[], node: NodeIdentity): PersistentVolume | undefined {
  const named = claim.spec?.volumeName ?? '';
  if (named !== '') return volumes.find((volume) => volume.metadata?.name === named && (volume.spec?.claimRef === undefined || isFor(volume, claim)));
  const waiting = volumes.find((volume) => isFor(volume, claim) && fits(volume, claim));
  return waiting ?? volumes
    .filter((volume) => volume.spec?.claimRef === undefined && fits(volume, claim) && isUsableOn(volume, node))
    .sort((a, b) => compareQuantities(sizeOf(a), sizeOf(b)))[0];
}

/** Whether the volume is bound to that claim, or kept for one of its name. */
export function isFor({ spec }: PersistentVolume, { metadata }: PersistentVolumeClaim): boolean {
  const ref = spec?.claimRef;
  if (ref === undefined || ref.namespace !== metadata?.namespace || ref.name !== metadata?.name) return false;
  return (ref.uid ?? '') === '' || ref.uid === metadata?.uid;
}

function fits({ spec = {}, metadata }: PersistentVolume, { spec: wanted = {} }: PersistentVolumeClaim): boolean {
  const request = tryParseQuantity(wanted.resources?.requests?.['storage'] ?? '0');
  return metadata?.deletionTimestamp === undefined
    && (spec.storageClassName ?? '') === (wanted.storageClassName ?? '')
    && (spec.volumeMode ?? 'Filesystem') === (wanted.volumeMode ?? 'Filesystem')
    && (wanted.accessModes ?? []).every((mode) => spec.accessModes?.includes(mode) === true)
    && (request === undefined || compareQuantities(sizeOf({ spec }), request) >= 0)
    && isChosen(metadata?.labels ?? {}, wanted.selector);
}

function isUsableOn({ spec }: PersistentVolume, node: NodeIdentity): boolean {
  const required = spec?.nodeAffinity?.required;
  return required === undefined || isSelected(node, required);
}

/** A label selector is a node selector of one term, but for the empty one, which chooses all. */
function isChosen(labels: Readonly<Record<string, string>>, { matchLabels = {}, matchExpressions = [] }: Selector = {}): boolean {
  const all = [...Object.entries(matchLabels).map(([key, value]) => ({ key, operator: 'In', values: [value] })), ...matchExpressions];
  return all.length === 0 || isSelected({ name: '', labels }, { nodeSelectorTerms: [{ matchExpressions: all }] });
}

function sizeOf({ spec }: Pick<PersistentVolume, 'spec'>): Quantity {
  return tryParseQuantity(spec?.capacity?.['storage'] ?? '0') ?? parseQuantity('0');
}
