import { Command, InvalidArgumentError } from 'commander';
import { isCode, KmError, messageOf } from '../base/index.ts';
import type { Address } from '../harness/index.ts';

interface RecordFlags {
  readonly listen: Address;
  readonly agent: Address;
  readonly out: string;
  readonly title?: string;
}

const HELP = `
Point the executor at --listen instead of its agent, for instance by MESOS_AGENT_ENDPOINT in ExecutorInfo.command.environment, which
overrides what the agent puts there. Ctrl-C ends the recording. Plain HTTP only. Tokens are never written; pods and messages are, as
they are, so keep the file as you would keep them.`;

/** `km record`: between an executor and an agent. */
export function recordCommand(): Command {
  return new Command('record')
    .summary('record what an executor and a live agent say to each other')
    .description('Sits between an executor and a live agent, hands every byte on unchanged and writes a recording that km replay can play.')
    .requiredOption('--listen <address>', 'where the executor connects: HOST:PORT, or unix:PATH', address)
    .requiredOption('--agent <address>', 'where the agent listens: HOST:PORT, or unix:PATH', address)
    .requiredOption('--out <file>', 'file to write; it must not exist')
    .option('--title <text>', 'what the recording shows')
    .addHelpText('after', HELP)
    .action(async (flags: RecordFlags) => {
      process.exitCode = await record(flags).catch(explain);
    });
}

async function record(flags: RecordFlags): Promise<number> {
  const { Recorder } = await import('../harness/index.ts');
  const { createLogger } = await import('../telemetry/index.ts');
  const { promise: interrupted, resolve } = Promise.withResolvers<void>();
  process.once('SIGINT', resolve).once('SIGTERM', resolve);
  const recorder = await Recorder.start({ ...flags, logger: createLogger({ level: 'info', format: 'text' }) });
  console.error(`recording to ${flags.out}; Ctrl-C ends it`);
  if (recorder.port !== undefined) console.error(`listening on port ${recorder.port}`);
  await interrupted;
  const { header, entries } = await recorder.close();
  const tasks = Object.entries(header.expect).map(([taskId, states]) => `${taskId} ${states.join(' ')}`);
  console.error([`${entries.length} lines recorded`, ...tasks].join('\n  '));
  return 0;
}

/** One line for what a user can do something about; anything else is a bug and keeps its stack. */
function explain(error: unknown): number {
  if (!(error instanceof KmError)) throw error;
  console.error(`km record: ${messageOf(error)}`);
  return isCode(error, 'invalid') ? 2 : 1;
}

function address(value: string): Address {
  if (value.startsWith('unix:') && value.length > 5) return { path: value.slice(5) };
  const { host, port } = /^\[?(?<host>[^[\]]+?)\]?:(?<port>\d+)$/.exec(value)?.groups ?? {};
  const number = Number(port);
  if (host === undefined || !(number <= 65_535)) throw new InvalidArgumentError('expected HOST:PORT or unix:PATH');
  return { host, port: number };
}
