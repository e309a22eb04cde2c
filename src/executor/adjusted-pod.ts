import { defaultPod, type Fault, faultText, keepResources, type Pod, type ValidPod, validatePod } from '../pod/index.ts';
import type { NotFollowed } from '../runtime/index.ts';
import type { Logger } from '../telemetry/index.ts';

export interface Adjustment {
  /** The pod as it shall be from now on. */
  readonly pod: ValidPod;
  readonly notFollowed: NotFollowed;
}

/**
 * What becomes of a pod that the API has like this now; `undefined` where nothing differs from `known` that a user may change, or where it could
 * not run. Containers keep the resources that they run with; an ephemeral container that cannot run is left out, for it can never be taken away
 * from the pod in the API again, and nothing else would reach the pod any more.
 */
export function adjustedPod(given: Pod, known: ValidPod, logger: Logger): Adjustment | undefined {
  if (sameForUsers(given, known)) return undefined;
  const result = validWithoutFaultyEphemeral(defaultPod(given, { uid: known.metadata.uid }), []);
  if ('pod' in result) {
    const { ephemeral } = result;
    const { pod, refused } = keepResources(known, result.pod);
    return sameForUsers(pod, known) && refused.length === 0 && ephemeral.length === 0 ? undefined : { pod, notFollowed: { resources: refused, ephemeral } };
  }
  logger.info('change of a pod is not taken over', { pod: known.metadata.name, error: faultText(result.faults) });
  return undefined;
}

/** `left`: those that are left out already. */
function validWithoutFaultyEphemeral(pod: Pod, left: NotFollowed['ephemeral']): { pod: ValidPod; ephemeral: NotFollowed['ephemeral'] } | { faults: readonly Fault[] } {
  const result = validatePod(pod);
  if ('pod' in result) return { pod: result.pod, ephemeral: left };
  const { spec: { ephemeralContainers = [], ...spec } = { containers: [] } } = pod;
  const faultsOf = (i: number): Fault[] => result.faults.filter(({ field }) => field.startsWith(`spec.ephemeralContainers[${i}]`));
  const faulty = ephemeralContainers.flatMap(({ name = '' }, i) => (faultsOf(i).length === 0 ? [] : [{ name, why: faultText(faultsOf(i)) }]));
  if (faulty.length === 0) return result;
  const sound = ephemeralContainers.filter((_container, i) => faultsOf(i).length === 0);
  return validWithoutFaultyEphemeral({ ...pod, spec: { ...spec, ...(sound.length === 0 ? {} : { ephemeralContainers: sound }) } }, [...left, ...faulty]);
}

function sameForUsers(a: Pod, b: Pod): boolean {
  const part = ({ spec, metadata }: Pod): string => JSON.stringify([spec, metadata?.labels, metadata?.annotations]);
  return part(a) === part(b);
}
