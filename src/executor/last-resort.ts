import { type Clock, messageOf, sleep } from '../base/index.ts';
import type { ExecutorConfig } from '../config/index.ts';
import { connectEngine, labelsOfExecutor } from '../docker/index.ts';
import { AgentConnection, type MesosEnvironment } from '../mesos/index.ts';
import type { Logger } from '../telemetry/index.ts';
import { Memory } from './memory.ts';

interface LastResortOptions {
  readonly config: ExecutorConfig;
  readonly environment: MesosEnvironment;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** For removing the containers, and for telling the agent; milliseconds each. */
const PATIENCE_MS = 10_000;
const MESSAGE = 'the executor crashed again and again, and was given up';

/**
 * The end of an executor whose worker cannot live: removes its containers and tells the agent that its tasks have failed, by as little code as
 * there can be. What is left in files, and in the Kubernetes API, is the next executor's. Never throws.
 */
export async function lastResort({ config, environment, clock, logger }: LastResortOptions): Promise<void> {
  const attempt = (what: string, work: () => Promise<void>): Promise<void> =>
    Promise.race([work(), sleep(clock, PATIENCE_MS)]).catch((error: unknown) => logger.error(`${what} failed`, { error: messageOf(error) }));
  const alive = setInterval(() => undefined, PATIENCE_MS); // timers of the clock keep no process alive
  await attempt('removing the containers', async () => {
    const engine = connectEngine({ host: config.dockerEndpoint, logger, requestTimeoutMs: config.runtimeRequestTimeoutMs });
    const containers = await engine.list(labelsOfExecutor(environment));
    await Promise.all(containers.map(({ id }) => engine.remove(id)));
    engine.close();
  });
  await attempt('telling the agent', async () => {
    const memory = new Memory({ rootDir: config.rootDir, environment, clock, logger });
    const { ledger, state } = memory;
    const connection = new AgentConnection({
      environment,
      contentType: config.contentType === 'json' ? 'application/json' : 'application/x-protobuf',
      ledger,
      logger,
      clock,
      onEvent: () => undefined,
      onLost: () => undefined,
    });
    const known = new Set([...state.pods().map(({ taskId }) => taskId), ...ledger.unacknowledged().tasks.map(({ task_id }) => task_id.value)]);
    for (const taskId of known) {
      if (ledger.has(taskId) && !ledger.isTerminal(taskId)) connection.update({ task_id: { value: taskId }, state: 'TASK_FAILED', reason: 'REASON_EXECUTOR_TERMINATED', message: MESSAGE });
    }
    connection.start();
    await connection.flush(PATIENCE_MS / 2);
    await connection.stop();
    await memory.close();
  });
  clearInterval(alive);
}
