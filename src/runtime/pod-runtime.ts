import { messageOf, RepeatingTask } from '../base/index.ts';
import { type Engine, LABELS, type Owner } from '../docker/index.ts';
import type { ObservedPod, PodCondition, PodIdentity, PodStatus, ValidPod } from '../pod/index.ts';
import type { PodReport } from '../status/index.ts';
import { hasPodFiles, removePodFiles, removePodLogs } from '../volumes/index.ts';
import { EngineHealth } from './engine-health.ts';
import { ImagePuller } from './image-puller.ts';
import type { Known, NotFollowed } from './known.ts';
import { containerObserver } from './observe-container.ts';
import { type Node, PodContext } from './pod-context.ts';
import { type KillOrder, PodWorker } from './pod-worker.ts';
import { Relist } from './relist.ts';

/** How often containers are looked for that belong to no pod, milliseconds. */
const SWEEP_INTERVAL_MS = 30_000;

export interface PodRuntimeOptions extends Omit<Node, 'relist' | 'puller' | 'engine'> {
  readonly engine: Engine;
  /** Whose containers these are; every container carries both as labels. */
  readonly frameworkId: string;
  readonly executorId: string;
  readonly imagePullNoProgressMs: number;
  readonly offlineImages: boolean;
  readonly report: (report: PodReport) => void;
  /** Pods of an earlier run: their files are removed behind their containers, and then they are `buried`; what that throws is tried again. */
  readonly former: () => readonly PodIdentity[];
  readonly buried: (pod: PodIdentity) => Promise<void>;
  /** Whether the Engine answers. */
  readonly onHealth: (ok: boolean) => void;
}

/** A pod of this executor: what it shall be, what was told of it, and its containers as Docker shows them. */
export interface RuntimePod {
  readonly pod: ValidPod;
  readonly status: PodStatus | undefined;
  readonly observed: ObservedPod;
}

/** The pods of this executor: one worker each, woken by what the Engine tells of its containers. */
export class PodRuntime {
  readonly #node: Node;
  readonly #health: EngineHealth;
  readonly #report: (report: PodReport) => void;
  readonly #cemetery: Pick<PodRuntimeOptions, 'former' | 'buried'>;
  readonly #labels: Readonly<Record<string, string>>;
  readonly #owner: Omit<Owner, 'taskId'>;
  readonly #workers = new Map<string, PodWorker>();
  readonly #sweeper: RepeatingTask;

  constructor(options: PodRuntimeOptions) {
    const { engine, clock, logger, frameworkId, executorId, imagePullNoProgressMs, offlineImages, report, former, buried, onHealth, ...rest } = options;
    this.#owner = { frameworkId, executorId };
    this.#labels = { [LABELS.frameworkId]: frameworkId, [LABELS.executorId]: executorId };
    this.#report = report;
    this.#cemetery = { former, buried };
    this.#health = new EngineHealth({ engine, clock, logger, onHealth });
    const lists = (ok: boolean): void => this.#health.seen('lists', ok);
    const relist = new Relist({ engine, labels: this.#labels, observe: containerObserver(engine, rest.network), clock, logger, onHealth: lists, onChanged: (uid) => this.#workers.get(uid)?.wake(), measures: rest.measures });
    const puller = new ImagePuller({ engine, clock, noProgressMs: imagePullNoProgressMs, offline: offlineImages, remember: (uid, failure) => rest.remember(uid, { kind: 'pull', failure }) });
    this.#node = { ...rest, engine, clock, logger, relist, puller };
    this.#sweeper = new RepeatingTask({
      clock,
      intervalMs: SWEEP_INTERVAL_MS,
      run: () => this.sweep(),
      onError: (error) => logger.warn('containers of no pod not removed', { error: messageOf(error) }),
    });
  }

  /** Opens the event stream and looks at what is there. Throws code `unavailable` when the Engine is away. */
  async start(): Promise<void> {
    await this.#node.relist.start();
    this.#health.start();
    this.#sweeper.start();
  }

  /** Begins (or takes over, with what is `known` from before) the work on a pod; a UID that has a worker keeps it. */
  launch(pod: ValidPod, taskId: string, known: Known): void {
    const { uid } = pod.metadata;
    if (this.#workers.has(uid)) return;
    this.#node.puller.restore(uid, known.remembered?.pullFailures ?? []);
    const context = new PodContext(this.#node, { ...this.#owner, taskId }, pod, known);
    const worker = new PodWorker(context, this.#report, known);
    this.#workers.set(uid, worker);
    worker.wake();
  }

  get(uid: string): Pick<PodWorker, 'pod' | 'taskId' | 'status' | 'stage'> | undefined {
    return this.#workers.get(uid);
  }

  /**
   * The pod of that name, with its containers as last seen. Where an older pod of the name is still being ended, the newer one.
   */
  find(namespace: string, name: string): RuntimePod | undefined {
    const worker = [...this.#workers.values()].findLast(({ pod: { metadata } }) => metadata.name === name && metadata.namespace === namespace);
    return worker === undefined ? undefined : this.#seen(worker);
  }

  /** Every pod, with its containers as last seen. */
  all(): RuntimePod[] {
    return [...this.#workers.values()].map((worker) => this.#seen(worker));
  }

  /** Whether anything of that pod is on this machine, whoever has run it: a container of any executor, or files. Throws code `unavailable` when the Engine does not tell. */
  async isLeft(uid: string): Promise<boolean> {
    const { engine, rootDir } = this.#node;
    return (await engine.list({ [LABELS.podUid]: uid })).length > 0 || hasPodFiles(rootDir, uid);
  }

  /** The range of this node's pods, as the cluster has given it. */
  setPodCidr(cidr: string): void {
    this.#node.network?.setPodCidr(cidr);
  }

  /** A newer spec of a pod that runs, see `PodWorker.update`. */
  update(pod: ValidPod, notFollowed: NotFollowed): void {
    this.#workers.get(pod.metadata.uid)?.update(pod, notFollowed);
  }

  /** What the API holds of the pod's conditions. */
  hear(uid: string, held: readonly PodCondition[]): void {
    this.#workers.get(uid)?.hear(held);
  }

  kill(uid: string, order: KillOrder, deleted = false): void {
    this.#workers.get(uid)?.kill(order, deleted);
  }

  /** Removes what is left of a pod that has come to its end. */
  finish(uid: string): void {
    this.#workers.get(uid)?.finish();
  }

  /** Drops a pod that is terminated. */
  forget(uid: string): void {
    const worker = this.#workers.get(uid);
    if (worker?.stage !== 'terminated') return;
    this.#workers.delete(uid);
    this.#node.measures?.podGone(uid);
    void worker.stop();
  }

  /** Removes containers that carry our labels and belong to no pod of ours, then the files of pods of an earlier run. */
  async sweep(): Promise<void> {
    const { engine, relist, logger, network } = this.#node;
    const joined = network?.sandboxes() ?? []; // before the list: whose network is older than it and that is not in it is gone
    const listed = await engine.list(this.#labels);
    const orphans = listed.filter(({ labels }) => !this.#workers.has(labels[LABELS.podUid] ?? ''));
    const kept = new Set(listed.filter((one) => !orphans.includes(one)).map(({ id }) => id));
    await Promise.all(joined.filter(({ sandboxId }) => !kept.has(sandboxId)).map(({ sandboxId, name }) => this.#detach(sandboxId, name)));
    await Promise.all(orphans.map(async ({ id, name }) => {
      logger.warn('removing a container that belongs to no task', { container: name });
      await engine.remove(id);
      await relist.refresh(id);
    }));
    for (const pod of this.#cemetery.former()) {
      await this.#bury(pod).catch((error: unknown) => logger.warn('a pod of an earlier executor is not done with yet', { pod: pod.name, error: messageOf(error) }));
    }
  }

  async #detach(sandboxId: string, pod: string): Promise<void> {
    const { network, logger } = this.#node;
    await network?.detach(sandboxId).catch((error: unknown) => logger.warn('the network of a pod is not given back yet', { pod, error: messageOf(error) }));
  }

  /** One that runs again (the same pod in another task) removes its files itself. */
  async #bury(pod: PodIdentity): Promise<void> {
    const { rootDir, logDir, cgroups } = this.#node;
    if (!this.#workers.has(pod.uid)) await Promise.all([removePodFiles(rootDir, pod.uid), removePodLogs(pod, logDir), cgroups?.remove(pod.uid)]);
    await this.#cemetery.buried(pod);
  }

  #seen({ pod, status }: PodWorker): RuntimePod {
    return { pod, status, observed: this.#node.relist.pod(pod.metadata.uid) };
  }

  /** Ends the work; containers stay as they are. */
  async stop(): Promise<void> {
    await Promise.all([this.#sweeper.stop(), this.#health.stop()]);
    await Promise.all([...this.#workers.values()].map((worker) => worker.stop()));
    await this.#node.relist.stop();
    await this.#node.network?.stop();
  }
}
