import { randomBytes } from 'node:crypto';
import { isCode } from '../base/index.ts';
import type { ContainerConfig } from './create-body.ts';
import { NameConflict } from './engine-error.ts';
import type { Engine, InspectedContainer } from './engine.ts';

/**
 * Creates the container under its deterministic name and returns its id.
 *
 * Where the name is taken by a container that is not to be kept, that one is removed and the call repeated; where Docker says "taken" but
 * knows no such container (its books are wrong), the name gets a random suffix (Kubernetes v1.20 pkg/kubelet/dockershim/helpers.go).
 * Throws the `NameConflict` when a container that is to be kept (one that runs, unless told) has the name: it is to be adopted, not doubled.
 */
export async function createWithUniqueName(
  engine: Pick<Engine, 'create' | 'inspect' | 'remove'>,
  config: ContainerConfig,
  isKept: (other: InspectedContainer) => boolean = ({ running }) => running,
): Promise<string> {
  try {
    return await engine.create(config);
  } catch (error) {
    if (!(error instanceof NameConflict)) throw error;
    const other = await engine.inspect(error.otherId ?? config.name).catch((failure: unknown) => {
      if (isCode(failure, 'not-found')) return undefined;
      throw failure;
    });
    if (other === undefined) return engine.create({ ...config, name: `${config.name}_${randomBytes(4).toString('hex')}` });
    if (isKept(other)) throw error;
    await engine.remove(other.id);
    return engine.create(config);
  }
}
