import { isCode, KmError, messageOf } from '../base/index.ts';
import { type Engine, PullError, type PullOptions, type RegistryAuth } from '../docker/index.ts';

/**
 * Pulls an image with each of the credentials in turn until one will do; without any when there are none (Kubernetes v1.20
 * pkg/kubelet/kuberuntime/kuberuntime_image.go PullImage). Throws what the Engine threw, or all it threw in one.
 */
export async function pullImage(engine: Pick<Engine, 'pull'>, ref: string, credentials: readonly RegistryAuth[], options: PullOptions): Promise<void> {
  if (credentials.length === 0) return engine.pull(ref, options);
  const failures: unknown[] = [];
  for (const auth of credentials) {
    try {
      return await engine.pull(ref, { ...options, auth });
    } catch (error) {
      // Who it is makes no difference to a registry that is away.
      if (isCode(error, 'aborted', 'timeout') || (error instanceof PullError && error.registryUnavailable)) throw error;
      failures.push(error);
    }
  }
  const last = failures.at(-1);
  const messages = [...new Set(failures.map(messageOf))];
  if (messages.length === 1 || !(last instanceof KmError)) throw last;
  throw new KmError(last.code, `[${messages.join(', ')}]`, { cause: last });
}
