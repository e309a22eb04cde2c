import { randomBytes, randomUUID } from 'node:crypto';
import { connectEngine, containerConfig, LABELS, sandboxConfig, type ContainerConfig, type ContainerInput, type Engine } from '../../../src/docker/index.ts';
import { clampOomScore, probeHost, SANDBOX_OOM_SCORE_ADJ } from '../../../src/docker/index.ts';
import type { Container, ValidPod } from '../../../src/pod/index.ts';
import { silentLogger } from '../../../src/telemetry/index.ts';

export const PAUSE = 'km/pause:1';
export const BUSYBOX = 'busybox';

/** Containers of one test file on the real Engine; disposing of it removes them all. */
export class TryEngine implements AsyncDisposable {
  readonly engine: Engine;
  /** Every container made here carries it as its task id, and nothing else does. */
  readonly taskId = `try-${randomBytes(6).toString('hex')}`;
  readonly labels = { [LABELS.taskId]: this.taskId };
  readonly owner = { taskId: this.taskId, frameworkId: 'framework-1', executorId: 'executor-1' };

  constructor() {
    this.engine = connectEngine({ host: process.env['DOCKER_HOST'] ?? 'unix:///var/run/docker.sock', logger: silentLogger });
  }

  /** A pod with a name and uid of its own. */
  pod(spec: Partial<ValidPod['spec']> = {}): ValidPod {
    const uid = randomUUID();
    return {
      metadata: { name: `pod-${uid.slice(0, 8)}`, namespace: 'default', uid },
      spec: { restartPolicy: 'Never', terminationGracePeriodSeconds: 30, containers: [], ...spec },
    };
  }

  async sandbox(pod: ValidPod, attempt = 0): Promise<string> {
    const { score } = clampOomScore(SANDBOX_OOM_SCORE_ADJ, await probeHost());
    const id = await this.engine.create(sandboxConfig({ pod, attempt, owner: this.owner, image: PAUSE, hostname: pod.metadata.name, oomScoreAdj: score }));
    await this.engine.start(id);
    return id;
  }

  config(pod: ValidPod, sandboxId: string, container: Partial<Container>, more: Partial<ContainerInput> = {}): ContainerConfig {
    return containerConfig({
      pod,
      container: { name: 'main', image: BUSYBOX, ...container },
      attempt: 0,
      owner: this.owner,
      sandboxId,
      image: { from: BUSYBOX, name: 'busybox:latest', statusId: 'docker://sha256:1' },
      ...(container.command !== undefined && { command: container.command }),
      ...(container.args !== undefined && { args: container.args }),
      env: [],
      mounts: [],
      resources: { cpuShares: 2 },
      oomScoreAdj: 1000,
      hash: 'hash-1',
      hashVersion: '1',
      logPath: '/var/log/pods/x/main/0.log',
      terminationMessageFile: '',
      logLimit: { maxBytes: 10 * 2 ** 20, maxFiles: 5 },
      ...more,
    });
  }

  /** A started container in a sandbox of its own, running this shell script. */
  async shell(script: string, more: Partial<ContainerInput> = {}): Promise<string> {
    const pod = this.pod();
    const sandboxId = await this.sandbox(pod);
    const id = await this.engine.create(this.config(pod, sandboxId, { command: ['sh', '-c', script] }, more));
    await this.engine.start(id);
    return id;
  }

  /** Standard output and error of a container that has ended by itself. */
  async outputOf(id: string): Promise<string> {
    await this.engine.wait(id);
    return this.engine.tailLog(id, { lines: 1000, bytes: 100_000 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      for (const { id } of await this.engine.list(this.labels)) await this.engine.remove(id);
    } finally {
      this.engine.close();
    }
  }
}
