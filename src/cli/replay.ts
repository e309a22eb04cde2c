import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { isCode, KmError, messageOf, parseGoDuration } from '../base/index.ts';
import type { Recording, ReplayOptions } from '../harness/index.ts';

interface ReplayFlags {
  readonly format: 'text' | 'json' | 'html';
  readonly contentType?: 'protobuf' | 'json';
  readonly timeout: number;
  readonly keep?: boolean;
  readonly kubernetes: boolean;
  readonly executor?: string;
}

const HELP = `
Flags after -- go to the executor (see km executor --help).
Exit codes: 0 the executor agrees with the recording, 1 it differs, 2 the file or a flag is wrong.
One replay at a time on one Docker Engine: recordings share the UIDs and host ports of their pods.`;

/** `km replay FILE`: a recording against a fresh executor. */
export function replayCommand(): Command {
  return new Command('replay')
    .summary('replay a recording against a fresh executor and compare')
    .description('Plays the agent\'s side of a recording against a fresh executor process, with a Kubernetes API beside it, and says where the executor\'s answers differ from what the recording expects.')
    .argument('<file>', 'the recording')
    .argument('[executor-flags...]', 'more flags for the executor, after --')
    .addOption(new Option('--format <format>', 'how to print the timeline and the verdict').choices(['text', 'json', 'html']).default('text'))
    .addOption(new Option('--content-type <type>', 'encoding between executor and agent (default: as recorded)').choices(['protobuf', 'json']))
    .addOption(new Option('--timeout <duration>', 'how long to wait for any one thing that the executor has to do').argParser(duration).default(60_000, '1m'))
    .option('--keep', 'keep the executor\'s files, and what it leaves in Docker')
    .option('--no-kubernetes', 'run the executor without a Kubernetes API')
    .option('--executor <program>', 'an executor other than this one; gets the same flags')
    .addHelpText('after', HELP)
    .action(async (file: string, executorArguments: string[], flags: ReplayFlags) => {
      process.exitCode = await replay(file, executorArguments, flags).catch((error: unknown) => explain(file, error));
    });
}

async function replay(file: string, executorArguments: readonly string[], flags: ReplayFlags): Promise<number> {
  const { dockerContainers, executorExtraEnvironment, htmlReport, planReplay, runReplay, TextReport } = await import('../harness/index.ts');
  const { silentLogger } = await import('../telemetry/index.ts');
  const recording = await read(file);
  const contentType = flags.contentType === undefined ? undefined : (`application/${flags.contentType === 'json' ? 'json' : 'x-protobuf'}` as const);
  const text = new TextReport({ columns: process.stdout.columns ?? 140, color: process.stdout.hasColors?.() ?? false });
  const inText = flags.format === 'text';
  const interrupted = new AbortController();
  const onSignal = (): void => interrupted.abort();
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
  const options: ReplayOptions = {
    recording,
    ...(contentType === undefined ? {} : { contentType }),
    timeoutMs: flags.timeout,
    kubernetes: flags.kubernetes,
    keep: flags.keep === true,
    executor: flags.executor === undefined ? [process.execPath, join(import.meta.dirname, 'main.ts'), 'executor'] : [flags.executor],
    executorArguments,
    environment: executorExtraEnvironment(process.env),
    containers: dockerContainers(process.env.DOCKER_HOST ?? 'unix:///var/run/docker.sock', silentLogger),
    ...(inText ? { onEntry: (entry) => process.stdout.write(text.entry(entry)) } : {}),
    signal: interrupted.signal,
  };
  try {
    if (inText) process.stdout.write(text.head(recording.header.title, recording.header.agent, planReplay(recording, contentType).contentType));
    const report = await runReplay(options);
    process.stdout.write(inText ? text.verdict(report) : flags.format === 'html' ? htmlReport(report) : `${JSON.stringify({ file, ...report }, undefined, 2)}\n`);
    return report.agrees ? 0 : 1;
  } catch (error) {
    if (interrupted.signal.aborted && isCode(error, 'aborted')) return 130;
    throw error;
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  }
}

async function read(file: string): Promise<Recording> {
  const { readRecording } = await import('../harness/index.ts');
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw new KmError('invalid', 'cannot be read', { cause: error });
  }
  return readRecording(text);
}

/** One line for what a user can do something about; anything else is a bug and keeps its stack. */
function explain(file: string, error: unknown): number {
  if (!(error instanceof KmError)) throw error;
  console.error(`km replay: ${file}: ${messageOf(error)}`);
  return isCode(error, 'invalid') ? 2 : 1;
}

function duration(value: string): number {
  try {
    return parseGoDuration(value);
  } catch (error) {
    throw new InvalidArgumentError(messageOf(error));
  }
}
