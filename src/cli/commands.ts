import { Command } from 'commander';
import { KmError, messageOf } from '../base/index.ts';

/** Commands by name; each is loaded only when it is called. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  executor: async () => (await import('./executor.ts')).executorCommand(),
  up: async () => (await import('./up.ts')).upCommand(),
  replay: async () => (await import('./replay.ts')).replayCommand(),
  reap: async () => (await import('./reap.ts')).reapCommand(),
  record: async () => (await import('./record.ts')).recordCommand(),
};

/** Runs `km` with this command line. A wrong command line, or input that cannot be used, is one line on standard error and exit 2. */
export async function main(argv: readonly string[]): Promise<void> {
  const program = new Command('km').description('Kubernetes on Mesos').showHelpAfterError('(add --help for all flags)');
  const wanted = argv[2];
  const names = wanted !== undefined && wanted in COMMANDS ? [wanted] : Object.keys(COMMANDS);
  for (const name of names) {
    const command = await COMMANDS[name]?.();
    if (command !== undefined) program.addCommand(command.exitOverride(exit));
  }
  try {
    await program.exitOverride(exit).parseAsync([...argv]);
  } catch (error) {
    if (!(error instanceof KmError)) throw error;
    console.error(`km ${wanted ?? ''}: ${messageOf(error)}`);
    process.exitCode = error.code === 'invalid' ? 2 : 1;
  }
}

function exit({ exitCode }: { exitCode: number }): never {
  process.exit(exitCode === 0 ? 0 : 2);
}
