import { fillIn } from './default-pod.ts';
import { Faults, type Fault } from './faults.ts';
import { POD_SHAPE } from './pod-shape.ts';
import { checkLabel, checkLabelValue, checkQualifiedName, checkSubdomain } from './rules.ts';
import { fit } from './shape.ts';
import type { Pod, ValidPod } from './types.ts';
import { checkSecurityAnnotations } from './validate-security.ts';
import { checkSpec } from './validate-spec.ts';

/** Larger annotations than this, all together, no API server takes (bytes). */
const ANNOTATIONS_BYTES = 256 * 1024;

/**
 * Checks a pod; never throws, whatever it is given. All faults at once, each with the field's path. The valid pod that comes back has its
 * defaults. A part of the spec that we do not do is a fault `spec.X: not supported yet`, never passed over.
 * Kubernetes v1.20 pkg/apis/core/validation.
 */
export function validatePod(pod: Pod): { readonly pod: ValidPod } | { readonly faults: readonly Fault[] } {
  const misfits = new Faults();
  const fitted = fit(POD_SHAPE, pod, '', misfits);
  const filled = fillIn(fitted ?? {}, {});
  const faults = new Faults();
  checkKind(filled, faults);
  checkMetadata(filled.metadata ?? {}, faults);
  checkSecurityAnnotations(filled.metadata?.annotations ?? {}, filled.spec, faults);
  if (filled.spec === undefined) faults.add('spec', 'required');
  else checkSpec(filled.spec, faults);
  // What was left out because it did not fit is told once, not again as missing.
  const rest = faults.list.filter((fault) => !misfits.list.some((m) => m.field === 'pod' || within(fault.field, m.field)));
  const unidentified = misfits.list.length > 0 ? rest.filter((fault) => fault.field !== 'metadata.uid') : rest;
  const all = [...misfits.list, ...unidentified];
  return all.length > 0 ? { faults: all } : { pod: filled as ValidPod };
}

function within(field: string, outer: string): boolean {
  return field === outer || field.startsWith(`${outer}.`) || field.startsWith(`${outer}[`);
}

function checkKind(pod: Pod, faults: Faults): void {
  if (pod.apiVersion !== 'v1') faults.add('apiVersion', 'must be v1');
  if (pod.kind !== 'Pod') faults.add('kind', 'must be Pod');
}

function checkMetadata(metadata: NonNullable<Pod['metadata']>, faults: Faults): void {
  const { name = '', namespace = '', uid = '', labels = {}, annotations = {} } = metadata;
  if (name === '') faults.add('metadata.name', 'required');
  else checkSubdomain(name, 'metadata.name', faults);
  checkLabel(namespace, 'metadata.namespace', faults);
  checkUid(uid, faults);
  for (const [key, value] of Object.entries(labels)) {
    checkQualifiedName(key, 'metadata.labels', faults);
    checkLabelValue(value, `metadata.labels[${key}]`, faults);
  }
  let bytes = 0;
  for (const [key, value] of Object.entries(annotations)) {
    checkQualifiedName(key.toLowerCase(), 'metadata.annotations', faults);
    bytes += key.length + value.length;
  }
  if (bytes > ANNOTATIONS_BYTES) faults.add('metadata.annotations', `must have at most ${ANNOTATIONS_BYTES} bytes`);
}

/** The UID becomes a directory and part of container names. */
function checkUid(uid: string, faults: Faults): void {
  if (uid === '') faults.add('metadata.uid', 'required');
  else if (!/^[A-Za-z0-9][-A-Za-z0-9.]{0,127}$/.test(uid)) faults.add('metadata.uid', "want letters, digits, '-' or '.', at most 128");
}
