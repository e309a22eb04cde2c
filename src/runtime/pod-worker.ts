import { Backoff, Deadline, messageOf } from '../base/index.ts';
import { DEADLINE_EXCEEDED, isTerminal, lastingContainers, podActions, type PodCondition, podStatus, type PodStatus, remainingMs, type ValidPod, withOthers, workSucceeded } from '../pod/index.ts';
import type { KillCause, PodReport, PodStage } from '../status/index.ts';
import { removePodFiles, removePodLogs } from '../volumes/index.ts';
import { Checker } from './checker.ts';
import { type Known, NOTHING, type NotFollowed } from './known.ts';
import { isPassing } from './passing.ts';
import type { PodContext } from './pod-context.ts';
import { Prober } from './prober.ts';
import { all, removeContainers, runActions, stopContainers } from './run-actions.ts';
import { releaseNetwork } from './sandbox-network.ts';
import { MINIMUM_GRACE_MS } from './stop-container.ts';
import { StorageWatch } from './storage-watch.ts';

/** What happens to a pod is not left unseen for longer, because the work on it has failed, milliseconds. */
const LONGEST_REST_MS = 2000;

/** Why and how soon a pod has to end. */
export interface KillOrder {
  readonly cause: KillCause;
  /** Milliseconds from now. */
  readonly graceMs: number;
  /** The grace is exactly that: no minimum for containers beyond it. */
  readonly strict: boolean;
  /** Its dead containers and the links to their logs stay, as those of a pod that has ended by itself: until it is deleted, or `finish`. */
  readonly keeps: boolean;
}

/**
 * Brings one pod to what its spec says, and to its end. All its work is serial; what is seen meanwhile is reported at once.
 *
 * Between awaits: `#stage` only goes syncing -> terminating (-> stopped) -> terminated, and terminated only when `#goes`, which, once true, stays
 * so; the cause of its end stays, and its deadline only comes nearer; at most one `#loop` runs.
 */
export class PodWorker {
  readonly #context: PodContext;
  readonly #report: (report: PodReport) => void;
  readonly #prober: Prober;
  readonly #checker: Checker | undefined;
  readonly #storage: StorageWatch;
  readonly #endsUnhealthy: boolean;
  readonly #acceptedAt: number;
  readonly #backoff = new Backoff({ initialMs: 250, maxMs: 10_000 });
  readonly #syncing = new AbortController();
  #stage: PodStage = 'syncing';
  #status: PodStatus | undefined;
  #cause: KillCause | undefined;
  #deadline: Deadline | undefined;
  #strict = false;
  #deleted = false;
  /** Nothing of it is to stay. */
  #goes = false;
  #succeededBeforeKill = false;
  #finished = false;
  /** It is `stopped`, and all is done that was to be done for that. */
  #rests = false;
  /** What was seen of the containers before they were removed. */
  #last: PodContext['observed'] | undefined;
  #loop: Promise<void> | undefined;
  #again = false;
  /** This one and the next: as the clock's `elapsed` has it. */
  #wakeAtMs = Number.POSITIVE_INFINITY;
  /** A sync that failed is not tried again before, whatever is seen: what it left behind is seen too, and it would wake itself for ever. */
  #restsUntilMs = Number.NEGATIVE_INFINITY;
  #cancelWake: (() => void) | undefined;
  #stopped = false;
  /** Why the API's wish for other resources is not followed. */
  #resizeRefused: string | undefined;
  readonly #ephemeralRefused = new Set<string>();
  /** It has been through a sync. */
  #worked = false;

  constructor(context: PodContext, report: (report: PodReport) => void, known: Omit<Known, 'limits'>) {
    this.#context = context;
    this.#report = report;
    this.#acceptedAt = known.acceptedAt;
    this.#status = known.status;
    this.#endsUnhealthy = known.endsUnhealthy === true;
    const { clock, engine } = context.node;
    this.#checker = known.check && new Checker({ clock, engine, check: known.check, told: known.checkStatus, onChanged: () => this.wake() });
    this.#storage = new StorageWatch(context, (message) => this.#evict(message));
    context.onChanged = () => this.wake();
    this.#prober = new Prober({
      clock,
      engine,
      onChanged: () => this.wake(),
      onResult: (name, kind, result) => context.node.measures?.probed(context.identity, name, kind, result),
      onFailure: (name, kind, output) => context.tell('Warning', 'Unhealthy', `${capital(kind)} probe failed: ${output}`, { name }),
      onError: (name, kind, error) => context.tell('Warning', 'Unhealthy', `${capital(kind)} probe errored: ${error}`, { name }),
      onWarning: (name, kind, output) => context.tell('Warning', 'ProbeWarning', `${capital(kind)} probe warning: ${output}`, { name }),
      onStreak: (streak) => context.node.remember(context.uid, { kind: 'probe', streak }),
      streaks: (known.remembered ?? NOTHING).streaks,
    });
  }

  get pod(): ValidPod {
    return this.#context.pod;
  }

  get taskId(): string {
    return this.#context.owner.taskId;
  }

  get status(): PodStatus | undefined {
    return this.#status;
  }

  get stage(): PodStage {
    return this.#stage;
  }

  /** Something may be different: reports what a user can see now, and works if work is due. */
  wake(): void {
    if (this.#stopped) return;
    this.#publish();
    this.#again = true;
    this.#loop ??= this.#run();
  }

  /** A newer spec of the same pod. */
  update(pod: ValidPod, { resources, ephemeral }: NotFollowed): void {
    if (this.#stage !== 'syncing') return;
    this.#context.pod = pod;
    this.#restsUntilMs = Number.NEGATIVE_INFINITY;
    this.#refuseResize(resources);
    this.#refuseEphemeral(ephemeral);
    this.#context.volumes.podChanged();
    this.wake();
  }

  /** What the API holds of the pod: conditions of others may open or shut its readiness gates. */
  hear(held: readonly PodCondition[]): void {
    if (this.#status === undefined || (this.pod.spec.readinessGates ?? []).length === 0) return;
    const conditions = withOthers(this.#status.conditions, held);
    if (JSON.stringify(conditions) === JSON.stringify(this.#status.conditions)) return;
    this.#status = { ...this.#status, conditions };
    this.wake();
  }

  /** Ends the pod. A later order may only come nearer. `deleted`: its API object goes when all of it is gone. */
  kill(order: KillOrder, deleted: boolean): void {
    this.#deleted ||= deleted;
    this.#goes ||= deleted || !order.keeps;
    if (this.#stage === 'terminated') return this.wake();
    if (this.#deadline === undefined) {
      this.#cause = order.cause;
      this.#succeededBeforeKill = this.#status?.phase === 'Succeeded' || workSucceeded(this.pod.spec, this.#status?.containerStatuses ?? []);
      this.#deadline = new Deadline(this.#context.node.clock, order.graceMs);
      this.#strict = order.strict;
      this.#stage = 'terminating';
      this.#syncing.abort();
      this.#context.volumes.quieten();
      for (const grace of this.#context.graces) grace.shorten(order.graceMs);
    } else {
      this.#deadline.shorten(order.graceMs);
      for (const grace of this.#context.graces) grace.shorten(order.graceMs);
      this.#strict ||= order.strict && order.graceMs <= this.#deadline.remainingMs();
    }
    this.wake();
  }

  /** Removes what is left of a pod that has come to its end, by itself or by an order. Nothing happens while it runs. */
  finish(): void {
    if (!isTerminal(this.#status?.phase) || this.#goes) return;
    this.#goes = true;
    if (this.#stage === 'syncing') {
      this.#stage = 'terminating';
      this.#finished = true;
      this.#syncing.abort();
    }
    this.wake();
  }

  /** Leaves the pod as it is and ends the work on it (the process ends, the pod lives on). */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#syncing.abort();
    this.#prober.stop();
    this.#checker?.stop();
    this.#cancelWake?.();
    await Promise.all([this.#loop, this.#storage.stop()]);
    await this.#context.volumes.stop();
    this.#deadline?.[Symbol.dispose]();
  }

  async #run(): Promise<void> {
    await Promise.resolve();
    while (this.#again && !this.#stopped) {
      this.#again = false;
      this.#publish();
      const rest = this.#restsUntilMs - this.#context.node.clock.elapsed();
      if (rest > 0 && this.#stage === 'syncing') {
        this.#wakeIn(rest);
        continue;
      }
      try {
        await this.#work();
        this.#backoff.reset();
      } catch (error) {
        this.#context.unseen = true;
        if (this.#stopped || (this.#syncing.signal.aborted && this.#again)) continue;
        const { logger } = this.#context.node;
        logger[isPassing(error) ? 'info' : 'warn']('pod not in order yet, trying again', { pod: this.pod.metadata.name, error: messageOf(error) });
        const delay = this.#backoff.next();
        this.#restsUntilMs = this.#context.node.clock.elapsed() + Math.min(delay, LONGEST_REST_MS);
        this.#wakeIn(delay);
      }
    }
    this.#loop = undefined;
  }

  async #work(): Promise<void> {
    const { measures, clock } = this.#context.node;
    const began = clock.elapsed();
    const operation = this.#stage !== 'syncing' ? 'kill' : this.#worked ? 'sync' : 'create';
    if (this.#stage === 'syncing') await this.#sync(this.#syncing.signal);
    else if (this.#stage === 'terminated' || (this.#rests && !this.#goes)) return;
    else await this.#terminate();
    this.#worked = true;
    measures?.worked(operation, clock.elapsed() - began);
  }

  async #sync(signal: AbortSignal): Promise<void> {
    const { node, uid } = this.#context;
    // A container whose start was never answered has started all the same: it must not be taken for one that is to be started.
    if (this.#context.unseen) await node.relist.look(uid);
    this.#context.unseen = false;
    const remaining = isTerminal(this.#status?.phase) ? undefined : remainingMs(this.pod, this.#status, node.clock.now());
    if (remaining !== undefined && remaining <= 0) {
      this.#context.tell('Normal', DEADLINE_EXCEEDED.reason, DEADLINE_EXCEEDED.message);
      const cause = { kind: 'deadline', message: DEADLINE_EXCEEDED.message } as const;
      return this.kill({ cause, graceMs: this.pod.spec.terminationGracePeriodSeconds * 1000, strict: false, keeps: true }, false);
    }
    if (this.#endsUnhealthy && [...this.#prober.results.liveness.values()].includes(false)) {
      const cause = { kind: 'health-check', message: 'the health check has failed too often' } as const;
      return this.kill({ cause, graceMs: this.pod.spec.terminationGracePeriodSeconds * 1000, strict: true, keeps: true }, false);
    }
    if (remaining !== undefined) this.#wakeIn(remaining);
    const { pod, observed, crashBackoff, restartCounts, postStartFailed, volumes } = this.#context;
    if (isTerminal(this.#status?.phase)) await (observed.containers.some(({ state }) => state === 'running') ? volumes.stop() : volumes.remove());
    else volumes.hold(observed.containers.length > 0);
    const actions = podActions({ pod, observed, probes: this.#prober.results, now: node.clock.now(), crashBackoff, restartCounts, postStartFailed });
    if (actions.length === 0) return;
    const { lookAgainAtMs } = await runActions(this.#context, actions, signal);
    this.#publish();
    if (lookAgainAtMs !== undefined) this.#wakeIn(lookAgainAtMs - node.clock.now());
  }

  #evict(message: string): void {
    if (this.#stage !== 'syncing' || isTerminal(this.#status?.phase)) return;
    this.#context.tell('Warning', 'Evicted', message);
    this.kill({ cause: { kind: 'evicted', message }, graceMs: 0, strict: false, keeps: true }, false);
  }

  /** Stops the containers, then brings the pod to rest or removes it. Safe to be begun again after a failure. */
  async #terminate(): Promise<void> {
    const { node, uid } = this.#context;
    using none = new Deadline(node.clock, 0);
    const deadline = this.#deadline ?? none;
    await node.relist.look(uid);
    await stopContainers(this.#context, { deadline, minimumMs: this.#strict ? 0 : MINIMUM_GRACE_MS });
    this.#prober.stop();
    await Promise.all([this.#storage.stop(), this.#context.volumes.stop()]);
    await releaseNetwork(this.#context);
    await (this.#goes ? this.#remove() : this.#rest());
  }

  /** What a pod that has ended by itself comes to as well: dead containers with their logs, and neither sandbox nor volumes. */
  async #rest(): Promise<void> {
    await removeContainers(this.#context, this.#context.observed.sandboxes);
    this.#tellStopped();
    this.#deadline?.[Symbol.dispose]();
    await this.#context.volumes.remove();
    this.#rests = true;
  }

  async #remove(): Promise<void> {
    const { node, uid, identity } = this.#context;
    this.#last ??= this.#context.observed;
    const { sandboxes, containers } = this.#context.observed;
    await removeContainers(this.#context, [...sandboxes, ...containers]);
    await node.cgroups?.remove(uid);
    try {
      await all([removePodFiles(node.rootDir, uid), removePodLogs(identity, node.logDir)]);
    } catch (error) {
      this.#tellStopped(); // nobody else has to wait for what may never be removed
      throw error;
    }
    node.puller.forget(uid);
    this.#deadline?.[Symbol.dispose]();
    this.#cancelWake?.();
    this.#stage = 'terminated';
    this.#publish();
  }

  #tellStopped(): void {
    this.#stage = 'stopped';
    this.#publish();
  }

  #publish(): void {
    const { node, pod, waiting, restartCounts } = this.#context;
    const observed = this.#last ?? this.#context.observed;
    const { initContainerStatuses = [], containerStatuses = [] } = this.#status ?? {};
    if (this.#stage !== 'syncing') this.#checker?.stop();
    else this.#checker?.update(pod, observed.containers, this.#context.podIP);
    if (this.#stage !== 'syncing') this.#prober.ending(observed.containers);
    else this.#prober.update(lastingContainers(pod.spec), observed.containers, this.#context.podIP, [...initContainerStatuses, ...containerStatuses]);
    const failure = this.#failure();
    this.#status = podStatus({
      pod,
      observed,
      probes: this.#prober.results,
      waiting,
      now: node.clock.now(),
      acceptedAt: this.#acceptedAt,
      hostIP: node.hostIP,
      restartCounts,
      terminating: this.#stage !== 'syncing',
      ...(this.#status === undefined ? {} : { previous: this.#status }),
      ...(failure === undefined ? {} : { failure }),
      ...(this.#resizeRefused === undefined ? {} : { resizeRefused: this.#resizeRefused }),
    });
    this.#report({
      taskId: this.taskId,
      pod,
      status: this.#status,
      stage: this.#stage,
      deleted: this.#deleted,
      succeededBeforeKill: this.#succeededBeforeKill || this.#finished,
      ...(this.#cause === undefined ? {} : { cause: this.#cause }),
      ...(this.#checker === undefined ? {} : { check: this.#checker.status }),
    });
  }

  /** A pod that was ended by something else than its containers or its user has failed, so that its controller replaces it. */
  #failure(): { reason: string; message: string } | undefined {
    const cause = this.#cause;
    if (cause === undefined || this.#succeededBeforeKill) return undefined;
    if (cause.kind === 'deadline') return DEADLINE_EXCEEDED;
    if (this.#deleted || this.#stage === 'syncing' || this.#stage === 'terminating') return undefined;
    return { reason: FAILURE_REASONS[cause.kind], message: cause.message };
  }

  #refuseResize(fields: readonly string[]): void {
    const message = fields.length === 0 ? undefined : `${fields.join(', ')}: a running container is not resized here; it keeps its resources until the pod is replaced`;
    const isNew = message !== undefined && message !== this.#resizeRefused;
    this.#resizeRefused = message;
    if (isNew) this.#context.tell('Warning', 'ResizeInfeasible', `Pod resize infeasible: ${message}`);
  }

  /** Each is told of once: what an ephemeral container is never changes. */
  #refuseEphemeral(ephemeral: NotFollowed['ephemeral']): void {
    for (const { name, why } of ephemeral) {
      if (this.#ephemeralRefused.has(name)) continue;
      this.#ephemeralRefused.add(name);
      this.#context.tell('Warning', 'Failed', `Ephemeral container ${JSON.stringify(name)} cannot run here: ${why}`);
    }
  }

  #wakeIn(ms: number): void {
    const { clock } = this.#context.node;
    const at = clock.elapsed() + Math.max(0, ms);
    if (at >= this.#wakeAtMs && this.#wakeAtMs > clock.elapsed()) return;
    this.#cancelWake?.();
    this.#wakeAtMs = at;
    this.#cancelWake = clock.after(ms, () => {
      this.#wakeAtMs = Number.POSITIVE_INFINITY;
      this.wake();
    });
  }
}

const FAILURE_REASONS: Readonly<Record<Exclude<KillCause['kind'], 'deadline'>, string>> = {
  'mesos-kill': 'TaskKilled',
  'mesos-shutdown': 'ExecutorShutdown',
  'api-deletion': 'Deleted',
  'launch-timeout': 'LaunchTimeout',
  'max-completion-time': 'MaxCompletionTimeReached',
  evicted: 'Evicted',
  'health-check': 'Unhealthy',
  reboot: 'NodeRebooted',
};

function capital(word: string): string {
  return `${word.charAt(0).toUpperCase()}${word.slice(1)}`;
}
