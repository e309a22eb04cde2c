import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { isCode, KmError, messageOf } from '../base/index.ts';
import type { ClusterEvent, ClusterOptions } from '../harness/index.ts';

interface UpFlags {
  readonly filename: readonly string[];
  readonly kubeconfig?: string;
  readonly kubeconfigOut?: string;
  readonly stateDir?: string;
  readonly nodeName?: string;
  readonly port?: number;
  readonly bind: boolean;
  readonly quiet?: boolean;
}

const HELP = `
Flags after -- go to the executor (see km executor --help). In another shell:
  export KUBECONFIG=...   (printed at the start)
  kubectl create -f pod.yaml; kubectl get pods -w`;

/** `km up`: a one-machine cluster in the foreground, until Ctrl-C. */
export function upCommand(): Command {
  return new Command('up')
    .summary('run a one-machine cluster: emulated Mesos agent, Kubernetes API, executor')
    .description('Runs a one-machine cluster in the foreground: an emulated Mesos agent, an embedded Kubernetes API (or a real one) and an executor as its child. Ctrl-C takes all of it back.')
    .argument('[executor-flags...]', 'more flags for the executor, after --')
    .option('-f, --filename <file>', 'create the objects of this YAML or JSON file (- for standard input) at the start; may be given again', collect, [])
    .option('--kubeconfig <file>', 'use the API server of this kubeconfig instead of the embedded one')
    .option('--kubeconfig-out <file>', 'write the kubeconfig of the embedded API here (default: kubeconfig in the state directory)')
    .option('--state-dir <dir>', 'directory for the kubeconfig, the executor\'s files and its log (default: $XDG_STATE_HOME/km or ~/.local/state/km)')
    .option('--node-name <name>', 'name of the node (default: the host name)')
    .option('--port <port>', 'port of the embedded API (default: a free one)', port)
    .option('--no-bind', 'leave it to a scheduler to bind pods to the node')
    .option('--quiet', 'print no events')
    .addHelpText('after', HELP)
    .action(async (executorArguments: string[], flags: UpFlags) => {
      process.exitCode = await up(executorArguments, flags).catch(explain);
    });
}

async function up(executorArguments: readonly string[], flags: UpFlags): Promise<number> {
  const { startCluster } = await import('../harness/index.ts');
  const manifests = await Promise.all(flags.filename.map(readManifest));
  const interrupted = new AbortController();
  const onSignal = (): void => interrupted.abort();
  // Once: a second Ctrl-C ends us the hard way.
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal).once('SIGHUP', onSignal);
  const options: ClusterOptions = {
    stateDir: flags.stateDir ?? defaultStateDir(),
    manifests,
    executorArguments,
    bind: flags.bind,
    signal: interrupted.signal,
    onEvent: flags.quiet === true ? () => undefined : print,
    ...(flags.kubeconfig !== undefined && { kubeconfig: flags.kubeconfig }),
    ...(flags.kubeconfigOut !== undefined && { kubeconfigOut: flags.kubeconfigOut }),
    ...(flags.nodeName !== undefined && { nodeName: flags.nodeName }),
    ...(flags.port !== undefined && { port: flags.port }),
  };
  try {
    await using cluster = await startCluster(options);
    console.log(`export KUBECONFIG=${cluster.kubeconfigPath}`);
    const stopped = new Promise<undefined>((resolve) => interrupted.signal.addEventListener('abort', () => resolve(undefined), { once: true }));
    const died = interrupted.signal.aborted ? undefined : await Promise.race([stopped, cluster.executorExit]);
    if (died === undefined) {
      console.error('Stopping: every pod is killed.');
      return 0;
    }
    console.error(`The executor ended (${died.how}); its log is ${cluster.executorLog}, and ends:\n${died.log}`);
    return 1;
  } catch (error) {
    if (interrupted.signal.aborted) return 130;
    throw error;
  }
}

/** One line for what a user can do something about; anything else is a bug and keeps its stack. */
function explain(error: unknown): number {
  if (!(error instanceof KmError)) throw error;
  console.error(`km up: ${messageOf(error)}`);
  return isCode(error, 'invalid') ? 2 : 1;
}

async function readManifest(file: string): Promise<string> {
  try {
    return file === '-' ? await text(process.stdin) : await readFile(file, 'utf8');
  } catch (error) {
    throw new KmError('invalid', `cannot read ${file}`, { cause: error });
  }
}

/** `12:00:00.123  pod   nginx  1/1 Running 0`, in local time. */
function print(event: ClusterEvent): void {
  const at = new Date(event.at);
  const time = `${at.toTimeString().slice(0, 8)}.${String(at.getMilliseconds()).padStart(3, '0')}`;
  console.log(`${time}  ${event.kind.padEnd(9)} ${describe(event)}`);
}

function describe(event: ClusterEvent): string {
  switch (event.kind) {
    case 'executor':
      return event.message;
    case 'pod':
      return `${event.pod}  ${event.change === 'DELETED' ? 'deleted' : event.summary}`;
    case 'task': {
      const details = [event.reason, event.message].filter((detail) => detail !== undefined && detail !== '').join(': ');
      return `${event.pod}  ${event.state}${details === '' ? '' : `  (${details})`}`;
    }
  }
}

function collect(value: string, before: readonly string[]): string[] {
  return [...before, value];
}

function port(value: string): number {
  const number = Number(value);
  if (!Number.isInteger(number) || number < 0 || number > 65_535) throw new InvalidArgumentError('want a port number, 0 to 65535');
  return number;
}

function defaultStateDir(): string {
  return join(process.env['XDG_STATE_HOME'] ?? join(homedir(), '.local/state'), 'km');
}
