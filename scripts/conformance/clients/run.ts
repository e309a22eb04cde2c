/** Tries with every kubectl at hand what people do with one: the suite has none of debug, attach and top, and only the kubectl of its own release. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { SpecResult } from '../junit.ts';
import { Client, until, versionOf } from './client.ts';
import { TRIES, type Try } from './tries.ts';

export interface ClientsOptions {
  /** The programs to try; one of a version that was tried already is left out, and so is one that is not there. */
  readonly files: readonly string[];
  readonly kubeconfig: string;
  /** Image with a shell, in the Engine. */
  readonly image: string;
  /** Image with the suite's server, in the Engine. */
  readonly server: string;
  /** For what they write. */
  readonly dir: string;
  readonly signal: AbortSignal;
}

/** How long one try may take, milliseconds. */
const LIMIT_MS = 60_000;

/** Resolves with what failed; each try is told on a line when it is over. Nothing that was started is left, but for namespaces that are on their way out. */
export async function tryClients(options: ClientsOptions): Promise<SpecResult[]> {
  const versions = new Map<string, string>();
  for (const file of options.files) {
    const version = await versionOf(file);
    if (version !== undefined && !versions.has(version)) versions.set(version, file);
  }
  return (await Promise.all([...versions].map(([version, file]) => tryClient(version, file, options)))).flat();
}

async function tryClient(version: string, file: string, { kubeconfig, image, server, dir: parent, signal }: ClientsOptions): Promise<SpecResult[]> {
  const minor = Number(/^v1\.(\d+)/.exec(version)?.[1]);
  const namespace = `kubectl-${version.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')}`;
  const dir = join(parent, namespace);
  mkdirSync(dir);
  using client = new Client({ file, kubeconfig, namespace, dir });
  const failed: SpecResult[] = [];
  try {
    const trying = async (one: Try): Promise<void> => {
      const failure = await attempt(`kubectl ${version}: ${one.name}`, () => within(one.run(client, minor, image), signal));
      if (failure !== undefined) failed.push(failure);
    };
    await trying({ name: 'pods are created and get ready', run: () => startPods(client, image, server) });
    if (failed.length > 0) return failed;
    for (const one of TRIES) {
      signal.throwIfAborted();
      const unable = one.unable?.(minor);
      if (unable === undefined) await trying(one);
      else console.log(`  left out  kubectl ${version}: ${one.name}: it ${unable}`);
    }
    return failed;
  } finally {
    await client.run(['delete', 'pods', '--all']);
    await client.run(['delete', 'namespace', namespace, '--wait=false']);
  }
}

/** Throws when it is not over in time. What then still waits is not heard any more, and its kubectl ends with the client. */
async function within(running: Promise<void>, signal: AbortSignal): Promise<void> {
  const { promise, reject } = Promise.withResolvers<never>();
  const limit = AbortSignal.any([signal, AbortSignal.timeout(LIMIT_MS)]);
  limit.addEventListener('abort', () => reject(signal.aborted ? signal.reason : new Error(`took longer than ${LIMIT_MS / 1000} s`)));
  await Promise.race([running, promise]);
}

async function attempt(name: string, run: () => Promise<void>): Promise<SpecResult | undefined> {
  const began = performance.now();
  const seconds = (): number => (performance.now() - began) / 1000;
  try {
    await run();
    console.log(`  ok      ${name}, ${seconds().toFixed(1)} s`);
    return undefined;
  } catch (error) {
    const [message, output] = error instanceof Error ? [error.message, error.stack ?? ''] : [String(error), ''];
    console.log(`  FAILED  ${name}: ${message.replaceAll(/\s+/g, ' ').slice(0, 300)}`);
    return { name, seconds: seconds(), state: 'failed', message, output };
  }
}

async function startPods(client: Client, image: string, server: string): Promise<void> {
  await client.output(['create', 'namespace', client.namespace]);
  await until('a service account', async () => (await client.run(['get', 'serviceaccount', 'default'])).code === 0);
  const pod = (name: string, containers: readonly object[]): object => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name },
    spec: { terminationGracePeriodSeconds: 0, restartPolicy: 'Never', containers: containers.map((one) => ({ image, imagePullPolicy: 'IfNotPresent', ...one })) },
  });
  const reading = 'while read line; do sleep 0.3; echo "got $line"; [ "$line" = end ] && exit; done';
  const items = [
    pod('box', [{ name: 'main', command: ['sleep', '100001'] }, { name: 'hello', image: server, args: ['netexec', '--http-port=7003'] }]),
    pod('reader', [{ name: 'main', stdin: true, command: ['sh', '-c', reading] }]),
  ];
  await client.output(['create', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  await client.output(['wait', '--for=condition=Ready', '--timeout=25s', 'pod/box', 'pod/reader']);
}
