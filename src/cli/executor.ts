import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { isCode, isNoSpace, messageOf, systemClock } from '../base/index.ts';
import { addExecutorFlags, type ExecutorConfig, executorConfig } from '../config/index.ts';
import type { MesosEnvironment } from '../mesos/index.ts';
import type { KillCause } from '../status/index.ts';
import { GIVEN_UP, supervise, takeMissedSignal } from './supervise.ts';

/** After all but `restart` the supervisor does not start a worker anew. */
const EXIT = { done: 0, usage: 2, lost: 3, restart: 75 } as const;

export function executorCommand(): Command {
  const command = new Command('executor').description('runs pods as Mesos tasks. A Mesos agent launches it: what is not a flag comes from MESOS_* in the environment');
  addExecutorFlags(command);
  return command.action(async () => {
    const supervised = supervise();
    await run(await read(command), supervised);
  });
}

interface Given {
  readonly config: ExecutorConfig;
  readonly environment: MesosEnvironment;
}

/** Flags and environment, or one line with every fault and exit 2. */
async function read(command: Command): Promise<Given> {
  const { mesosEnvironment } = await import('../mesos/index.ts');
  const faults: string[] = [];
  const attempt = <T>(get: () => T): T | undefined => {
    try {
      return get();
    } catch (error) {
      if (!isCode(error, 'invalid')) throw error;
      faults.push(messageOf(error));
      return undefined;
    }
  };
  const config = attempt(() => executorConfig(command.opts(), process.env, command.args));
  const environment = attempt(() => mesosEnvironment(process.env));
  if (config !== undefined && environment !== undefined) return { config, environment };
  return fail(faults.join('; '));
}

function fail(message: string): never {
  console.error(`km executor: ${message}`);
  process.exit(EXIT.usage);
}

async function run({ config, environment }: Given, supervised: boolean): Promise<void> {
  delete process.env.MESOS_EXECUTOR_AUTHENTICATION_TOKEN;
  // Whoever reads our output may go before us (EPIPE): the pods are worth more than the log.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  const [{ Executor, lastResort, openMemory }, { createLogger }] = await Promise.all([import('../executor/index.ts'), import('../telemetry/index.ts')]);
  const logger = createLogger({ level: config.logLevel, format: config.logFormat });
  const missed = takeMissedSignal();
  const given = { config, environment, clock: systemClock, logger };
  const giveUp = async (): Promise<never> => {
    await lastResort(given);
    process.exit(EXIT.lost);
  };
  if (missed === GIVEN_UP) await giveUp();
  const memory = await openMemory({ ...given, rootDir: config.rootDir, waits: missed === undefined }).catch((error: unknown) => {
    if (isCode(error, 'invalid')) return fail(messageOf(error));
    if (missed !== undefined && isNoSpace(error)) return giveUp(); // the agent will not wait for room
    throw error;
  });
  const executor = new Executor({ ...given, memory, version: versionOf() });
  process.on('SIGINT', () => executor.shutdown(endedBy('SIGINT')));
  process.on(supervised ? 'SIGUSR2' : 'SIGTERM', () => executor.shutdown(endedBy('SIGTERM'))); // so the supervisor forwards it
  if (supervised) for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, () => executor.restart());
  if (missed !== undefined) executor.shutdown(endedBy(missed));
  try {
    // Nothing is left to be done then; whatever still holds the process open must not keep Mesos waiting.
    process.exit(EXIT[await executor.run()]);
  } catch (error) {
    if (isCode(error, 'invalid')) fail(messageOf(error));
    throw error;
  }
}

function endedBy(signal: string): KillCause {
  return { kind: 'mesos-shutdown', message: `executor ended by ${signal}` };
}

function versionOf(): string {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string };
  return version;
}
