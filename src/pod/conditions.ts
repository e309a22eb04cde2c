import { anyHasStarted, isTerminal, type PodPhase } from './phase.ts';
import { isSidecar, lastingContainers } from './sidecar.ts';
import { toTime } from './times.ts';
import type { Container, ContainerStatus, PodCondition, PodSpec } from './types.ts';

/** The conditions that are ours to write; all others belong to someone else and are kept (Kubernetes v1.20 pkg/kubelet/types/pod_status.go). */
const OURS: ReadonlySet<string> = new Set(['PodScheduled', 'Ready', 'Initialized', 'ContainersReady', 'PodResizePending']);

export function isOurCondition(condition: PodCondition): boolean {
  return OURS.has(condition.type);
}

/** `ours` of the one, all others of what the API holds. */
export function withOthers(ours: readonly PodCondition[] | undefined, held: readonly PodCondition[] | undefined): PodCondition[] {
  return [...(held ?? []).filter((condition) => !isOurCondition(condition)), ...(ours ?? []).filter(isOurCondition)];
}

export interface ConditionsInput {
  readonly spec: PodSpec;
  readonly phase: PodPhase;
  readonly init: readonly ContainerStatus[];
  readonly app: readonly ContainerStatus[];
  readonly previous: readonly PodCondition[];
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Why a resize is not carried out, where one is asked for. */
  readonly resizeRefused: string | undefined;
}

type Verdict = Pick<PodCondition, 'status' | 'reason' | 'message'>;

/** Foreign conditions as they were, then ours. `lastTransitionTime` moves only with `status`. Kubernetes v1.20 pkg/kubelet/status/generate.go, sidecars v1.33. */
export function podConditions(input: ConditionsInput): PodCondition[] {
  const foreign = input.previous.filter((c) => !isOurCondition(c));
  const containersReady = containersReadyVerdict(input);
  const verdicts: [string, Verdict][] = [
    ['Initialized', initializedVerdict(input)],
    ['Ready', containersReady.status === 'True' ? gatesVerdict(input.spec, foreign) : containersReady],
    ['ContainersReady', containersReady],
    ['PodScheduled', { status: 'True' }],
    ...(input.resizeRefused === undefined ? [] : [['PodResizePending', { status: 'True', reason: 'Infeasible', message: input.resizeRefused }] as [string, Verdict]]),
  ];
  const now = toTime(input.now);
  const ours = verdicts.map(([type, verdict]) => {
    const before = input.previous.find((c) => c.type === type);
    const kept = before?.status === verdict.status ? before.lastTransitionTime : undefined;
    return { type, ...verdict, lastTransitionTime: kept ?? now };
  });
  return [...foreign, ...ours];
}

function initializedVerdict({ spec, phase, init, app }: ConditionsInput): Verdict {
  const containers = spec.initContainers ?? [];
  const { unknown, unready } = sort(containers, init, (container, status) => (isSidecar(container) ? status.started === true : status.ready));
  if (phase === 'Succeeded' && unknown.length === 0) return { status: 'True', reason: 'PodCompleted' };
  if (containers.some(isSidecar) && anyHasStarted(spec, app)) return { status: 'True' };
  return notReady(unknown, unready, 'incomplete', 'ContainersNotInitialized') ?? { status: 'True' };
}

function containersReadyVerdict({ spec, phase, init, app }: ConditionsInput): Verdict {
  if (app.length === 0) return { status: 'False', reason: 'UnknownContainerStatuses' };
  const { unknown, unready } = sort(lastingContainers(spec), [...init, ...app], (_container, status) => status.ready);
  if (phase === 'Succeeded' && unknown.length === 0) return { status: 'False', reason: 'PodCompleted' };
  const verdict = notReady(unknown, unready, 'unready', 'ContainersNotReady') ?? { status: 'True' };
  // A pod that failed for another reason (deadline, eviction) may still have running containers for a moment; it is not ready.
  return verdict.status === 'True' && isTerminal(phase) ? { status: 'False', reason: 'PodFailed' } : verdict;
}

function gatesVerdict(spec: PodSpec, foreign: readonly PodCondition[]): Verdict {
  const messages = (spec.readinessGates ?? []).flatMap(({ conditionType }) => {
    const condition = foreign.find((c) => c.type === conditionType);
    if (condition === undefined) return [`corresponding condition of pod readiness gate "${conditionType}" does not exist.`];
    if (condition.status === 'True') return [];
    return [`the status of pod readiness gate "${conditionType}" is not "True", but ${condition.status}`];
  });
  if (messages.length === 0) return { status: 'True' };
  return { status: 'False', reason: 'ReadinessGatesNotReady', message: messages.join(', ') };
}

function sort(
  containers: readonly Container[],
  statuses: readonly ContainerStatus[],
  isReady: (container: Container, status: ContainerStatus) => boolean,
): { unknown: string[]; unready: string[] } {
  const unknown: string[] = [];
  const unready: string[] = [];
  for (const container of containers) {
    const { name } = container;
    const status = statuses.find((s) => s.name === name);
    if (status === undefined) unknown.push(name);
    else if (!isReady(container, status)) unready.push(name);
  }
  return { unknown, unready };
}

function notReady(unknown: readonly string[], unready: readonly string[], word: string, reason: string): Verdict | undefined {
  const messages = [
    ...(unknown.length > 0 ? [`containers with unknown status: [${unknown.join(' ')}]`] : []),
    ...(unready.length > 0 ? [`containers with ${word} status: [${unready.join(' ')}]`] : []),
  ];
  return messages.length === 0 ? undefined : { status: 'False', reason, message: messages.join(', ') };
}
