import type { Clock } from '../base/index.ts';
import { type Container, type ContainerStatus, type ContainerStreak, longerStreak, type ObservedContainer, type Probe, type ProbeKind, probeOf, type ProbeResults, type ProbeStreak, resultOf } from '../pod/index.ts';
import { type ProbeOutcome, probeOnce, type ProbeTarget } from './probe-once.ts';

const KINDS: readonly ProbeKind[] = ['startup', 'liveness', 'readiness'];
const TRIES = 3;

export interface ProberOptions {
  readonly clock: Clock;
  readonly engine: ProbeTarget['engine'];
  /** A probe's result is not what it was. */
  readonly onChanged: () => void;
  readonly onFailure: (container: string, kind: ProbeKind, output: string) => void;
  /** A probe could not be carried out. */
  readonly onError: (container: string, kind: ProbeKind, error: string) => void;
  /** A probe was made; whatever came of it. */
  readonly onResult?: (container: string, kind: ProbeKind, result: ProbeOutcome['result']) => void;
  readonly onWarning: (container: string, kind: ProbeKind, output: string) => void;
  /** How often in a row a probe has come to the same: for the process after this one. */
  readonly onStreak: (streak: ContainerStreak) => void;
  /** Those of the process before this one. */
  readonly streaks: readonly ContainerStreak[];
}

interface Running {
  readonly stop: AbortController;
  /** Ends its liveness and startup probes. */
  readonly release: AbortController;
  /** Lets the probes that waited for the startup probe run now. */
  readonly started: (() => void)[];
}

/**
 * The probes of one pod's running containers. Each probe runs every period, results change after `successThreshold` or
 * `failureThreshold` equal outcomes; the startup probe gates the other two. After a failure that kills its container a
 * probe holds until the container's id is another one (Kubernetes v1.20 pkg/kubelet/prober/worker.go).
 */
export class Prober {
  readonly #options: ProberOptions;
  readonly #running = new Map<string, Running>();
  readonly #results = { readiness: new Map<string, boolean>(), liveness: new Map<string, boolean>(), startup: new Map<string, boolean>() };

  constructor(options: ProberOptions) {
    this.#options = options;
  }

  get results(): ProbeResults {
    return this.#results;
  }

  /**
   * Starts probes of containers that have come and ends those of containers that have gone. What was told of a container before this process
   * (`told`) holds until its probe has another result; what its probes had counted until then is counted on.
   */
  update(specs: readonly Container[], containers: readonly ObservedContainer[], podIP: string | undefined, told: readonly ContainerStatus[] = []): void {
    const alive = this.#alive(containers);
    if (podIP === undefined) return;
    for (const observed of alive.values()) {
      const spec = specs.find(({ name }) => name === observed.name);
      if (spec === undefined || this.#running.has(observed.id) || !KINDS.some((kind) => probeOf(spec, kind) !== undefined)) continue;
      this.#begin(spec, observed, podIP, told.find(({ containerID }) => containerID === `docker://${observed.id}`));
    }
  }

  /** The pod is ending: nothing is to be killed or begun for the sake of a probe any more, but readiness is still told (Kubernetes v1.22 StopLivenessAndStartup). */
  ending(containers: readonly ObservedContainer[]): void {
    this.#alive(containers);
    for (const { release } of this.#running.values()) release.abort();
  }

  /** Ends the probes of containers that run no more. */
  #alive(containers: readonly ObservedContainer[]): ReadonlyMap<string, ObservedContainer> {
    const alive = new Map(containers.filter(({ state }) => state === 'running').map((c) => [c.id, c]));
    for (const id of [...this.#running.keys()]) if (!alive.has(id)) this.#end(id);
    return alive;
  }

  stop(): void {
    for (const id of [...this.#running.keys()]) this.#end(id);
  }

  #begin(container: Container, { id, startedAt }: ObservedContainer, podIP: string, told: ContainerStatus | undefined): void {
    const stop = new AbortController();
    const release = new AbortController();
    this.#running.set(id, { stop, release, started: [] });
    if (told?.started === true && container.startupProbe !== undefined) this.#results.startup.set(id, true);
    if (told?.ready === true && container.readinessProbe !== undefined) this.#results.readiness.set(id, true);
    const target = { engine: this.#options.engine, containerId: id, container, podIP };
    for (const kind of KINDS) {
      const probe = probeOf(container, kind);
      if (probe === undefined) continue;
      const signal = kind === 'readiness' ? stop.signal : AbortSignal.any([stop.signal, release.signal]);
      const streak = this.#options.streaks.find((one) => one.id === id && one.probe === kind);
      const result = streak && resultOf(streak, probe);
      if (result !== undefined) this.#results[kind].set(id, result);
      const run: Run = { streak, held: result === false && kind !== 'readiness' };
      this.#cycle(kind, probe, { ...target, signal }, run, startedAt ?? this.#options.clock.now());
    }
  }

  #end(id: string): void {
    this.#running.get(id)?.stop.abort();
    this.#running.delete(id);
    for (const kind of KINDS) this.#results[kind].delete(id);
  }

  /** Lets one probe of one container run until the container is gone. */
  #cycle(kind: ProbeKind, probe: Probe, target: ProbeTarget, run: Run, startedAt: number): void {
    const { clock } = this.#options;
    const periodMs = (probe.periodSeconds ?? 10) * 1000;
    const sinceStartMs = Math.max(0, clock.now() - startedAt); // the clock may have been set back
    const initialMs = (probe.initialDelaySeconds ?? 0) * 1000 - sinceStartMs;
    // Containers that have run for a while are taken over all at once: their probes are spread over the period.
    const firstMs = sinceStartMs > periodMs ? Math.random() * periodMs : Math.max(0, initialMs);
    const dueAt = clock.elapsed() + initialMs;
    let probing = false;
    const tick = async (): Promise<void> => {
      const started = clock.elapsed();
      const gated = kind !== 'startup' && target.container.startupProbe !== undefined && this.#results.startup.get(target.containerId) !== true;
      const done = kind === 'startup' && this.#results.startup.get(target.containerId) === true;
      if (done) return;
      probing = true;
      if (!gated && !run.held) await this.#once(kind, probe, target, run);
      probing = false;
      if (target.signal.aborted) return;
      cancel = clock.after(Math.max(0, started + periodMs - clock.elapsed()), () => void tick());
    };
    let cancel = clock.after(firstMs, () => void tick());
    target.signal.addEventListener('abort', () => cancel(), { once: true });
    if (kind === 'startup') return;
    this.#running.get(target.containerId)?.started.push(() => {
      if (probing || target.signal.aborted || clock.elapsed() < dueAt) return;
      cancel();
      void tick();
    });
  }

  async #once(kind: ProbeKind, probe: Probe, target: ProbeTarget, run: Run): Promise<void> {
    const outcome = await outcomeOf(probe, target);
    if (target.signal.aborted) return;
    const { container: { name }, containerId: id } = target;
    this.#options.onResult?.(name, kind, outcome.result);
    if (outcome.result === 'unknown') return this.#options.onError(name, kind, outcome.output);
    const ok = outcome.result === 'success';
    if (!ok) this.#options.onFailure(name, kind, outcome.output);
    else if (outcome.warning !== undefined) this.#options.onWarning(name, kind, outcome.warning);
    const streak = longerStreak(run.streak, ok, probe);
    if (streak !== run.streak) this.#options.onStreak({ container: name, id, probe: kind, ...streak });
    run.streak = streak;
    if (resultOf(streak, probe) === undefined) return;
    if (!ok && kind !== 'readiness') run.held = true;
    if (this.#results[kind].get(id) === ok) return;
    this.#results[kind].set(id, ok);
    if (kind === 'startup' && ok) for (const begin of this.#running.get(id)?.started ?? []) begin();
    this.#options.onChanged();
  }
}

/** How one probe of one container goes. */
interface Run {
  streak: ProbeStreak | undefined;
  /** It has found its container to be killed: nothing more to find out. */
  held: boolean;
}

/** A probe that cannot be carried out is tried again at once, a few times. */
async function outcomeOf(probe: Probe, target: ProbeTarget): Promise<ProbeOutcome> {
  let outcome = await probeOnce(probe, target);
  for (let tries = 1; outcome.result === 'unknown' && tries < TRIES && !target.signal.aborted; tries += 1) outcome = await probeOnce(probe, target);
  return outcome;
}
