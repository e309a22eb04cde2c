import { Backoff, type Clock, isCode, KmError, messageOf, RepeatingTask, sleep } from '../base/index.ts';
import { type ContainerSummary, type Engine, type EngineEvent, LABELS } from '../docker/index.ts';
import type { ObservedContainer, ObservedPod } from '../pod/index.ts';
import type { Logger } from '../telemetry/index.ts';
import type { RuntimeMeasures } from './measures.ts';
import type { ObserveContainer, PodContainer } from './observe-container.ts';

/** Safety net for events that were lost, milliseconds. */
const RELIST_INTERVAL_MS = 60_000;

/** Events after which a container can look different; all others (kill, oom, exec) decide nothing. */
const TELLING = new Set(['start', 'die', 'destroy', 'rename', 'update']);

/** Docker's word for a container's state, and ours; any other is looked at. */
const STATES: Readonly<Record<string, ObservedContainer['state']>> = { created: 'created', running: 'running', exited: 'exited' };

export interface RelistOptions {
  readonly engine: Engine;
  /** Labels that every container of this executor carries. */
  readonly labels: Readonly<Record<string, string>>;
  readonly observe: ObserveContainer;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Something about this pod's containers is different from before. */
  readonly onChanged: (uid: string) => void;
  /** Whether the Engine tells what containers there are; told when that changes. */
  readonly onHealth: (ok: boolean) => void;
  readonly measures?: RuntimeMeasures | undefined;
}

/**
 * What Docker says is true of our containers. The Engine's event stream wakes an inspect of the container it names; a list of all,
 * once a minute and after every break of the stream, is the safety net. An inspect that fails keeps what was seen before.
 *
 * Between awaits: `#pods` holds no container that Docker has said is gone; at most one inspect per container is under way.
 */
export class Relist {
  readonly #options: RelistOptions;
  readonly #pods = new Map<string, Map<string, ObservedContainer>>();
  readonly #views = new Map<string, ObservedPod>();
  readonly #owners = new Map<string, string>();
  readonly #inspecting = new Map<string, { again: boolean; done: Promise<boolean> }>();
  readonly #stop = new AbortController();
  readonly #periodic: RepeatingTask;
  /** After a look that failed: its event does not come again. */
  readonly #retry = new Backoff({ initialMs: 1000, maxMs: 30_000 });
  #cancelRetry: (() => void) | undefined;
  #events: Promise<void> | undefined;
  #healthy = true;
  /** Lists in a row that failed. */
  #failures = 0;

  constructor(options: RelistOptions) {
    this.#options = options;
    this.#periodic = new RepeatingTask({
      clock: options.clock,
      intervalMs: RELIST_INTERVAL_MS,
      run: () => this.all(),
      onError: (error) => {
        options.logger.warn('relist failed', { error: messageOf(error) });
        this.#failures += 1;
        if (this.#failures > 1) this.#health(false); // one alone may be an Engine that is busy
        this.#lookAgainSoon();
      },
    });
  }

  /** Opens the event stream, then looks at all there is. Throws code `unavailable` when the Engine is away. */
  async start(): Promise<void> {
    await new Promise<void>((opened) => {
      if (this.#events === undefined) this.#events = this.#follow(opened);
      else opened();
    });
    await this.all();
    this.#periodic.start();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    this.#cancelRetry?.();
    await Promise.all([this.#periodic.stop(), this.#events]);
    await Promise.all([...this.#inspecting.values()].map(({ done }) => done));
  }

  /** The containers of a pod, as last seen. */
  pod(uid: string): ObservedPod {
    const known = this.#views.get(uid);
    if (known !== undefined) return known;
    const all = [...(this.#pods.get(uid)?.values() ?? [])].sort(newestFirst);
    const view: ObservedPod = { uid, sandboxes: all.filter(({ kind }) => kind === 'sandbox'), containers: all.filter(({ kind }) => kind === 'container') };
    if (all.length > 0) this.#views.set(uid, view);
    return view;
  }

  /** UIDs of the pods of which Docker has containers. */
  uids(): string[] {
    return [...this.#pods.keys()];
  }

  /** Looks at one container now, once more if a look is under way. Resolves when what it saw is in `pod`; `false`: the look failed. */
  async refresh(id: string): Promise<boolean> {
    const running = this.#inspecting.get(id);
    if (running !== undefined) {
      running.again = true;
      return running.done;
    }
    const entry = { again: true, done: Promise.resolve(true) };
    entry.done = this.#inspectWhileAsked(id, entry);
    this.#inspecting.set(id, entry);
    return entry.done;
  }

  /** Looks at every container of ours that may have changed. */
  async all(): Promise<void> {
    const { engine, labels, clock, measures } = this.#options;
    const began = clock.now();
    const before = [...this.#owners.keys()]; // what is made while the list is on its way is not in it
    const listed = await engine.list(labels, this.#stop.signal);
    this.#health(true);
    this.#failures = 0;
    this.#retry.reset();
    const alive = new Set(listed.map(({ id }) => id));
    for (const id of before) if (!alive.has(id) && !this.#inspecting.has(id)) this.#remove(id);
    await this.#refreshChanged(listed);
    measures?.relisted(clock.now() - began);
  }

  /**
   * Looks for what no event has told of one pod's containers: those that were created and never started, or whose start was done and never
   * answered. Throws code `unavailable` when that cannot be known.
   */
  async look(uid: string): Promise<void> {
    const { engine, labels } = this.#options;
    const listed = await engine.list({ ...labels, [LABELS.podUid]: uid }, this.#stop.signal);
    if (!(await this.#refreshChanged(listed))) throw new KmError('unavailable', 'cannot look at the containers of the pod');
  }

  /** Whether all looks that were needed have come to something. */
  async #refreshChanged(listed: readonly ContainerSummary[]): Promise<boolean> {
    const changed = listed.filter(({ id, status }) => this.#container(id)?.state !== STATES[status]);
    const seen = await Promise.all(changed.map(({ id }) => this.refresh(id)));
    return !seen.includes(false);
  }

  async #follow(opened: () => void): Promise<void> {
    const { engine, labels, logger, clock } = this.#options;
    const backoff = new Backoff({ initialMs: 100, maxMs: 5000 });
    const signal = this.#stop.signal;
    let since: bigint | undefined;
    while (!signal.aborted) {
      try {
        for await (const event of engine.events({ labels, signal, onOpen: opened, ...(since === undefined ? {} : { since }) })) {
          since = event.timeNano;
          backoff.reset();
          this.#onEvent(event);
        }
      } catch (error) {
        if (signal.aborted) return;
        logger.warn('event stream of the Engine broke', { error: messageOf(error) });
        this.#health(false);
      }
      opened(); // the list that follows tells the caller that the Engine is away
      if (signal.aborted) return;
      await sleep(clock, backoff.next(), signal).catch(() => undefined);
      this.#periodic.wake(); // what happened meanwhile, beside what `since` replays
    }
  }

  #lookAgainSoon(): void {
    if (this.#stop.signal.aborted) return;
    this.#cancelRetry ??= this.#options.clock.after(this.#retry.next(), () => {
      this.#cancelRetry = undefined;
      this.#periodic.wake();
    });
  }

  #health(ok: boolean): void {
    if (ok === this.#healthy) return;
    this.#healthy = ok;
    this.#options.onHealth(ok);
  }

  #onEvent(event: EngineEvent): void {
    this.#options.measures?.engineEvent(this.#options.clock.now() - Number(event.timeNano) / 1e6);
    if (event.action === 'destroy') {
      this.#remove(event.id);
      const inspecting = this.#inspecting.get(event.id);
      if (inspecting !== undefined) inspecting.again = true; // it may still have seen it
    } else if (TELLING.has(event.action)) void this.refresh(event.id);
  }

  async #inspectWhileAsked(id: string, entry: { again: boolean }): Promise<boolean> {
    await Promise.resolve();
    let seen = true;
    while (entry.again && !this.#stop.signal.aborted) {
      entry.again = false;
      try {
        this.#put(await this.#options.observe(id, this.#container(id), this.#stop.signal));
        seen = true;
      } catch (error) {
        seen = isCode(error, 'not-found');
        if (seen) this.#remove(id);
        else if (!this.#stop.signal.aborted) {
          this.#options.logger.warn('inspect failed, the old observation stays', { container: id, error: messageOf(error) });
          this.#lookAgainSoon();
        }
      }
    }
    this.#inspecting.delete(id);
    return seen;
  }

  #container(id: string): ObservedContainer | undefined {
    const uid = this.#owners.get(id);
    return uid === undefined ? undefined : this.#pods.get(uid)?.get(id);
  }

  #put({ uid, container }: PodContainer): void {
    const pod = this.#pods.get(uid) ?? new Map<string, ObservedContainer>();
    const before = pod.get(container.id);
    if (before !== undefined && JSON.stringify(before) === JSON.stringify(container)) return;
    pod.set(container.id, container);
    this.#pods.set(uid, pod);
    this.#owners.set(container.id, uid);
    this.#changed(uid);
  }

  #remove(id: string): void {
    const uid = this.#owners.get(id);
    if (uid === undefined) return;
    this.#owners.delete(id);
    const pod = this.#pods.get(uid);
    pod?.delete(id);
    if (pod?.size === 0) this.#pods.delete(uid);
    this.#changed(uid);
  }

  #changed(uid: string): void {
    this.#views.delete(uid);
    this.#options.onChanged(uid);
  }
}

function newestFirst(a: ObservedContainer, b: ObservedContainer): number {
  return b.attempt - a.attempt || b.createdAt - a.createdAt;
}
