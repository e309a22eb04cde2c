import { isSidecar, type PodSpec } from '../pod/index.ts';

/**
 * The order in which a pod's containers are told to stop: regular ones and init containers at once, sidecars when all regular ones have ended, the
 * last of the spec first (Kubernetes v1.33 pkg/kubelet/kuberuntime/kuberuntime_termination_order.go).
 */
export class StopTurns {
  readonly #ends = new Map<string, PromiseWithResolvers<void>>();
  readonly #before = new Map<string, readonly string[]>();

  /** `names`: of the containers that are to be stopped. */
  constructor({ containers, initContainers = [] }: Pick<PodSpec, 'containers' | 'initContainers'>, names: readonly string[]) {
    for (const name of names) this.#ends.set(name, Promise.withResolvers());
    const before = containers.map(({ name }) => name);
    for (const { name } of initContainers.filter(isSidecar).toReversed()) {
      this.#before.set(name, [...before]);
      before.push(name);
    }
  }

  /** Resolves when it is this container's turn, or `signal` aborts. */
  async turnOf(name: string, signal: AbortSignal): Promise<void> {
    const ends = (this.#before.get(name) ?? []).map((other) => this.#ends.get(other)?.promise).filter((end) => end !== undefined);
    if (ends.length === 0 || signal.aborted) return;
    const given = Promise.withResolvers<void>();
    const giveUp = (): void => given.resolve();
    signal.addEventListener('abort', giveUp, { once: true });
    await Promise.race([Promise.all(ends), given.promise]);
    signal.removeEventListener('abort', giveUp);
  }

  /** That container has ended, or could not be stopped: the others wait no longer. */
  ended(name: string): void {
    this.#ends.get(name)?.resolve();
  }
}
