import { connectEngine, labelsOfExecutor } from '../../docker/index.ts';
import type { Logger } from '../../telemetry/index.ts';

export interface RemoveContainersOptions {
  /** Docker Engine, as in DOCKER_HOST. */
  readonly host: string;
  readonly frameworkId: string;
  readonly executorId: string;
  readonly logger: Logger;
}

/**
 * Removes every container that one executor has made; resolves with how many were left. A real agent's cleanup is the executor's own:
 * this is for the executor that was killed before it could.
 */
export async function removeContainers(options: RemoveContainersOptions): Promise<number> {
  const { host, frameworkId, executorId, logger } = options;
  const engine = connectEngine({ host, logger });
  try {
    const left = await engine.list(labelsOfExecutor({ frameworkId, executorId }));
    await Promise.all(left.map(({ id }) => engine.remove(id)));
    if (left.length > 0) logger.warn('removed containers that the executor left behind', { count: left.length });
    return left.length;
  } finally {
    engine.close();
  }
}
