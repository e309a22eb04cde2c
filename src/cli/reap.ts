import { Command } from 'commander';
import { KmError } from '../base/index.ts';

interface ReapFlags {
  readonly rootDir: string;
  readonly podLogsDir: string;
  readonly dockerEndpoint: string;
  readonly yes?: boolean;
  readonly unknown?: boolean;
}

const HELP = `
An executor is dead when the process that its agent watched is gone, or the machine has been booted since. Nothing of a live one is touched.
The next executor with the same root directory does the same by itself.`;

/** `km reap`: what executors have left that were killed with all their processes. */
export function reapCommand(): Command {
  return new Command('reap')
    .summary('remove what dead executors have left on this machine')
    .description('Lists containers, files, mounts and cgroups of executors that have ended without removing them, and with --yes removes them.')
    .option('--root-dir <dir>', "the executors' root directory", process.env['KM_ROOT_DIR'] ?? '/var/lib/km')
    .option('--pod-logs-dir <dir>', 'where their links to logs are', process.env['KM_POD_LOGS_DIR'] ?? '/var/log')
    .option('--docker-endpoint <url>', 'the Docker Engine', process.env['DOCKER_HOST'] ?? 'unix:///var/run/docker.sock')
    .option('--yes', 'remove it')
    .option('--unknown', 'also containers of executors of which the root directory knows nothing: make sure that none of them lives')
    .addHelpText('after', HELP)
    .action(reap);
}

async function reap({ rootDir, podLogsDir, dockerEndpoint, yes = false, unknown: withUnknown = false }: ReapFlags): Promise<void> {
  const [{ connectEngine, PodCgroups, readLabels }, { findRemains, reapDead }, { createLogger }] = await Promise.all([import('../docker/index.ts'), import('../executor/index.ts'), import('../telemetry/index.ts')]);
  const logger = createLogger({ level: 'warn', format: 'text' });
  const engine = connectEngine({ host: dockerEndpoint, logger });
  try {
    const remains = await findRemains({ rootDir, engine });
    for (const { owner, containers } of remains.dead) {
      console.log(`executor ${owner.executorId} of framework ${owner.frameworkId}: dead`);
      for (const { name, status } of containers) console.log(`  container ${name} (${status})`);
    }
    for (const { name, status, labels } of remains.unknown) console.log(`container ${name} (${status}) of executor ${readLabels(labels)?.owner.executorId ?? ''}: not known here`);
    if (!yes) return console.log('nothing was removed: --yes does it');
    await reapDead({ rootDir, podLogsDir, engine, cgroups: PodCgroups.anywhere((await engine.info()).cgroupVersion), logger }, remains);
    if (withUnknown) await Promise.all(remains.unknown.map(({ id }) => engine.remove(id)));
  } catch (error) {
    throw error instanceof KmError ? error : new KmError('internal', 'reaping failed', { cause: error });
  } finally {
    engine.close();
  }
}
