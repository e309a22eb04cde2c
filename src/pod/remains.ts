import { defaultPod } from './default-pod.ts';
import type { Pod, ValidPod } from './types.ts';
import { validatePod } from './validate.ts';

/**
 * Of a pod that is refused, what still has to be kept: who it is, and nothing to run. `undefined` when not even its identity is one that
 * could be in an API.
 */
export function remainsOf({ metadata }: Pod): ValidPod | undefined {
  const { name, namespace, uid } = metadata ?? {};
  if (typeof uid !== 'string' || uid === '') return undefined;
  const identity = { ...(name === undefined ? {} : { name }), ...(namespace === undefined ? {} : { namespace }), uid };
  const result = validatePod(defaultPod({ metadata: identity, spec: { containers: [{ name: 'none', image: 'none' }], terminationGracePeriodSeconds: 0 } }, { uid }));
  return 'faults' in result ? undefined : { ...result.pod, spec: { ...result.pod.spec, containers: [] } };
}
