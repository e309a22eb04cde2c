import { createWriteStream } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, hostname, totalmem } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { aborted, isCode, KmError, messageOf, sleep, systemClock } from '../../base/index.ts';
import { KubernetesClient, loadKubeconfig } from '../../kubernetes/index.ts';
import type { Json } from '../../pod/index.ts';
import { silentLogger } from '../../telemetry/index.ts';
import { AgentEmulator, ExecutorRun, type ExecutorEnd } from '../agent/index.ts';
import { EmbeddedApi } from '../kubernetes-api/index.ts';
import { ClaimBinder } from './claim-binder.ts';
import { claimStateDir } from './claim-state-dir.ts';
import { executorCommand, executorExtraEnvironment } from './executor-command.ts';
import { createManifests, readManifests } from './manifests.ts';
import { PodLauncher } from './pod-launcher.ts';
import { removeContainers } from './remove-containers.ts';
import { removeFiles, removeFormer } from './remove-former.ts';
import { scalar, taskIdOf } from './task-of-pod.ts';
import type { Cluster, ClusterOptions, ExecutorExit } from './types.ts';
import type { V1Node } from '@kubernetes/client-node';

/** Longest time from the executor's launch to its Node in the API, milliseconds. */
const NODE_DEADLINE_MS = 30_000;
const NODE_POLL_MS = 25;
/** How much of the executor's output is kept for the message when it dies, characters. */
const LOG_TAIL = 4_000;

/**
 * Resolves when the API answers, the executor has subscribed, its node is registered and the manifests are created. Throws code
 * `invalid` (a manifest, a kubeconfig, an executor that does not start), `timeout` (it does not get ready) or whatever the API says;
 * what was started until then is stopped.
 */
export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const { onEvent = () => undefined, logger = silentLogger, signal } = options;
  const manifests = (options.manifests ?? []).flatMap((text, index) => readManifests(text, `manifest ${index + 1}`));
  const nodeName = (options.nodeName ?? hostname()).toLowerCase();
  const stateDir = resolve(options.stateDir);
  const rootDir = join(stateDir, 'executor');
  const executorLog = join(stateDir, 'executor.log');

  // Taken back in the opposite order, each whatever became of the others.
  await using started = new AsyncDisposableStack();
  started.defer(await claimStateDir(stateDir));
  const warn = (message: string): void => {
    logger.warn(message);
    onEvent({ kind: 'executor', at: Date.now(), message });
  };
  await removeFormer({ rootDir, podLogsDir: join(rootDir, 'pod-logs'), logger, warn }); // its pods were another API's
  const { api, kubeconfigPath } = await provideApi(options, stateDir, started);
  const client = new KubernetesClient({ access: await loadKubeconfig(kubeconfigPath), logger, userAgent: 'km-up' });
  started.defer(() => client.close());

  const agent = await AgentEmulator.start({
    hostname: nodeName,
    resources: [scalar('cpus', availableParallelism()), scalar('mem', Math.floor(totalmem() / 2 ** 20)), scalar('disk', 10_000)],
    recoveryTimeout: '10secs', // if we are killed, the executor soon ends its pods and itself
    shutdownGracePeriodMs: options.shutdownGracePeriodMs ?? 5_000,
    logger,
  });
  started.defer(() => agent.close());
  const podNames = new Map<string, string>();
  agent.onUpdate(({ state, at, status }) => {
    const { reason, message, task_id } = status;
    const details = { ...(reason !== undefined && { reason: String(reason) }), ...(message !== undefined && { message }) };
    onEvent({ kind: 'task', at, taskId: task_id.value, pod: podNames.get(task_id.value) ?? task_id.value, state, ...details });
  });

  started.defer(() => removeFiles(rootDir, warn));
  const { frameworkId, executorId, agentId } = agent.identity;
  started.defer(() => removeContainers({ host: process.env['DOCKER_HOST'] ?? 'unix:///var/run/docker.sock', frameworkId, executorId, logger }).then(() => undefined));
  const log = createWriteStream(executorLog, { mode: 0o600 });
  log.on('error', (error) => logger.warn('cannot write the executor\'s log', { error: messageOf(error) }));
  started.defer(() => new Promise<void>((done) => log.end(done)));
  let tail = '';
  const keep = (chunk: Buffer): void => {
    if (log.writable) log.write(chunk);
    tail = (tail + chunk.toString()).slice(-LOG_TAIL);
  };
  const run = await ExecutorRun.launch({
    agent,
    command: executorCommand({ kubeconfig: kubeconfigPath, rootDir, podLogsDir: join(rootDir, 'pod-logs'), nodeName, more: options.executorArguments ?? [] }),
    environment: executorExtraEnvironment(process.env),
    sandbox: join(rootDir, 'sandbox'),
    stdout: keep,
    stderr: keep,
    logger,
  });
  started.defer(() => run.shutdown().then(() => undefined));
  onEvent({ kind: 'executor', at: Date.now(), message: `process ${run.process.pid} started` });
  await untilReady({ agent, client, run, nodeName, tail: () => tail, ...(signal !== undefined && { signal }) });
  onEvent({ kind: 'executor', at: Date.now(), message: `subscribed, node ${nodeName} is Ready` });

  if (api !== undefined) {
    const node = await client.get({ apiVersion: 'v1', resource: 'nodes', name: nodeName }, signal === undefined ? {} : { signal });
    const binder = new ClaimBinder({ client, node: { name: nodeName, labels: node.metadata?.labels ?? {} }, logger });
    started.defer(() => binder.stop());
    binder.start();
  }
  const launcher = new PodLauncher({
    client,
    nodeName,
    agentId,
    bind: options.bind ?? true,
    launch: (pod, task) => {
      podNames.set(task.task_id.value, pod);
      agent.launch(task);
    },
    onEvent,
    logger,
  });
  started.defer(() => launcher.stop());
  launcher.start();
  await createManifests(client, manifests, signal);

  const rest = started.move();
  let stopped: Promise<void> | undefined;
  const stop = (): Promise<void> => (stopped ??= rest.disposeAsync());
  return {
    nodeName,
    kubeconfigPath,
    client,
    agent,
    api,
    executorPid: run.process.pid,
    executorLog,
    executorExit: run.ended.then((end) => (stopped === undefined ? exitOf(end, tail) : new Promise<never>(() => undefined))),
    taskIdOf,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** The embedded API with a kubeconfig for it, or the real one of `--kubeconfig`. */
async function provideApi(options: ClusterOptions, stateDir: string, started: AsyncDisposableStack): Promise<{ api: EmbeddedApi | undefined; kubeconfigPath: string }> {
  if (options.kubeconfig !== undefined) return { api: undefined, kubeconfigPath: resolve(options.kubeconfig) };
  const api = await EmbeddedApi.start({
    tls: true, // over plain HTTP anybody on this machine could start pods
    ...(options.port !== undefined && { port: options.port }),
    ...(options.logger !== undefined && { logger: options.logger }),
  });
  started.defer(() => api.stop());
  const kubeconfigPath = resolve(options.kubeconfigOut ?? join(stateDir, 'kubeconfig'));
  await mkdir(dirname(kubeconfigPath), { recursive: true });
  await writeFile(kubeconfigPath, api.kubeconfig(), { mode: 0o600 });
  started.defer(() => rm(kubeconfigPath, { force: true }));
  return { api, kubeconfigPath };
}

interface Readiness {
  readonly agent: AgentEmulator;
  readonly client: KubernetesClient;
  readonly run: ExecutorRun;
  readonly nodeName: string;
  readonly tail: () => string;
  readonly signal?: AbortSignal;
}

/** Resolves when the executor has subscribed and its node is Ready. Throws when it ends before, or takes too long. */
async function untilReady({ agent, client, run, nodeName, tail, signal }: Readiness): Promise<void> {
  const end = new AbortController();
  const give = signal === undefined ? end.signal : AbortSignal.any([signal, end.signal]);
  const died = run.ended.then((exit) => {
    throw new KmError('internal', `the executor ended (${howItEnded(exit)}) before it was ready:\n${tail()}`);
  });
  const ready = async (): Promise<void> => {
    await agent.waitFor((now) => now.subscribed, { deadlineMs: NODE_DEADLINE_MS, signal: give, what: 'the subscription of the executor' });
    const deadline = systemClock.now() + NODE_DEADLINE_MS;
    while (!(await isNodeReady(client, nodeName, give))) {
      if (systemClock.now() > deadline) throw new KmError('timeout', `node ${nodeName} was not Ready within ${NODE_DEADLINE_MS / 1000} s; the end of the executor's log:\n${tail()}`);
      await sleep(systemClock, NODE_POLL_MS, give);
    }
  };
  try {
    await Promise.race([ready(), died]);
  } catch (error) {
    throw signal?.aborted === true ? aborted(signal) : error;
  } finally {
    end.abort();
    died.catch(() => undefined);
  }
}

async function isNodeReady(client: KubernetesClient, name: string, signal: AbortSignal): Promise<boolean> {
  try {
    const node = await client.get<Json<V1Node>>({ apiVersion: 'v1', resource: 'nodes', name }, { signal });
    return node.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;
  } catch (error) {
    if (isCode(error, 'not-found')) return false;
    throw error;
  }
}

function exitOf(end: ExecutorEnd, log: string): ExecutorExit {
  return { how: howItEnded(end), code: end.code, signal: end.signal, log };
}

function howItEnded(end: ExecutorEnd): string {
  const by = end.destroyedBy === undefined ? '' : `, ended by the agent: ${end.destroyedBy}`;
  return `${end.signal === null ? `exit code ${end.code}` : `signal ${end.signal}`}${by}`;
}
