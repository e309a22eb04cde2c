/** A one-machine cluster for measuring, and pods in it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startCluster, type Cluster } from '../src/harness/index.ts';
import { podResource, pods } from '../src/kubernetes/index.ts';
import type { Pod } from '../src/pod/index.ts';
import { createLogger } from '../src/telemetry/index.ts';

/** Longest wait for anything a bench waits for, milliseconds. */
const DEADLINE_MS = 120_000;

export class BenchCluster implements AsyncDisposable {
  readonly cluster: Cluster;
  readonly #dir: string;

  private constructor(cluster: Cluster, dir: string) {
    this.cluster = cluster;
    this.#dir = dir;
  }

  static async start(executorArguments: readonly string[] = []): Promise<BenchCluster> {
    const dir = await mkdtemp(join(tmpdir(), 'km-bench-'));
    const logger = createLogger({ level: 'warn', format: 'text' });
    return new BenchCluster(await startCluster({ stateDir: dir, nodeName: 'bench-node', logger, executorArguments: ['--log-level=warn', ...executorArguments] }), dir);
  }

  async create(name: string, pod = nginx(name)): Promise<void> {
    await this.cluster.client.create(pods('default'), pod);
  }

  /** The pod as the API has it now; without a request. */
  get(name: string): Pod | undefined {
    return this.cluster.api?.get({ group: '', resource: 'pods', namespace: 'default', name }) as Pod | undefined;
  }

  /** Resolves as soon as the API says Ready and Mesos says TASK_RUNNING. */
  running(name: string): Promise<void> {
    return this.#until(`pod ${name} runs`, () => {
      const pod = this.get(name);
      const ready = pod?.status?.phase === 'Running' && pod.status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true;
      return ready && this.cluster.agent.tasks.get(this.cluster.taskIdOf(pod))?.latest === 'TASK_RUNNING';
    });
  }

  async delete(name: string): Promise<void> {
    await this.cluster.client.delete(podResource({ namespace: 'default', name }), { gracePeriodSeconds: 1 });
  }

  /** Resolves as soon as the API has no such pod and its task has ended. */
  gone(name: string, taskId: string): Promise<void> {
    return this.#until(`pod ${name} is gone`, () => this.get(name) === undefined && this.cluster.agent.tasks.get(taskId)?.terminal === true);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cluster.stop();
    await rm(this.#dir, { recursive: true, force: true });
  }

  /** Looks after every change of the API's store and every update at the agent: no polling in between. */
  #until(what: string, holds: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (act: () => void): void => {
        clearTimeout(timer);
        for (const release of releases) release();
        act();
      };
      const look = (): void => {
        if (holds()) settle(resolve);
      };
      const timer = setTimeout(() => settle(() => reject(new Error(`not within ${DEADLINE_MS / 1000} s: ${what}`))), DEADLINE_MS);
      const releases = [this.cluster.agent.onUpdate(look), this.cluster.api?.onChange(look) ?? ((): void => undefined)];
      look();
    });
  }
}

/** A pod of one busybox container that runs a shell script. */
export function shellPod(name: string, script: string): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name },
    spec: { terminationGracePeriodSeconds: 0, restartPolicy: 'Never', containers: [{ name: 'main', image: 'busybox', imagePullPolicy: 'IfNotPresent', command: ['sh', '-c', script] }] },
  };
}

function nginx(name: string): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name },
    spec: { terminationGracePeriodSeconds: 1, containers: [{ name: 'nginx', image: 'nginx', imagePullPolicy: 'IfNotPresent' }] },
  };
}
