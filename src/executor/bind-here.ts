import { KmError, messageOf } from '../base/index.ts';
import type { PodIdentity } from '../pod/index.ts';
import type { Logger } from '../telemetry/index.ts';
import type { KubernetesSide } from './kubernetes-side.ts';

/** Longest wait for the API while a pod is being launched, milliseconds: an API that is away keeps no pod from running. */
const PATIENCE_MS = 5000;

/**
 * Binds the pod to our node where nobody has bound it yet. True when the API has it for us; false when it has no such pod, or is away.
 * Throws code `conflict` when the pod is another node's, or its name another pod's.
 */
export async function bindHere(api: KubernetesSide, pod: PodIdentity, logger: Logger): Promise<boolean> {
  const outcome = await api.bind(pod, AbortSignal.timeout(PATIENCE_MS)).catch((error: unknown) => {
    logger.warn('pod not bound yet, it runs all the same', { pod: pod.name, error: messageOf(error) });
    return 'away' as const;
  });
  switch (outcome) {
    case 'done':
      return true;
    case 'gone':
    case 'away':
      return false;
    case 'elsewhere':
      throw new KmError('conflict', `pod ${pod.namespace}/${pod.name} is bound to another node`);
    case 'other-uid':
      throw new KmError('conflict', `the API has another pod of the name ${pod.namespace}/${pod.name}`);
  }
}
