import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startCluster, type Cluster } from '../../../src/harness/index.ts';
import { podResource, pods } from '../../../src/kubernetes/index.ts';
import type { Container, Pod, PodSpec } from '../../../src/pod/index.ts';

/** Whether this machine has a kubectl: tests with it are skipped otherwise. */
export const HAS_KUBECTL = spawnSync('kubectl', ['version', '--client'], { stdio: 'ignore' }).status === 0;

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Of standard output. */
  readonly bytes: Buffer;
}

/** A kubectl at work. */
export class Kubectl {
  readonly process: ChildProcess;
  readonly #out: Buffer[] = [];
  readonly #err: Buffer[] = [];
  readonly ended: Promise<Ended>;

  constructor(command: string, args: readonly string[], environment: NodeJS.ProcessEnv) {
    this.process = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], env: environment });
    this.process.stdout?.on('data', (chunk: Buffer) => this.#out.push(chunk));
    this.process.stderr?.on('data', (chunk: Buffer) => this.#err.push(chunk));
    this.process.stdin?.on('error', () => undefined); // it may end without having read all
    this.ended = new Promise((resolve, reject) => {
      this.process.once('error', reject);
      this.process.once('close', (code) => resolve({ code: code ?? -1, stdout: this.stdout, stderr: this.stderr, bytes: Buffer.concat(this.#out) }));
    });
  }

  get stdout(): string {
    return Buffer.concat(this.#out).toString();
  }

  get stderr(): string {
    return Buffer.concat(this.#err).toString();
  }

  write(text: string): void {
    this.process.stdin?.write(text);
  }

  end(input: string | Buffer = ''): void {
    this.process.stdin?.end(input);
  }

  kill(signal: NodeJS.Signals = 'SIGKILL'): void {
    this.process.kill(signal);
  }
}

/** A one-machine cluster as a user sees it, through kubectl. */
export class TryKubectl implements AsyncDisposable {
  readonly cluster: Cluster;
  readonly dir: string;
  readonly #started: Kubectl[] = [];

  private constructor(cluster: Cluster, dir: string) {
    this.cluster = cluster;
    this.dir = dir;
  }

  static async start(nodeName: string, executorArguments: readonly string[] = []): Promise<TryKubectl> {
    const dir = await mkdtemp(join(tmpdir(), 'km-kubectl-'));
    return new TryKubectl(await startCluster({ stateDir: dir, nodeName, shutdownGracePeriodMs: 60_000, executorArguments }), dir);
  }

  begin(...args: readonly string[]): Kubectl {
    return this.#begin('kubectl', args);
  }

  /** With a terminal of its own, of 80 x 24 characters unless `stty` says otherwise. */
  onTerminal(command: string): Kubectl {
    return this.#begin('script', ['-qfec', `stty cols 91 rows 27; exec kubectl ${command}`, '/dev/null']);
  }

  #begin(command: string, args: readonly string[]): Kubectl {
    const kubectl = new Kubectl(command, args, { ...process.env, KUBECONFIG: this.cluster.kubeconfigPath, HOME: this.dir });
    this.#started.push(kubectl);
    return kubectl;
  }

  async run(args: readonly string[], input?: string | Buffer): Promise<Ended> {
    const kubectl = this.begin(...args);
    kubectl.end(input);
    return kubectl.ended;
  }

  /** Creates a pod of busybox containers and resolves when all of them have started. */
  async pod(name: string, containers: readonly Partial<Container>[], spec: Partial<PodSpec> = {}): Promise<Pod> {
    const full = (container: Partial<Container>, i: number): Container => ({ name: `c${i}`, image: 'busybox', imagePullPolicy: 'IfNotPresent', ...container });
    const wanted = { apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec: { terminationGracePeriodSeconds: 0, ...spec, containers: containers.map(full) } };
    await this.cluster.client.create(pods('default'), wanted);
    return this.until(name, ({ status }) => status?.containerStatuses?.length === containers.length && status.containerStatuses.every(({ state }) => state?.waiting === undefined));
  }

  /** Resolves with the pod when it is so. */
  async until(name: string, isSo: (pod: Pod) => boolean): Promise<Pod> {
    for (const deadline = Date.now() + 60_000; ; ) {
      const pod = await this.cluster.client.get<Pod>(podResource({ namespace: 'default', name }));
      if (isSo(pod)) return pod;
      if (Date.now() > deadline) throw new Error(`pod ${name} did not become what was waited for: ${JSON.stringify(pod.status)}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const kubectl of this.#started) if (kubectl.process.exitCode === null) kubectl.kill();
    await this.cluster.stop();
    await rm(this.dir, { recursive: true, force: true });
  }
}
