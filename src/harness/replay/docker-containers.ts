import { connectEngine, labelsOfExecutor } from '../../docker/index.ts';
import type { Logger } from '../../telemetry/index.ts';

/** Whose containers. */
export interface ContainerOwner {
  readonly frameworkId: string;
  readonly executorId: string;
}

/** What is left of an executor in Docker. */
export interface ExecutorContainers {
  /** Names, whatever their state. Throws code `unavailable` when no Engine answers. */
  list(owner: ContainerOwner): Promise<readonly string[]>;
  remove(owner: ContainerOwner): Promise<void>;
}

/** The containers on the Engine at `host` (as in DOCKER_HOST). */
export function dockerContainers(host: string, logger: Logger): ExecutorContainers {
  const withEngine = async <T>(use: (engine: ReturnType<typeof connectEngine>) => Promise<T>): Promise<T> => {
    const engine = connectEngine({ host, logger });
    try {
      return await use(engine);
    } finally {
      engine.close();
    }
  };
  return {
    list: (owner) => withEngine(async (engine) => (await engine.list(labelsOfExecutor(owner))).map(({ name }) => name)),
    remove: (owner) =>
      withEngine(async (engine) => {
        for (const { id } of await engine.list(labelsOfExecutor(owner))) await engine.remove(id);
      }),
  };
}
