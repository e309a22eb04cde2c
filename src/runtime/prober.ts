import type { Clock } from '../base/index.ts';
import type { Container, ObservedContainer, Probe, ProbeResults } from '../pod/index.ts';
import { type ProbeOutcome, probeOnce, type ProbeTarget } from './probe-once.ts';

type ProbeKind = 'readiness' | 'liveness' | 'startup';
const KINDS: readonly ProbeKind[] = ['startup', 'liveness', 'readiness'];
const TRIES = 3;

export interface ProberOptions {
  readonly clock: Clock;
  readonly engine: ProbeTarget['engine'];
  /** A probe's result is not what it was. */
  readonly onChanged: () => void;
  readonly onFailure: (container: string, kind: ProbeKind, output: string) => void;
  /** A probe was made; whatever came of it. */
  readonly onResult?: (container: string, kind: ProbeKind, result: ProbeOutcome['result']) => void;
  readonly onWarning: (container: string, kind: ProbeKind, output: string) => void;
}

interface Running {
  readonly stop: AbortController;
  readonly name: string;
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

  /** Starts probes of containers that have come and ends those of containers that have gone. */
  update(specs: readonly Container[], containers: readonly ObservedContainer[], podIP: string | undefined): void {
    const alive = new Map(containers.filter(({ state }) => state === 'running').map((c) => [c.id, c]));
    for (const id of [...this.#running.keys()]) if (!alive.has(id)) this.#end(id);
    if (podIP === undefined) return;
    for (const observed of alive.values()) {
      const spec = specs.find(({ name }) => name === observed.name);
      if (spec === undefined || this.#running.has(observed.id) || !KINDS.some((kind) => probeOf(spec, kind) !== undefined)) continue;
      this.#begin(spec, observed, podIP);
    }
  }

  stop(): void {
    for (const id of [...this.#running.keys()]) this.#end(id);
  }

  #begin(container: Container, { id, startedAt }: ObservedContainer, podIP: string): void {
    const stop = new AbortController();
    this.#running.set(id, { stop, name: container.name });
    const target: ProbeTarget = { engine: this.#options.engine, containerId: id, container, podIP, signal: stop.signal };
    for (const kind of KINDS) {
      const probe = probeOf(container, kind);
      if (probe !== undefined) this.#cycle(kind, probe, target, startedAt ?? this.#options.clock.now());
    }
  }

  #end(id: string): void {
    this.#running.get(id)?.stop.abort();
    this.#running.delete(id);
    for (const kind of KINDS) this.#results[kind].delete(id);
  }

  /** Lets one probe of one container run until the container is gone. */
  #cycle(kind: ProbeKind, probe: Probe, target: ProbeTarget, startedAt: number): void {
    const { clock } = this.#options;
    const periodMs = (probe.periodSeconds ?? 10) * 1000;
    const run: Streak = { last: undefined, length: 0, held: false };
    const sinceStartMs = clock.now() - startedAt;
    const initialMs = (probe.initialDelaySeconds ?? 0) * 1000 - sinceStartMs;
    // Containers that have run for a while are taken over all at once: their probes are spread over the period.
    const firstMs = sinceStartMs > periodMs ? Math.random() * periodMs : Math.max(0, initialMs);
    let cancel = clock.after(firstMs, () => void tick());
    target.signal.addEventListener('abort', () => cancel(), { once: true });
    const tick = async (): Promise<void> => {
      const started = clock.now();
      const gated = kind !== 'startup' && target.container.startupProbe !== undefined && this.#results.startup.get(target.containerId) !== true;
      const done = kind === 'startup' && this.#results.startup.get(target.containerId) === true;
      if (done) return;
      if (!gated && !run.held) await this.#once(kind, probe, target, run);
      if (target.signal.aborted) return;
      cancel = clock.after(Math.max(0, started + periodMs - clock.now()), () => void tick());
    };
  }

  async #once(kind: ProbeKind, probe: Probe, target: ProbeTarget, run: Streak): Promise<void> {
    const outcome = await outcomeOf(probe, target);
    if (target.signal.aborted) return;
    this.#options.onResult?.(target.container.name, kind, outcome.result);
    if (outcome.result === 'unknown') return;
    const ok = outcome.result === 'success';
    const { name } = target.container;
    if (!ok) this.#options.onFailure(name, kind, outcome.output);
    else if (outcome.warning !== undefined) this.#options.onWarning(name, kind, outcome.warning);
    run.length = run.last === ok ? run.length + 1 : 1;
    run.last = ok;
    const threshold = ok ? (probe.successThreshold ?? 1) : (probe.failureThreshold ?? 3);
    if (run.length < threshold) return;
    if (!ok && kind !== 'readiness') run.held = true;
    if (this.#results[kind].get(target.containerId) === ok) return;
    this.#results[kind].set(target.containerId, ok);
    this.#options.onChanged();
  }
}

interface Streak {
  last: boolean | undefined;
  length: number;
  /** It has found its container to be killed: nothing more to find out. */
  held: boolean;
}

/** A probe that cannot be carried out is tried again at once, a few times. */
async function outcomeOf(probe: Probe, target: ProbeTarget): Promise<ProbeOutcome> {
  let outcome = await probeOnce(probe, target);
  for (let tries = 1; outcome.result === 'unknown' && tries < TRIES && !target.signal.aborted; tries += 1) outcome = await probeOnce(probe, target);
  return outcome;
}

function probeOf(container: Container, kind: ProbeKind): Probe | undefined {
  switch (kind) {
    case 'readiness':
      return container.readinessProbe;
    case 'liveness':
      return container.livenessProbe;
    case 'startup':
      return container.startupProbe;
  }
}
