import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { EmbeddedApi } from '../../../src/harness/kubernetes-api/index.ts';
import { bindPod, deletePod, EventRecorder, KubernetesClient, loadKubeconfig, patchStatus, podResource, pods, PodSource, readPod } from '../../../src/kubernetes/index.ts';
import type { Pod, PodIdentity, PodStatus } from '../../../src/pod/index.ts';
import { silentLogger } from '../../../src/telemetry/index.ts';
import { until } from './scripted-api.ts';

/** A whole API server, a client for it, and the pods of node n1 as the source tells them. */
class Scene implements AsyncDisposable {
  readonly told: string[] = [];
  readonly api: EmbeddedApi;
  readonly client: KubernetesClient;
  readonly source: PodSource;

  private constructor(api: EmbeddedApi, client: KubernetesClient) {
    this.api = api;
    this.client = client;
    this.source = new PodSource({
      client,
      nodeName: 'n1',
      logger: silentLogger,
      onPod: (pod) => this.told.push(`pod ${pod.metadata?.name}${pod.metadata?.deletionTimestamp === undefined ? '' : ' to be deleted'}`),
      onDeleted: ({ name }, why) => this.told.push(`${why} ${name}`),
    });
  }

  static async start(): Promise<Scene> {
    const api = await EmbeddedApi.start();
    const folder = await mkdtemp(join(tmpdir(), 'km-api-'));
    await writeFile(join(folder, 'config'), api.kubeconfig());
    const access = await loadKubeconfig(join(folder, 'config'));
    await rm(folder, { recursive: true });
    const scene = new Scene(api, new KubernetesClient({ access, logger: silentLogger }));
    scene.source.start();
    await until(() => scene.source.synced, 'the first list');
    return scene;
  }

  async create(name: string, nodeName?: string): Promise<PodIdentity> {
    const body = { apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec: { containers: [{ name: 'c', image: 'nginx' }], ...(nodeName !== undefined && { nodeName }) } };
    const pod = await this.client.create<Pod>(pods('default'), body);
    return { uid: pod.metadata?.uid ?? '', namespace: 'default', name };
  }

  async status(pod: PodIdentity): Promise<PodStatus> {
    return (await readPod(this.client, pod)).status ?? {};
  }

  async hears(text: string): Promise<void> {
    await until(() => this.told.includes(text), `${text}; told: ${this.told.join(', ')}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.source.stop();
    await this.client.close();
    await this.api.stop();
  }
}

describe('against a whole API server', () => {
  it('a pod is bound, reported, deleted with grace and then for good', async () => {
    await using scene = await Scene.start();
    const { client } = scene;
    const pod = await scene.create('nginx');
    expect(await bindPod({ client, pod, nodeName: 'n1' })).toBe('done');
    await scene.hears('pod nginx');
    expect(await patchStatus({ client, pod, status: { phase: 'Running', podIP: '10.0.0.1', podIPs: [{ ip: '10.0.0.1' }] } })).toBe('done');
    expect(await scene.status(pod)).toMatchObject({ phase: 'Running', podIP: '10.0.0.1', podIPs: [{ ip: '10.0.0.1' }] });
    await client.delete(podResource(pod));
    await scene.hears('pod nginx to be deleted');
    expect(await deletePod({ client, pod })).toBe('done');
    await scene.hears('deleted nginx');
    expect(await deletePod({ client, pod })).toBe('gone');
    expect(await patchStatus({ client, pod, status: { phase: 'Failed' } })).toBe('gone');
    expect(await bindPod({ client, pod, nodeName: 'n1' })).toBe('gone');
  });

  it('a pod of the same name with another UID is left alone', async () => {
    await using scene = await Scene.start();
    const { client } = scene;
    const pod = await scene.create('nginx', 'n2');
    const old = { ...pod, uid: 'another' };
    expect(await patchStatus({ client, pod: old, status: { phase: 'Failed' }, previous: {} })).toBe('other-uid');
    expect(await patchStatus({ client, pod: old, status: { phase: 'Failed' } })).toBe('other-uid');
    expect(await deletePod({ client, pod: old })).toBe('other-uid');
    expect(await bindPod({ client, pod: old, nodeName: 'n1' })).toBe('other-uid');
    expect((await scene.status(pod)).phase).toBe('Pending');
  });

  it('a pod that is bound elsewhere stays there, one that is ours already is ours', async () => {
    await using scene = await Scene.start();
    const { client } = scene;
    expect(await bindPod({ client, pod: await scene.create('a', 'n2'), nodeName: 'n1' })).toBe('elsewhere');
    expect(await bindPod({ client, pod: await scene.create('b', 'n1'), nodeName: 'n1' })).toBe('done');
  });

  it('a status takes out what is over and keeps what others wrote', async () => {
    await using scene = await Scene.start();
    const { client } = scene;
    const pod = await scene.create('nginx', 'n1');
    const first: PodStatus = {
      phase: 'Running',
      message: 'hello',
      conditions: [{ type: 'Ready', status: 'False', reason: 'ContainersNotReady' }],
      podIP: '10.0.0.1',
      podIPs: [{ ip: '10.0.0.1' }],
      containerStatuses: [{ name: 'c', image: 'nginx', imageID: '', ready: true, restartCount: 0, state: { running: { startedAt: '2026-01-01T00:00:00Z' } } }],
    };
    await patchStatus({ client, pod, status: first });
    await client.patch(podResource(pod), 'strategic', { status: { conditions: [{ type: 'example.com/gate', status: 'True' }] } }, { subresource: 'status' });
    const second: PodStatus = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }], podIP: '10.0.0.2', podIPs: [{ ip: '10.0.0.2' }], containerStatuses: [] };
    expect(await patchStatus({ client, pod, status: second, previous: first })).toBe('done');
    const status = await scene.status(pod);
    expect(status.message).toBeUndefined();
    expect(status.podIPs).toEqual([{ ip: '10.0.0.2' }]);
    expect(status.containerStatuses ?? []).toEqual([]);
    expect(Object.fromEntries((status.conditions ?? []).map(({ type, status: value }) => [type, value]))).toMatchObject({ Ready: 'True', 'example.com/gate': 'True' });
  });

  it('pods survive an API that is away; those deleted meanwhile end when it is back', async () => {
    await using scene = await Scene.start();
    await scene.create('a', 'n1');
    await scene.create('b', 'n1');
    await scene.hears('pod b');
    await scene.api.pause();
    await expect(readPod(scene.client, { namespace: 'default', name: 'a' })).rejects.toMatchObject({ code: 'unavailable' });
    expect(scene.told.filter((text) => text.startsWith('deleted'))).toEqual([]);
    await scene.api.resume();
    await scene.client.delete(podResource({ namespace: 'default', name: 'a' }), { gracePeriodSeconds: 0 });
    await scene.hears('deleted a');
    expect(scene.source.get((await readPod(scene.client, { namespace: 'default', name: 'b' })).metadata?.uid ?? '')).toBeDefined();
    expect(scene.told).not.toContain('deleted b');
  });

  it('pods do not end when an API that does not know us is at that address', async () => {
    await using scene = await Scene.start();
    await scene.create('a', 'n1');
    await scene.hears('pod a');
    const port = Number(new URL(scene.api.url).port);
    await scene.api.stop();
    const other = await EmbeddedApi.start({ port });
    let refused = 0;
    other.onRequest(({ status }) => (refused += status === 401 ? 1 : 0));
    try {
      await until(() => refused >= 3, 'three tries');
      await expect(readPod(scene.client, { namespace: 'default', name: 'a' })).rejects.toMatchObject({ code: 'denied' });
      expect(scene.told).toEqual(['pod a']);
    } finally {
      await other.stop();
    }
  });

  it('events can be read back, counted', async () => {
    await using scene = await Scene.start();
    const pod = await scene.create('nginx', 'n1');
    const recorder = new EventRecorder({ client: scene.client, host: 'n1', logger: silentLogger });
    recorder.event(pod, 'Normal', 'Started', 'Started container c', { fieldPath: 'spec.containers{c}' });
    await recorder.flush(5000);
    recorder.event(pod, 'Normal', 'Started', 'Started container c', { fieldPath: 'spec.containers{c}' });
    recorder.event({ node: 'n1' }, 'Normal', 'NodeReady', 'Node n1 status is now: NodeReady');
    await recorder.flush(5000);
    const events = await scene.client.list<{ reason: string; count: number; source: object }>({ apiVersion: 'v1', resource: 'events' });
    expect(events.items.map(({ reason, count, source }) => ({ reason, count, source }))).toEqual([
      { reason: 'NodeReady', count: 1, source: { component: 'kubelet', host: 'n1' } },
      { reason: 'Started', count: 2, source: { component: 'kubelet', host: 'n1' } },
    ]);
    await recorder.stop();
  });

  it('hundreds of pods come in pages and none is missed', async () => {
    await using scene = await Scene.start();
    for (let i = 0; i < 600; i++) {
      scene.api.put({ apiVersion: 'v1', kind: 'Pod', metadata: { name: `p${i}`, namespace: 'default', uid: `u${i}` }, spec: { nodeName: 'n1', containers: [] } });
    }
    await until(() => scene.told.length === 600, 'all by the watch');
    const source = new PodSource({ client: scene.client, nodeName: 'n1', logger: silentLogger, onPod: () => undefined, onDeleted: () => undefined });
    source.start();
    await until(() => source.synced, 'all by the list');
    expect(source.get('u599')).toBeDefined();
    expect(source.get('u0')).toBeDefined();
    await source.stop();
  });
});
