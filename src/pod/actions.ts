import type { KillReason, PodAction } from './action.ts';
import { containerHash, hashChanged } from './container-hash.ts';
import { backOffUntil, nextBackoff, type CrashBackoff } from './crash-backoff.ts';
import { historyOf, shouldStart, succeeded, type History } from './history.ts';
import { initProgress } from './init-progress.ts';
import type { ObservedContainer, ObservedPod, ProbeResults } from './observed.ts';
import { sandboxVerdict } from './sandbox-verdict.ts';
import { isSidecar, restartPolicyOf, sidecarsOf } from './sidecar.ts';
import type { Container, ValidPod } from './types.ts';

export interface PodActionsInput {
  readonly pod: ValidPod;
  readonly observed: ObservedPod;
  readonly probes: ProbeResults;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** By container name, see `start-container`. */
  readonly crashBackoff: ReadonlyMap<string, CrashBackoff>;
  /** Highest attempt that ever existed, by container name (journal): attempts never fall. Absent: none existed. */
  readonly restartCounts: ReadonlyMap<string, number>;
  /** Containers whose postStart hook failed, by container id, and what it said. */
  readonly postStartFailed?: ReadonlyMap<string, string>;
}

/**
 * What to do now; an empty list when all is as it should be (or nothing is left to do). To be called again after the actions have been
 * carried out. Kubernetes v1.20 pkg/kubelet/kuberuntime/kuberuntime_manager.go computePodActions.
 */
export function podActions(input: PodActionsInput): PodAction[] {
  const { pod, observed } = input;
  const history = historyOf(observed);
  const sandbox = sandboxVerdict(pod, observed);
  switch (sandbox.kind) {
    case 'unknown':
      return [];
    case 'needed':
      return withNewSandbox(input, history, sandbox.attempt);
    case 'good':
      return inSandbox(input, history, sandbox.sandbox);
  }
}

function withNewSandbox(input: PodActionsInput, history: History, attempt: number): PodAction[] {
  const { pod, observed } = input;
  const running = anyRunning(observed);
  const initContainers = pod.spec.initContainers ?? [];
  const toStart = pod.spec.containers.filter((c) => wantedInNewSandbox(pod, history.get(c.name)?.[0]));
  const initFailed = pod.spec.restartPolicy === 'Never' && initContainers.some((c) => !isSidecar(c) && hasFailed(history.get(c.name)?.[0]));
  const deleted = pod.metadata.deletionTimestamp !== undefined;
  if (deleted || initFailed || toStart.length === 0) return running ? [{ kind: 'kill-pod', reason: 'completed' }] : [];

  const first = initContainers[0];
  return [
    ...(running ? [{ kind: 'kill-pod', reason: 'sandbox-changed' } as const] : []),
    { kind: 'create-sandbox', attempt },
    ...(first === undefined
      ? toStart.map((c) => startOrBackOff(input, history, c, false))
      : [startOrBackOff(input, history, first, true)]),
  ];
}

/** Which containers a pod that loses its sandbox runs again: what a restart would run, and what is still running. */
function wantedInNewSandbox(pod: ValidPod, newest: ObservedContainer | undefined): boolean {
  if (newest === undefined || newest.state === 'created') return true;
  switch (pod.spec.restartPolicy) {
    case 'Always':
      return true;
    case 'OnFailure':
      return !succeeded(newest);
    case 'Never':
      return false;
  }
}

function inSandbox(input: PodActionsInput, history: History, sandbox: ObservedContainer): PodAction[] {
  const { pod, observed } = input;
  const strays = observed.containers.filter((c) => isStray(c, history, sandbox));
  if (strays.length > 0) return strays.map(({ id, name }) => ({ kind: 'kill-container', id, name, why: 'stray', message: `Stopping container ${name}` }));
  // They do not wait for the init containers, and nothing waits for them.
  const ephemeral = ephemeralStarts(input, history);
  const progress = initProgress(pod, history, sandbox, input.probes);
  if (progress.kind === 'failed') return anyRunning(observed) ? [{ kind: 'kill-pod', reason: 'completed' }] : [];
  const init = initActions(input, history, progress.start);
  if (progress.kind === 'under-way') return [...init.kills, ...ephemeral, ...init.starts];

  const kills: PodAction[] = [];
  const starts: PodAction[] = [];
  let kept = 0;
  for (const container of pod.spec.containers) {
    const newest = history.get(container.name)?.[0];
    if (newest?.state === 'unknown') {
      kept++;
    } else if (newest?.state === 'running') {
      const kill = killWanted(input, container, newest);
      if (kill === undefined) {
        kept++;
        continue;
      }
      kills.push(kill.action);
      if (kill.restart) starts.push(startOrBackOff(input, history, container, false));
      else if (kill.action.why === 'post-start-failed') kept++; // once it has ended, the next look decides
    } else if (shouldStart(pod, container, newest)) {
      starts.push(startOrBackOff(input, history, container, false));
    }
  }
  if (kept === 0 && starts.length === 0) return anyRunning(observed) ? [{ kind: 'kill-pod', reason: 'completed' }] : [];
  return [...init.kills, ...kills, ...init.starts, ...starts, ...ephemeral];
}

/** Starts the init containers whose turn it is, and replaces sidecars that are not well. Nothing of that for a pod that is being deleted. */
function initActions(input: PodActionsInput, history: History, turn: readonly Container[]): { kills: PodAction[]; starts: PodAction[] } {
  const { metadata, spec } = input.pod;
  if (metadata.deletionTimestamp !== undefined) return { kills: [], starts: [] };
  const kills = sidecarsOf(spec).flatMap((container) => {
    const newest = history.get(container.name)?.[0];
    const kill = newest?.state === 'running' ? killWanted(input, container, newest) : undefined;
    return kill === undefined ? [] : [{ container, ...kill }];
  });
  const again = kills.filter(({ restart }) => restart).map(({ container }) => container);
  const starts = (spec.initContainers ?? []).filter((container) => turn.includes(container) || again.includes(container));
  return { kills: kills.map(({ action }) => action), starts: starts.map((container) => startOrBackOff(input, history, container, true)) };
}

/** An ephemeral container is started once, whatever became of it, and never again (Kubernetes v1.20 kuberuntime_manager.go computePodActions). */
function ephemeralStarts({ pod, restartCounts }: PodActionsInput, history: History): PodAction[] {
  if (pod.metadata.deletionTimestamp !== undefined) return [];
  return (pod.spec.ephemeralContainers ?? []).flatMap(({ name }) => {
    const newest = history.get(name)?.[0];
    const untried = newest === undefined ? !restartCounts.has(name) : newest.state === 'created';
    return untried ? [{ kind: 'start-container', name, init: false, attempt: 0 } as const] : [];
  });
}

/**
 * Nothing should run like this; it would if we died at the wrong moment. Its network is gone, or its work is done twice. It ends before
 * anything else happens.
 */
function isStray(container: ObservedContainer, history: History, sandbox: ObservedContainer): boolean {
  if (container.state !== 'running') return false;
  const elsewhere = container.sandboxId !== undefined && container.sandboxId !== sandbox.id;
  return elsewhere || history.get(container.name)?.[0] !== container;
}

type KillContainer = Extract<PodAction, { kind: 'kill-container' }>;

/** Why a running container must go, and whether it is started again at once. Undefined: it stays. */
function killWanted(
  input: PodActionsInput,
  container: Container,
  running: ObservedContainer,
): { action: KillContainer; restart: boolean } | undefined {
  const { pod, probes } = input;
  const { name } = container;
  const init = pod.spec.initContainers?.includes(container) === true;
  const kill = (why: KillReason, message: string, restart: boolean): { action: KillContainer; restart: boolean } => ({
    action: { kind: 'kill-container', id: running.id, name, why, message: restart && !init ? `${message}, will be restarted` : message },
    restart,
  });
  const alive = pod.metadata.deletionTimestamp === undefined;
  const restart = alive && restartPolicyOf(pod, container) !== 'Never';
  const who = `${init ? 'Init container' : 'Container'} ${name}`;
  if (hashChanged(container, running.hash)) return kill('spec-changed', `${who} definition changed`, alive);
  if (probes.liveness.get(running.id) === false) return kill('liveness', `${who} failed liveness probe`, restart);
  if (probes.startup.get(running.id) === false) return kill('startup', `${who} failed startup probe`, restart);
  if (input.postStartFailed?.has(running.id) === true) return kill('post-start-failed', 'FailedPostStartHook', false);
  return undefined;
}

/** A start, or, where the container's last end was too short ago, the wait for it. */
function startOrBackOff(input: PodActionsInput, history: History, container: Container, init: boolean): PodAction {
  const { name } = container;
  const instances = history.get(name) ?? [];
  const exited = instances.find((c) => c.state === 'exited');
  const attempt = nextAttempt(instances[0], input.restartCounts.get(name));
  if (exited === undefined) return { kind: 'start-container', name, init, attempt };

  const finishedAt = exited.finishedAt ?? exited.createdAt;
  const entry = input.crashBackoff.get(name);
  const hash = containerHash(container);
  const untilMs = backOffUntil(entry, finishedAt, hash, input.now);
  if (entry !== undefined && untilMs !== undefined) return { kind: 'back-off', name, id: exited.id, delayMs: entry.delayMs, untilMs };
  return { kind: 'start-container', name, init, attempt, crashBackoff: nextBackoff(entry, finishedAt, hash, input.now) };
}

/** One that was created and never started is no attempt used up: we died between the two steps. */
function nextAttempt(newest: ObservedContainer | undefined, floor = -1): number {
  if (newest?.state === 'created' && newest.attempt >= floor) return newest.attempt;
  return Math.max(newest?.attempt ?? -1, floor) + 1;
}

function hasFailed(container: ObservedContainer | undefined): boolean {
  return container?.state === 'exited' && !succeeded(container);
}

function anyRunning(observed: ObservedPod): boolean {
  return [...observed.sandboxes, ...observed.containers].some((c) => c.state === 'running' || c.state === 'unknown');
}
