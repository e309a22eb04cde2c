import { defaultPod, faultText, type Pod, type ValidPod, validatePod } from '../pod/index.ts';
import type { Logger } from '../telemetry/index.ts';

/** The pod as the API has it now, where that differs from `known` in something a user may change; `undefined` where it does not, or cannot run. */
export function adjustedPod(given: Pod, known: ValidPod, logger: Logger): ValidPod | undefined {
  if (sameForUsers(given, known)) return undefined;
  const result = validatePod(defaultPod(given, { uid: known.metadata.uid }));
  if ('pod' in result) return sameForUsers(result.pod, known) ? undefined : result.pod;
  logger.info('change of a pod is not taken over', { pod: known.metadata.name, error: faultText(result.faults) });
  return undefined;
}

function sameForUsers(a: Pod, b: Pod): boolean {
  const part = ({ spec, metadata }: Pod): string => JSON.stringify([spec, metadata?.labels, metadata?.annotations]);
  return part(a) === part(b);
}
