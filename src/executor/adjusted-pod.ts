import { defaultPod, faultText, keepResources, type Pod, type ValidPod, validatePod } from '../pod/index.ts';
import type { Logger } from '../telemetry/index.ts';

export interface Adjustment {
  /** The pod as it shall be from now on. */
  readonly pod: ValidPod;
  /** Fields of the pod in the API that ask for what a running pod cannot get, and so are not followed. */
  readonly refused: readonly string[];
}

/**
 * What becomes of a pod that the API has like this now; `undefined` where nothing differs from `known` that a user may change, or where it could
 * not run. Containers keep the resources that they run with.
 */
export function adjustedPod(given: Pod, known: ValidPod, logger: Logger): Adjustment | undefined {
  if (sameForUsers(given, known)) return undefined;
  const result = validatePod(defaultPod(given, { uid: known.metadata.uid }));
  if ('pod' in result) {
    const { pod, refused } = keepResources(known, result.pod);
    return sameForUsers(pod, known) && refused.length === 0 ? undefined : { pod, refused };
  }
  logger.info('change of a pod is not taken over', { pod: known.metadata.name, error: faultText(result.faults) });
  return undefined;
}

function sameForUsers(a: Pod, b: Pod): boolean {
  const part = ({ spec, metadata }: Pod): string => JSON.stringify([spec, metadata?.labels, metadata?.annotations]);
  return part(a) === part(b);
}
