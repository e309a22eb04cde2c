import {
  defaultPod,
  validatePod,
  type Container,
  type Fault,
  type ObservedContainer,
  type ObservedPod,
  type Pod,
  type PodActionsInput,
  type PodSpec,
  type PodStatusInput,
  type ProbeResults,
  type ValidPod,
} from '../../../src/pod/index.ts';

/** 2026-01-02T03:04:05Z. */
export const NOW = Date.UTC(2026, 0, 2, 3, 4, 5);
export const SECOND = 1000;

/** A pod as a user writes it: one container `web`, unless told. */
export function rawPod(spec: Partial<PodSpec> = {}, metadata: Pod['metadata'] = {}): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web', uid: 'uid-1', ...metadata },
    spec: { containers: [container('web')], ...spec },
  };
}

export function container(name: string, more: Partial<Container> = {}): Container {
  return { name, image: `registry.example/${name}:1`, ...more };
}

/** The same with defaults; fails the test when it is not valid. */
export function pod(spec: Partial<PodSpec> = {}, metadata: Pod['metadata'] = {}): ValidPod {
  const result = validatePod(defaultPod(rawPod(spec, metadata), { uid: 'uid-1' }));
  if ('faults' in result) throw new Error(JSON.stringify(result.faults));
  return result.pod;
}

export function faultsOf(value: Pod): readonly Fault[] {
  const result = validatePod(defaultPod(value, { uid: 'uid-1' }));
  return 'faults' in result ? result.faults : [];
}

export function sandbox(more: Partial<ObservedContainer> = {}): ObservedContainer {
  return { ...running('POD'), id: 'sandbox-0', kind: 'sandbox', ips: ['10.1.2.3'], hostNetwork: false, ...more };
}

export function running(name: string, more: Partial<ObservedContainer> = {}): ObservedContainer {
  return {
    id: `${name}-${more.attempt ?? 0}`,
    kind: 'container',
    name,
    attempt: 0,
    state: 'running',
    image: `registry.example/${name}:1`,
    imageId: `docker-pullable://registry.example/${name}@sha256:1`,
    hash: '',
    createdAt: NOW - 101 * SECOND,
    startedAt: NOW - 100 * SECOND,
    oomKilled: false,
    ...(name === 'POD' ? {} : { sandboxId: 'sandbox-0' }),
    ...more,
  };
}

export function exited(name: string, exitCode: number, more: Partial<ObservedContainer> = {}): ObservedContainer {
  return running(name, { state: 'exited', exitCode, finishedAt: NOW - 50 * SECOND, ...more });
}

/** Docker took it and could not start it. */
export function notStartable(name: string, error: string, more: Partial<ObservedContainer> = {}): ObservedContainer {
  const { startedAt: _startedAt, ...rest } = running(name, { state: 'exited', exitCode: 127, error, ...more });
  return rest;
}

export function created(name: string, more: Partial<ObservedContainer> = {}): ObservedContainer {
  const { startedAt: _startedAt, ...rest } = running(name, { state: 'created', ...more });
  return rest;
}

export function observed(containers: readonly ObservedContainer[], sandboxes: readonly ObservedContainer[] = [sandbox()]): ObservedPod {
  return { uid: 'uid-1', sandboxes, containers };
}

export function probes(more: Partial<Record<keyof ProbeResults, Record<string, boolean>>> = {}): ProbeResults {
  const map = (of: Record<string, boolean> = {}): ReadonlyMap<string, boolean> => new Map(Object.entries(of));
  return { readiness: map(more.readiness), liveness: map(more.liveness), startup: map(more.startup) };
}

export function actionsInput(more: Partial<PodActionsInput> = {}): PodActionsInput {
  return {
    pod: pod(),
    observed: observed([running('web')]),
    probes: probes(),
    now: NOW,
    crashBackoff: new Map(),
    restartCounts: new Map(),
    ...more,
  };
}

export function statusInput(more: Partial<PodStatusInput> = {}): PodStatusInput {
  return {
    pod: pod(),
    observed: observed([running('web')]),
    probes: probes(),
    waiting: new Map(),
    now: NOW,
    acceptedAt: NOW,
    hostIP: '192.0.2.1',
    restartCounts: new Map(),
    ...more,
  };
}
