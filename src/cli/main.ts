#!/usr/bin/env node
import { Command } from 'commander';

/** Commands by name; each is loaded only when it is called. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  executor: async () => (await import('./executor.ts')).executorCommand(),
  up: async () => (await import('./up.ts')).upCommand(),
  replay: async () => (await import('./replay.ts')).replayCommand(),
  record: async () => (await import('./record.ts')).recordCommand(),
};

const program = new Command('km').description('Kubernetes on Mesos').showHelpAfterError('(add --help for all flags)');
const wanted = process.argv[2];
const names = wanted !== undefined && wanted in COMMANDS ? [wanted] : Object.keys(COMMANDS);
for (const name of names) {
  const command = await COMMANDS[name]?.();
  if (command === undefined) continue;
  // A wrong command line is exit 2, --help is 0.
  program.addCommand(command.exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2)));
}
await program.parseAsync();
