import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import {
  isTerminal,
  mergeStatus,
  podActions,
  podStatus,
  type CrashBackoff,
  type ObservedContainer,
  type PodAction,
  type PodStatus,
  type ValidPod,
} from '../../../src/pod/index.ts';
import { container, NOW, observed, pod, probes, running, sandbox, SECOND } from './samples.ts';

const NAMES = ['a', 'b', 'i1', 's1'] as const;
const sidecar = (name: string) => container(name, { restartPolicy: 'Always' });

/** Anything that Docker may show of a container, sensible or not. */
const anyContainer: fc.Arbitrary<ObservedContainer> = fc
  .record({
    name: fc.constantFrom(...NAMES, 'stranger'),
    attempt: fc.integer({ min: 0, max: 4 }),
    state: fc.constantFrom('created', 'running', 'exited', 'unknown'),
    exitCode: fc.option(fc.constantFrom(0, 1, 137), { nil: undefined }),
    oomKilled: fc.boolean(),
    started: fc.boolean(),
    sandboxId: fc.constantFrom('sandbox-0', 'sandbox-1'),
  })
  .map(({ started, exitCode, ...rest }) => {
    const { startedAt, ...base } = running(rest.name, rest);
    const times = started && startedAt !== undefined ? { startedAt, finishedAt: NOW } : {};
    return { ...base, ...times, ...(exitCode === undefined ? {} : { exitCode }) };
  });

const anySandbox: fc.Arbitrary<ObservedContainer> = fc
  .record({
    attempt: fc.integer({ min: 0, max: 2 }),
    state: fc.constantFrom('created' as const, 'running' as const, 'exited' as const, 'unknown' as const),
    ips: fc.constantFrom<readonly string[]>([], ['10.1.2.3'], ['10.1.2.4', 'fd00::4']),
  })
  .map((more) => sandbox({ ...more, id: `sandbox-${more.attempt}` }));

const anyPod: fc.Arbitrary<ValidPod> = fc
  .record({ restartPolicy: fc.constantFrom('Always', 'OnFailure', 'Never'), init: fc.subarray(['i1', 's1']), hostNetwork: fc.boolean() })
  .map(({ init, ...spec }) => pod({ ...spec, containers: [container('a'), container('b')], ...(init.length > 0 ? { initContainers: init.map((name) => (name === 's1' ? sidecar(name) : container(name))) } : {}) }));

const look = fc.record({
  containers: fc.array(anyContainer, { maxLength: 5 }),
  sandboxes: fc.array(anySandbox, { maxLength: 2 }),
  failed: fc.boolean(),
  terminating: fc.boolean(),
  waiting: fc.boolean(),
  floor: fc.integer({ min: 0, max: 5 }),
});

describe('whatever is observed, one after the other', () => {
  it('a terminal phase never changes, a restart count never falls, startTime and transition times hold', () => {
    fc.assert(
      fc.property(anyPod, fc.array(look, { minLength: 1, maxLength: 8 }), (spec, looks) => {
        let previous: PodStatus | undefined;
        for (const [i, { containers, sandboxes, failed, terminating, waiting, floor }] of looks.entries()) {
          const status = podStatus({
            pod: spec,
            observed: observed(containers, sandboxes),
            ...(previous === undefined ? {} : { previous }),
            probes: probes(),
            waiting: new Map(waiting ? NAMES.map((name) => [name, { reason: 'CrashLoopBackOff' }]) : []),
            now: NOW + i * SECOND,
            acceptedAt: NOW,
            hostIP: '192.0.2.1',
            restartCounts: new Map([['a', floor]]),
            ...(failed && i % 3 === 2 ? { failure: { reason: 'Evicted', message: 'no room' } } : {}),
            terminating,
          });
          expect(JSON.parse(JSON.stringify(status))).toEqual(status); // plain JSON, nothing undefined
          checkForm(status);
          if (previous !== undefined) checkStep(previous, status);
          previous = status;
        }
      }),
      { numRuns: 400 },
    );
  });

  it('the actions make sense: no start beside a running container, kills only of what runs, one sandbox', () => {
    fc.assert(
      fc.property(anyPod, look, (spec, { containers, sandboxes, floor }) => {
        const now = observed(containers, sandboxes);
        const actions = podActions({ pod: spec, observed: now, probes: probes(), now: NOW, crashBackoff: new Map(), restartCounts: new Map([['a', floor]]) });
        const kinds = actions.map((a) => a.kind);
        expect(kinds.filter((kind) => kind === 'create-sandbox').length).toBeLessThanOrEqual(1);
        expect(kinds.lastIndexOf('kill-pod')).toBeLessThanOrEqual(0); // at most one, and first
        for (const action of actions) {
          if (action.kind === 'kill-container') expect(containers.some((c) => c.name === action.name && c.state === 'running')).toBe(true);
        }
        const cleared = kinds.includes('kill-pod') || kinds.includes('kill-container');
        for (const action of actions) {
          if (action.kind !== 'start-container') continue;
          const instances = containers.filter((c) => c.name === action.name);
          const newest = Math.max(-1, ...instances.map((c) => c.attempt));
          if (!cleared) expect(instances.some((c) => c.state === 'running')).toBe(false);
          expect(action.attempt).toBeGreaterThanOrEqual(Math.max(newest, action.name === 'a' ? floor : 0));
        }
      }),
      { numRuns: 1000 },
    );
  });
});

function checkForm(status: PodStatus): void {
  expect(status.conditions?.map((c) => c.type)).toEqual(['Initialized', 'Ready', 'ContainersReady', 'PodScheduled']);
  expect(status.startTime).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  for (const { state } of [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])]) {
    expect(Object.keys(state ?? {})).toHaveLength(1);
  }
}

function checkStep(before: PodStatus, after: PodStatus): void {
  expect(after.startTime).toBe(before.startTime);
  if (isTerminal(before.phase)) expect([after.phase, after.reason, after.message]).toEqual([before.phase, before.reason, before.message]);
  const counts = (status: PodStatus): Map<string, number> =>
    new Map([...(status.containerStatuses ?? []), ...(status.initContainerStatuses ?? [])].map((c) => [c.name, c.restartCount]));
  for (const [name, count] of counts(before)) expect(counts(after).get(name) ?? 0).toBeGreaterThanOrEqual(count);
  for (const condition of after.conditions ?? []) {
    const old = before.conditions?.find((c) => c.type === condition.type);
    if (old?.status === condition.status) expect(condition.lastTransitionTime).toBe(old.lastTransitionTime);
  }
}

describe('a pod whose actions are carried out', () => {
  /** Plays Docker: `fate` says how each started container ends; `undefined`: it goes on running. */
  function play(spec: ValidPod, fate: (name: string, attempt: number) => number | undefined): { status: PodStatus; world: ObservedContainer[]; started: string[] } {
    let sandboxes: ObservedContainer[] = [];
    let world: ObservedContainer[] = [];
    const started: string[] = [];
    const crashBackoff = new Map<string, CrashBackoff>();
    const restartCounts = new Map<string, number>();
    let now = NOW;
    let previous: PodStatus | undefined;
    for (let round = 0; round < 40; round++) {
      const look = observed(world, sandboxes);
      previous = podStatus({ pod: spec, observed: look, ...(previous === undefined ? {} : { previous }), probes: probes(), waiting: new Map(), now, acceptedAt: NOW, hostIP: '192.0.2.1', restartCounts });
      const actions = podActions({ pod: spec, observed: look, probes: probes(), now, crashBackoff, restartCounts });
      if (actions.length === 0) return { status: previous, world: [...sandboxes, ...world], started };
      for (const action of actions) carryOut(action);
      now += SECOND;
      // Whoever was started before has met its fate by now.
      world = world.map((c) => (c.state !== 'running' || fate(c.name, c.attempt) === undefined ? c : { ...c, state: 'exited', exitCode: fate(c.name, c.attempt) ?? 0, finishedAt: now }));
    }
    if (previous === undefined) throw new Error('never looked');
    return { status: previous, world: [...sandboxes, ...world], started };

    function carryOut(action: PodAction): void {
      switch (action.kind) {
        case 'kill-pod':
          world = world.map((c) => (c.state === 'running' ? { ...c, state: 'exited', exitCode: 137, finishedAt: now } : c));
          sandboxes = sandboxes.map((c) => ({ ...c, state: 'exited' }));
          return;
        case 'create-sandbox':
          sandboxes = [sandbox({ id: `sandbox-${action.attempt}`, attempt: action.attempt }), ...sandboxes];
          return;
        case 'start-container':
          started.push(action.name);
          restartCounts.set(action.name, action.attempt);
          if (action.crashBackoff !== undefined) crashBackoff.set(action.name, action.crashBackoff);
          world = [running(action.name, { attempt: action.attempt, createdAt: now, startedAt: now, sandboxId: sandboxes[0]?.id ?? '' }), ...world];
          return;
        case 'back-off':
          now = Math.max(now, action.untilMs);
          return;
        case 'kill-container':
          throw new Error(`nothing to kill: ${action.message}`);
      }
    }
  }

  const spec = (restartPolicy: string): ValidPod => pod({ restartPolicy, containers: [container('a'), container('b')], initContainers: [container('i1'), container('i2')] });

  it('comes up: sandbox, init containers one by one, then all containers, and then nothing more', () => {
    const { status, started } = play(spec('Always'), (name) => (name.startsWith('i') ? 0 : undefined));
    expect(started).toEqual(['i1', 'i2', 'a', 'b']);
    expect(status.phase).toBe('Running');
  });

  it('tries init containers again until they end well', () => {
    const { status, started } = play(spec('OnFailure'), (name, attempt) => (name === 'i1' && attempt < 3 ? 1 : 0));
    expect(started).toEqual(['i1', 'i1', 'i1', 'i1', 'i2', 'a', 'b']);
    expect(status.phase).toBe('Succeeded');
  });

  const withSidecars = (restartPolicy: string): ValidPod => {
    const { spec: whole, ...rest } = spec(restartPolicy);
    return { ...rest, spec: { ...whole, initContainers: [sidecar('s1'), container('i1'), sidecar('s2')] } };
  };

  it('comes up with its sidecars, each in its turn', () => {
    const { status, started } = play(withSidecars('Always'), (name) => (name === 'i1' ? 0 : undefined));
    expect(started).toEqual(['s1', 'i1', 's2', 'a', 'b']);
    expect(status.phase).toBe('Running');
  });

  it('whatever becomes of its sidecars, it ends when its containers do and as they did', () => {
    const ends = fc.constantFrom(0, 1, undefined);
    fc.assert(
      fc.property(fc.constantFrom('OnFailure', 'Never'), ends, ends, fc.constantFrom(0, 1), fc.integer({ min: 0, max: 2 }), (policy, first, second, code, crashes) => {
        const fate = (name: string, attempt: number): number | undefined => {
          if (name.startsWith('s')) return attempt < crashes ? (name === 's1' ? first : second) : undefined;
          return name === 'a' && policy === 'Never' ? code : 0;
        };
        const { status, world } = play(withSidecars(policy), fate);
        expect(status.phase).toBe(policy === 'Never' && code !== 0 ? 'Failed' : 'Succeeded');
        expect(world.filter((c) => c.state === 'running')).toEqual([]);
      }),
    );
  });

  it('whatever the exit codes, a pod that does not restart for ever comes to its end and leaves nothing running', () => {
    fc.assert(
      fc.property(fc.constantFrom('OnFailure', 'Never'), fc.array(fc.constantFrom(0, 1), { minLength: 4, maxLength: 4 }), fc.integer({ min: 0, max: 2 }), (policy, codes, failures) => {
        const order = ['i1', 'i2', 'a', 'b'];
        const { status, world } = play(spec(policy), (name, attempt) => (attempt >= failures && policy === 'OnFailure' ? 0 : (codes[order.indexOf(name)] ?? 0)));
        const ok = policy === 'OnFailure' || codes.every((code) => code === 0);
        expect(status.phase).toBe(ok ? 'Succeeded' : 'Failed');
        expect(world.filter((c) => c.state === 'running')).toEqual([]);
      }),
    );
  });
});

describe('merging with what the API holds', () => {
  const some = fc.record({ phase: fc.constantFrom('Pending', 'Running', 'Succeeded', 'Failed'), reason: fc.constantFrom('A', 'B'), startTime: fc.constantFrom('2026-01-01T00:00:00Z', '2026-01-01T00:00:01Z'), conditions: fc.subarray(['Ready', 'Initialized', 'example.org/a', 'example.org/b']).map((types) => types.map((type) => ({ type, status: 'True' }))) });
  it('never leaves a terminal phase, moves the start or touches what is not ours', () => {
    fc.assert(
      fc.property(some, some, (old, ours) => {
        const merged = mergeStatus(old, ours);
        if (isTerminal(old.phase)) expect([merged.phase, merged.reason]).toEqual([old.phase, old.reason]);
        else expect([merged.phase, merged.reason]).toEqual([ours.phase, ours.reason]);
        expect(merged.startTime).toBe(old.startTime);
        const typesOf = (status: PodStatus, foreign: boolean): string[] => (status.conditions ?? []).map((c) => c.type).filter((type) => type.includes('/') === foreign);
        expect(typesOf(merged, true)).toEqual(typesOf(old, true));
        expect(typesOf(merged, false)).toEqual(typesOf(ours, false));
      }),
    );
  });

  it('takes our status whole where the API has none', () => {
    const ours = { phase: 'Running', startTime: '2026-01-01T00:00:00Z', conditions: [{ type: 'Ready', status: 'True' }], podIP: '10.1.2.3' };
    expect(mergeStatus({}, ours)).toEqual(ours);
  });
});
