/** The Docker Engine of a laboratory: the stand-in or a real one. */
import { connectEngine, type ContainerSummary, type Engine, LABELS, labelsOfExecutor } from '../../src/docker/index.ts';
import { connectEngine as connectRaw } from '../../scripts/engine-api.ts';
import { silentLogger } from '../../src/telemetry/index.ts';
import { StandInEngine } from './engine/stand-in-engine.ts';
import type { Address } from './faulty-proxy.ts';
import { type Random, whole } from './random.ts';

export type EngineKind = 'stand-in' | 'real';

export class LabEngine implements AsyncDisposable {
  readonly kind: EngineKind;
  /** Never through a proxy. */
  readonly client: Engine;
  readonly address: Address;
  readonly #standIn: StandInEngine | undefined;
  readonly #stop = new AbortController();
  readonly #starts = new Map<string, number>();

  private constructor(kind: EngineKind, standIn: StandInEngine | undefined) {
    this.kind = kind;
    this.#standIn = standIn;
    const host = standIn === undefined ? (process.env.DOCKER_HOST ?? 'unix:///var/run/docker.sock') : `unix://${standIn.socketPath}`;
    this.client = connectEngine({ host, logger: silentLogger });
    const url = new URL(host);
    this.address = url.protocol === 'unix:' ? { socketPath: url.pathname } : { host: url.hostname, port: Number(url.port) };
  }

  static async start(kind: EngineKind, random: Random): Promise<LabEngine> {
    const standIn = kind === 'real' ? undefined : await StandInEngine.start();
    // As slow as a real one, or now and then slower: crashes must find calls under way.
    const slow = whole(random, 1, 4);
    if (standIn !== undefined) standIn.latency = (call) => (SLOW.has(call) ? random() * 15 * slow : random() * 2 * slow);
    return new LabEngine(kind, standIn);
  }

  /** Counts starts of this executor's containers from now on. */
  async watch(executor: { readonly frameworkId: string; readonly executorId: string }): Promise<void> {
    if (this.#standIn !== undefined) return;
    const opened = Promise.withResolvers<void>();
    void (async () => {
      for await (const { action, labels } of this.client.events({ labels: labelsOfExecutor(executor), signal: this.#stop.signal, onOpen: opened.resolve })) {
        if (action !== 'start') continue;
        const key = `${labels[LABELS.podUid] ?? ''}/${labels[LABELS.containerName] ?? ''}`;
        this.#starts.set(key, (this.#starts.get(key) ?? 0) + 1);
      }
    })().catch(opened.reject);
    await opened.promise;
  }

  /** How often a container of that name was started in the pod. */
  starts(uid: string, container: string): number {
    return (this.#standIn?.starts ?? this.#starts).get(`${uid}/${container}`) ?? 0;
  }

  /** What it has of the pod right now; only the stand-in can tell at once. */
  now(uid: string): readonly string[] {
    return this.#standIn?.containers.filter(({ body }) => body.Labels[LABELS.podUid] === uid).map(({ name }) => name) ?? [];
  }

  /** Only the stand-in: its process ends, and its containers with it unless it has live-restore. */
  async restart(awayMs: number, liveRestore: boolean): Promise<void> {
    if (this.#standIn === undefined) return;
    await this.#standIn.down();
    if (!liveRestore) this.#standIn.killAll();
    await new Promise((resolve) => setTimeout(resolve, awayMs));
    await this.#standIn.up();
  }

  containersOf(executor: { readonly frameworkId: string; readonly executorId: string }): Promise<ContainerSummary[]> {
    return this.client.list(labelsOfExecutor(executor));
  }

  /** What its networks know of the containers of these pods; the stand-in has none. */
  async endpointsOf(uids: readonly string[]): Promise<string[]> {
    if (this.#standIn !== undefined) return [];
    const raw = connectRaw(process.env);
    try {
      const networks = JSON.parse((await raw.request('GET', '/networks')).text) as { readonly Id: string; readonly Name: string }[];
      const all = await Promise.all(networks.map(async ({ Id, Name }) => {
        const { Containers = {} } = JSON.parse((await raw.request('GET', `/networks/${Id}`)).text) as { readonly Containers?: Readonly<Record<string, { readonly Name: string }>> };
        return Object.values(Containers).map((endpoint) => ({ network: Name, container: endpoint.Name }));
      }));
      return all.flat().filter(({ container }) => uids.some((uid) => container.includes(uid))).map(({ network, container }) => `endpoint of ${container} in network ${network}`);
    } finally {
      raw.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    this.client.close();
    await this.#standIn?.[Symbol.asyncDispose]();
  }
}

const SLOW = new Set(['create', 'start', 'delete', 'remove']);
