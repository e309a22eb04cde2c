import { aborted, askedToWaitMs, Backoff, messageOf, RepeatingTask } from '../base/index.ts';
import {
  type ClaimedVolume,
  dataKey,
  fileVolumeKind,
  notBegun,
  tokenKey,
  usedVolumes,
  type Volume,
  volumeDataRefs,
  volumeFiles,
  type VolumeFiles,
  volumePlugin,
  volumeTokens,
} from '../pod/index.ts';
import { type PreparedVolumes, prepareVolume, prepareVolumes, removePodVolumes } from '../volumes/index.ts';
import { NotStarted } from './image-puller.ts';
import { claimedVolumes, objectsOf, sourcesOf, type VolumesOwner } from './volume-objects.ts';

/** Without a change or a token to renew, the files of volumes are still looked at so often, milliseconds. */
const LOOK_EVERY_MS = 10 * 60_000;
/** What could not be brought up to date is tried again after so long, milliseconds. */
const RETRY_MS = 10_000;
/** Between tries to mount (Kubernetes v1.20 pkg/util/goroutinemap/exponentialbackoff). */
const MOUNT_BACKOFF = { initialMs: 500, maxMs: 122_000, jitter: 0 };
/** A claim may be bound at any moment, and nobody tells us: it is looked at this often (the kubelet looks without any pause). */
const CLAIM_BACKOFF = { initialMs: 500, maxMs: 5_000, jitter: 0 };
/** What is still so is told again after so long, milliseconds (Kubernetes v1.20 pkg/kubelet/volumemanager: podAttachAndMountTimeout). */
const TELL_AGAIN_MS = 123_000;

/**
 * The volumes of one pod: made before its first container, then kept up to date while it lives: what changes in the API changes in the
 * files, without a restart.
 *
 * Between awaits: at most one of `prepare` and the refresher works on the files, in the order in which they came.
 */
export class PodVolumes {
  readonly #context: VolumesOwner;
  readonly #onChanged: () => void;
  readonly #refresher: RepeatingTask;
  readonly #backoff = new Backoff(MOUNT_BACKOFF);
  readonly #claimBackoff = new Backoff(CLAIM_BACKOFF);
  #prepared: PreparedVolumes | undefined;
  #last: Promise<unknown> = Promise.resolve();
  /** When the next token wants its successor, milliseconds since the epoch. */
  #refreshAtMs = Number.POSITIVE_INFINITY;
  #told: string | undefined;
  #state: 'new' | 'held' | 'over' = 'new';
  #unbound: { readonly message: string; readonly atMs: number } | undefined;
  #quiet = false;
  #removed = false;
  /** The volumes are there: made by us, or by an earlier process. */
  #made = false;
  #groups: readonly number[] = [];
  #failed = false;

  /** `onChanged`: something that the pod names in the API is another than before. */
  constructor(context: VolumesOwner, onChanged: () => void) {
    const { clock, logger } = context.node;
    this.#context = context;
    this.#onChanged = onChanged;
    this.#refresher = new RepeatingTask({
      clock,
      intervalMs: () => Math.min(LOOK_EVERY_MS, Math.max(0, this.#refreshAtMs - clock.now())),
      run: (signal) => this.#exclusively(() => this.#refresh(signal)),
      onError: (error) => logger.warn('volumes not looked at', { pod: context.pod.metadata.name, error: messageOf(error) }),
    });
  }

  /** Begins to keep at hand what the pod names. `running`: its volumes are there already, made by an earlier process. */
  hold(running: boolean): void {
    if (this.#state !== 'new') return;
    this.#state = 'held';
    this.#made ||= running;
    this.#holdSources();
    this.#look();
  }

  /** The pod has changed: other labels, perhaps, that a volume shows. */
  podChanged(): void {
    if (this.#state !== 'held') return;
    this.#holdSources();
    this.#look();
  }

  /**
   * The volumes that containers use, made if they are not there: an ephemeral container may be the first to use one. Throws `NotStarted` when
   * some cannot be, which is told as an event.
   */
  async prepare(signal: AbortSignal): Promise<PreparedVolumes> {
    const { node, pod } = this.#context;
    const prepared = this.#prepared;
    if (prepared !== undefined && usedVolumes(pod).every(({ name }) => prepared.has(name))) return prepared;
    const claimed = await this.#claimed(signal);
    this.#groups = [...claimed.values()].flatMap(({ group }) => group ?? []);
    try {
      this.#prepared = await this.#exclusively(() =>
        prepareVolumes({
          rootDir: node.rootDir,
          pod,
          signal,
          files: (volume) => this.#files(volume, signal),
          claimed: ({ name }) => claimed.get(name),
          over: (volume, ms, ok) => node.measures?.mounted(volumePlugin(volume, claimed.get(volume.name)?.source.kind), ms, ok),
          warn: (reason, message) => this.#context.tell('Warning', reason, message),
        }, usedVolumes(pod)));
    } catch (error) {
      if (signal.aborted) throw aborted(signal);
      this.#failed = true;
      this.#context.tell('Warning', 'FailedMount', messageOf(error));
      throw new NotStarted(notBegun(pod), node.clock.now() + this.#backoff.next(error), { cause: error });
    }
    this.#backoff.reset();
    this.#failed = false;
    this.#made = true;
    if (this.#state === 'held' && this.#fileVolumes.length > 0) this.#refresher.start();
    return this.#prepared;
  }

  /** Groups that its volumes belong to; known once they are prepared. */
  get groups(): readonly number[] {
    return this.#groups;
  }

  /** The last try to prepare them was in vain. */
  get failed(): boolean {
    return this.#failed;
  }

  /** What the pod's claims have got, by volume name. Throws as `prepare`. */
  async #claimed(signal: AbortSignal): Promise<ReadonlyMap<string, ClaimedVolume>> {
    const { clock } = this.#context.node;
    try {
      const found = await claimedVolumes(this.#context, signal);
      this.#claimBackoff.reset();
      return found;
    } catch (error) {
      if (signal.aborted) throw aborted(signal);
      this.#failed = true;
      const [message, atMs] = [messageOf(error), clock.now()];
      if (this.#unbound?.message !== message || atMs - this.#unbound.atMs >= TELL_AGAIN_MS) {
        this.#unbound = { message, atMs };
        this.#context.tell('Warning', 'FailedMount', message);
      }
      throw new NotStarted(notBegun(this.#context.pod), atMs + this.#claimBackoff.next(error), { cause: error });
    }
  }

  /** The pod is ending: what it names may well go before it, which is nothing to tell anybody. */
  quieten(): void {
    this.#quiet = true;
  }

  /** Ends all work on the volumes; their files stay as they are. */
  async stop(): Promise<void> {
    if (this.#state === 'held') this.#context.node.sources()?.release(this.#context.uid);
    this.#state = 'over';
    await this.#refresher.stop();
    await this.#last;
  }

  /** As `stop`, for a pod whose containers have all ended for good: its volumes are unmounted and removed. Again when it has failed. */
  async remove(): Promise<void> {
    await this.stop();
    if (this.#removed) return;
    await removePodVolumes(this.#context.node.rootDir, this.#context.uid);
    this.#removed = true;
  }

  get #fileVolumes(): Volume[] {
    return usedVolumes(this.#context.pod).filter((volume) => fileVolumeKind(volume) !== undefined);
  }

  #holdSources(): void {
    this.#context.node.sources()?.hold(this.#context.pod, () => {
      if (this.#state !== 'held') return;
      this.#look();
      this.#onChanged();
    });
  }

  #look(): void {
    if (this.#made && this.#fileVolumes.length > 0) this.#refresher.wake();
  }

  /** Brings all volumes of files to what they shall be; one that cannot be keeps what it has, and holds up no other. */
  async #refresh(signal: AbortSignal): Promise<void> {
    const { node, pod } = this.#context;
    this.#refreshAtMs = Number.POSITIVE_INFINITY;
    const failures: string[] = [];
    let retryMs = RETRY_MS;
    for (const volume of this.#fileVolumes) {
      await prepareVolume(volume, { rootDir: node.rootDir, pod, signal, files: (one) => this.#files(one, signal) }).catch((error: unknown) => {
        if (signal.aborted) throw error;
        failures.push(messageOf(error));
        retryMs = Math.max(retryMs, askedToWaitMs(error));
      });
    }
    if (failures.length > 0) this.#refreshAtMs = Math.min(this.#refreshAtMs, node.clock.now() + retryMs);
    const told = failures.join('\n');
    if (told !== this.#told && !this.#quiet) for (const failure of failures) this.#context.tell('Warning', 'FailedMount', failure);
    this.#told = told;
  }

  async #files(volume: Volume, signal: AbortSignal): Promise<VolumeFiles> {
    const { node, pod, nodeAllocatable } = this.#context;
    const objects = await objectsOf(this.#context, volumeDataRefs(volume), signal);
    const tokens = new Map<string, string>();
    for (const wanted of volumeTokens(volume)) {
      const { token, refreshAtMs } = await sourcesOf(this.#context).token(pod, wanted, signal);
      tokens.set(tokenKey(wanted), token);
      this.#refreshAtMs = Math.min(this.#refreshAtMs, refreshAtMs);
    }
    node.logger.debug('files of a volume', { pod: pod.metadata.name, volume: volume.name, objects: objects.size, tokens: tokens.size });
    return volumeFiles(pod, volume, { object: (ref) => objects.get(dataKey(ref)), token: (wanted) => tokens.get(tokenKey(wanted)) ?? '', nodeAllocatable });
  }

  async #exclusively<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#last.then(work);
    this.#last = mine.catch(() => undefined);
    return mine;
  }
}
