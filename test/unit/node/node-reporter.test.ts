import { describe, expect, it } from 'vitest';
import { EmbeddedApi, type KubernetesObject } from '../../../src/harness/kubernetes-api/index.ts';
import { KubernetesClient } from '../../../src/kubernetes/index.ts';
import { NodeReporter, type Node, type NodeFacts, type NodeReporterOptions } from '../../../src/node/index.ts';
import { silentLogger, type Logger } from '../../../src/telemetry/index.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { until } from '../kubernetes/scripted-api.ts';

const FACTS: NodeFacts = {
  name: 'n1',
  hostIP: '10.0.0.1',
  hostname: 'n1',
  labels: { rack: 'r1' },
  capacity: { cpus: 2, memoryBytes: 2 ** 30, diskBytes: 2 ** 30, pods: 110 },
  info: { machineId: 'm', systemUuid: 's', bootId: 'b', kernelVersion: 'k', osImage: 'o', containerRuntimeVersion: 'docker://1', kubeletVersion: 'v1.20.2-km.0', operatingSystem: 'linux', architecture: 'amd64' },
};
const NODE = { group: '', resource: 'nodes', name: 'n1' };
const LEASE = { group: 'coordination.k8s.io', resource: 'leases', namespace: 'kube-node-lease', name: 'n1' };

class Scene implements AsyncDisposable {
  readonly api: EmbeddedApi;
  readonly clock = new ManualClock();
  readonly requests: string[] = [];
  readonly warnings: string[] = [];
  readonly #client: KubernetesClient;
  reporter: NodeReporter;

  private constructor(api: EmbeddedApi, options: Partial<NodeReporterOptions>) {
    this.api = api;
    api.onRequest(({ method, path }) => this.requests.push(`${method} ${path}`));
    const access = { server: api.url, namespace: 'default', insecureSkipTlsVerify: false, authorization: async () => `Bearer ${api.token}`, tls: async () => ({}), clientCertificate: async () => undefined, renew: () => undefined };
    this.#client = new KubernetesClient({ access, logger: silentLogger });
    const logger: Logger = { ...silentLogger, warn: (message) => this.warnings.push(message) };
    this.reporter = new NodeReporter({ client: this.#client, facts: FACTS, clock: this.clock, logger, ...options });
  }

  static async of(options: Partial<NodeReporterOptions> = {}, prepare: (api: EmbeddedApi) => void = () => undefined): Promise<Scene> {
    const api = await EmbeddedApi.start();
    prepare(api);
    const scene = new Scene(api, options);
    scene.reporter.start();
    return scene;
  }

  static async ready(options: Partial<NodeReporterOptions> = {}, prepare?: (api: EmbeddedApi) => void): Promise<Scene> {
    const scene = await Scene.of(options, prepare);
    await until(() => scene.ready === 'True' && scene.renewed !== undefined, 'node and lease are there');
    return scene;
  }

  get node(): Node | undefined {
    return this.api.get(NODE) as Node | undefined;
  }

  get ready(): string | undefined {
    return this.node?.status?.conditions?.find(({ type }) => type === 'Ready')?.status;
  }

  get renewed(): string | undefined {
    const lease = this.api.get(LEASE) as { spec?: { renewTime?: string } } | undefined;
    return lease?.spec?.renewTime;
  }

  /** Lets time pass, in steps of a second, until something is true. */
  async later(condition: () => boolean, what: string): Promise<void> {
    await until(() => (this.clock.jump(1000), condition()), what);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.reporter.stop();
    await this.#client.close();
    await this.api.stop();
  }
}

describe('the range of pods that the cluster gives the node', () => {
  it('is told', async () => {
    const given = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1', uid: 'u1' }, spec: { podCIDR: '10.9.0.0/24' } };
    const told = Promise.withResolvers<string>();
    await using _scene = await Scene.of({ onPodCidr: told.resolve }, (api) => void api.put(given));
    expect(await told.promise).toBe('10.9.0.0/24');
  });
});

describe('a node', () => {
  it('is registered, ready, with a lease that goes when it goes', async () => {
    await using scene = await Scene.ready();
    expect(scene.node?.metadata?.labels).toMatchObject({ rack: 'r1', 'kubernetes.io/hostname': 'n1' });
    const lease = scene.api.get(LEASE) as unknown as { metadata: object; spec: object };
    expect(lease.spec).toMatchObject({ holderIdentity: 'n1', leaseDurationSeconds: 40, renewTime: expect.stringMatching(/\.\d{6}Z$/) as string });
    expect(lease.metadata).toMatchObject({ ownerReferences: [{ kind: 'Node', name: 'n1', uid: scene.node?.metadata?.uid }] });
  });

  it('costs two small requests in ten seconds while nothing changes, and one more in five minutes', async () => {
    await using scene = await Scene.ready();
    const begin = scene.clock.now();
    const before = scene.requests.length;
    const calls = (): string[] => scene.requests.slice(before);
    await until(() => (scene.clock.jump(1000), scene.clock.now() - begin >= 295_000), 'five minutes, nearly');
    expect(calls().filter((call) => call.startsWith('PATCH'))).toEqual([]);
    expect(calls().length).toBeLessThanOrEqual(62);
    await until(() => (scene.clock.jump(1000), calls().includes('PATCH /api/v1/nodes/n1/status')), 'the heartbeat');
  });

  it('is adopted when it is there already: what is ours is mended, what is not stays', async () => {
    const old = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1', uid: 'u1', labels: { mine: 'x', rack: 'old' } }, spec: { unschedulable: true }, status: { conditions: [{ type: 'NetworkUnavailable', status: 'False' }] } };
    await using scene = await Scene.ready({}, (api) => void api.put(old));
    expect(scene.node?.metadata?.labels).toMatchObject({ mine: 'x', rack: 'r1', 'kubernetes.io/os': 'linux' });
    expect(scene.node?.spec?.unschedulable).toBe(true);
    expect(scene.node?.status?.conditions?.map(({ type }) => type).sort()).toEqual(['DiskPressure', 'MemoryPressure', 'NetworkUnavailable', 'PIDPressure', 'Ready']);
    expect(scene.node?.status?.capacity).toMatchObject({ cpu: '2', memory: '1Gi' });
  });

  it('that somebody marks comes back soon', async () => {
    await using scene = await Scene.ready();
    const node = structuredClone(scene.node ?? {});
    for (const condition of node.status?.conditions ?? []) condition.status = 'Unknown';
    scene.api.put(node as unknown as KubernetesObject);
    expect(scene.ready).toBe('Unknown');
    await scene.later(() => scene.ready === 'True', 'ready again');
  });

  it('that somebody deletes is registered anew', async () => {
    await using scene = await Scene.ready();
    const uid = scene.node?.metadata?.uid;
    const client = new KubernetesClient({ access: { server: scene.api.url, namespace: '', insecureSkipTlsVerify: false, authorization: async () => `Bearer ${scene.api.token}`, tls: async () => ({}), clientCertificate: async () => undefined, renew: () => undefined }, logger: silentLogger });
    await client.delete({ apiVersion: 'v1', resource: 'nodes', name: 'n1' });
    await client.close();
    expect(scene.node).toBeUndefined();
    await scene.later(() => scene.ready === 'True', 'registered again');
    expect(scene.node?.metadata?.uid).not.toBe(uid);
  });

  it('is not registered when it is not ours to register, and reported as soon as it is there', async () => {
    await using scene = await Scene.of({ register: false });
    await until(() => scene.warnings.length > 0, 'a warning');
    expect(scene.node).toBeUndefined();
    scene.api.put({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1', uid: 'u1' } });
    await scene.later(() => scene.ready === 'True', 'it is reported');
  });

  it('says at once why it is not ready, and that it is again', async () => {
    await using scene = await Scene.ready();
    scene.reporter.ready(false, 'the Docker Engine is away');
    await until(() => scene.ready === 'False', 'not ready');
    expect(scene.node?.status?.conditions?.find(({ type }) => type === 'Ready')).toMatchObject({ reason: 'KubeletNotReady', message: 'the Docker Engine is away' });
    scene.reporter.ready(true);
    await until(() => scene.ready === 'True', 'ready again');
  });

  it('shows a changed capacity at once', async () => {
    await using scene = await Scene.ready();
    scene.reporter.setCapacity({ ...FACTS.capacity, cpus: 7 });
    await until(() => scene.node?.status?.capacity?.['cpu'] === '7', 'seven CPUs');
    expect(scene.node?.status?.allocatable?.['cpu']).toBe('7');
  });

  it('survives an API that is away: one word in the log, and all is well when it is back', async () => {
    await using scene = await Scene.ready();
    const renewed = scene.renewed;
    await scene.api.pause();
    const begin = scene.clock.now();
    await scene.later(() => scene.warnings.length > 0 && scene.clock.now() - begin > 60_000, 'a minute');
    expect(scene.warnings).toEqual(['node status cannot be reported']);
    await scene.api.resume();
    await scene.later(() => scene.renewed !== renewed, 'the lease is renewed');
  });

  it('is registered when the API comes up later than we do', async () => {
    const api = await EmbeddedApi.start();
    await api.pause();
    const clock = new ManualClock();
    const client = new KubernetesClient({ access: { server: api.url, namespace: '', insecureSkipTlsVerify: false, authorization: async () => `Bearer ${api.token}`, tls: async () => ({}), clientCertificate: async () => undefined, renew: () => undefined }, logger: silentLogger });
    let warned = false;
    const reporter = new NodeReporter({ client, facts: FACTS, clock, logger: { ...silentLogger, warn: () => (warned = true) } });
    reporter.start();
    await until(() => warned, 'a try');
    await api.resume();
    await until(() => (clock.jump(1000), api.get(NODE) !== undefined), 'the node');
    await reporter.stop();
    await client.close();
    await api.stop();
  });

  it('says that it is gone when we end', async () => {
    await using scene = await Scene.ready();
    await scene.reporter.stop();
    expect(scene.node?.status?.conditions?.find(({ type }) => type === 'Ready')).toMatchObject({ status: 'False', reason: 'ExecutorTerminated' });
    const calls = scene.requests.length;
    scene.clock.jump(600_000);
    expect(scene.requests.length).toBe(calls);
  });

  it('that somebody else registered meanwhile is not marked as gone when we end', async () => {
    await using scene = await Scene.ready();
    const other = structuredClone(scene.node ?? {});
    other.metadata = { ...other.metadata, uid: 'another' };
    scene.api.put(other as unknown as KubernetesObject);
    await scene.reporter.stop();
    expect(scene.ready).toBe('True');
  });
});
