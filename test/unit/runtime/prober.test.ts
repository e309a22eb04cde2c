import { expect, test } from 'vitest';

import type { Engine } from '../../../src/docker/index.ts';
import type { Container, ContainerStatus, ContainerStreak, ObservedContainer, Probe } from '../../../src/pod/index.ts';
import { Prober } from '../../../src/runtime/prober.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const SECOND = 1000;

/** A prober of one container whose probes run the commands `startup`, `liveness` and `readiness`. */
class Bench {
  readonly clock = new ManualClock();
  /** Commands that were run, with the second after the start. */
  readonly ran: string[] = [];
  readonly told: string[] = [];
  /** Exit codes by command, or what it throws; 0 unless told. */
  readonly exits = new Map<string, number | Error>();
  changes = 0;
  readonly streaks: ContainerStreak[] = [];
  readonly #startedAt = this.clock.now();
  readonly prober: Prober = this.proberAfter([]);

  /** One more, of the process after the one that has counted `streaks`. */
  proberAfter(streaks: readonly ContainerStreak[]): Prober {
    return new Prober({
      clock: this.clock,
      engine: { exec: (_id: string, command: readonly string[]) => this.#exec(command) } as unknown as Engine,
      onChanged: () => {
        this.changes += 1;
      },
      onFailure: (_name, kind, output) => this.told.push(`${kind} failed: ${output}`),
      onError: (_name, kind, error) => this.told.push(`${kind} errored: ${error}`),
      onWarning: (_name, kind, output) => this.told.push(`${kind} warning: ${output}`),
      onStreak: (streak) => this.streaks.push(streak),
      streaks,
    });
  }

  async #exec(command: readonly string[]): Promise<{ exitCode: number; output: string }> {
    const name = command.join(' ');
    this.ran.push(`${name} ${(this.clock.now() - this.#startedAt) / SECOND}`);
    const exit = this.exits.get(name) ?? 0;
    if (exit instanceof Error) throw exit;
    return { exitCode: exit, output: 'out' };
  }

  observed(more: Partial<ObservedContainer> = {}): ObservedContainer {
    return { id: 'web-0', kind: 'container', name: 'web', attempt: 0, state: 'running', image: '', imageId: '', hash: '', createdAt: 0, startedAt: this.#startedAt, oomKilled: false, ...more };
  }

  update(container: Partial<Container>, told: Partial<ContainerStatus>[] = [], observed = this.observed(), prober = this.prober): void {
    prober.update([{ name: 'web', ...container }], [observed], '10.0.0.1', told as ContainerStatus[]);
  }
}

const probe = (command: string, more: Partial<Probe> = {}): Probe => ({ exec: { command: [command] }, periodSeconds: 10, timeoutSeconds: 1, successThreshold: 1, failureThreshold: 3, ...more });

test('a probe begins after its delay and comes every period', async () => {
  const bench = new Bench();
  bench.update({ readinessProbe: probe('readiness', { initialDelaySeconds: 4 }) });
  await bench.clock.advance(35 * SECOND);
  expect(bench.ran).toEqual(['readiness 4', 'readiness 14', 'readiness 24', 'readiness 34']);
  expect(bench.prober.results.readiness.get('web-0')).toBe(true);
  expect(bench.changes).toBe(1);
  bench.prober.stop();
});

test('a result changes after as many equal outcomes as its threshold', async () => {
  const bench = new Bench();
  bench.update({ readinessProbe: probe('readiness', { successThreshold: 2, failureThreshold: 3, periodSeconds: 1 }) });
  const after = async (exit: number, seconds: number): Promise<boolean | undefined> => {
    bench.exits.set('readiness', exit);
    await bench.clock.advance(seconds * SECOND);
    return bench.prober.results.readiness.get('web-0');
  };
  expect(await after(0, 0)).toBeUndefined();
  expect(await after(0, 1)).toBe(true);
  expect(await after(1, 2)).toBe(true);
  expect(await after(0, 1)).toBe(true);
  expect(await after(1, 3)).toBe(false);
  expect(bench.told).toHaveLength(5);
  bench.prober.stop();
});

test('liveness holds after the failure that kills, until there is another container', async () => {
  const bench = new Bench();
  const spec = { livenessProbe: probe('liveness', { failureThreshold: 2, periodSeconds: 1 }) };
  bench.exits.set('liveness', 1);
  bench.update(spec);
  await bench.clock.advance(10 * SECOND);
  expect(bench.ran).toEqual(['liveness 0', 'liveness 1']);
  expect(bench.prober.results.liveness.get('web-0')).toBe(false);
  bench.update(spec, [], bench.observed({ id: 'web-1', attempt: 1, startedAt: bench.clock.now() }));
  await bench.clock.advance(0);
  expect(bench.ran).toEqual(['liveness 0', 'liveness 1', 'liveness 10']);
  expect(bench.prober.results.liveness.has('web-0')).toBe(false);
  bench.prober.stop();
});

test('the startup probe holds the others back, and lets them run as soon as it has passed', async () => {
  const bench = new Bench();
  bench.exits.set('startup', 1);
  bench.update({ startupProbe: probe('startup', { periodSeconds: 1, failureThreshold: 10 }), livenessProbe: probe('liveness'), readinessProbe: probe('readiness', { initialDelaySeconds: 30 }) });
  await bench.clock.advance(2.5 * SECOND);
  bench.exits.set('startup', 0);
  await bench.clock.advance(12 * SECOND);
  expect(bench.ran).toEqual(['startup 0', 'startup 1', 'startup 2', 'startup 3', 'liveness 3', 'liveness 13']);
  await bench.clock.advance(16 * SECOND);
  expect(bench.ran.filter((command) => command.startsWith('readiness'))).toEqual(['readiness 30']);
  bench.prober.stop();
});

test('a probe that cannot be made is tried three times, told, and counts for nothing', async () => {
  const bench = new Bench();
  bench.exits.set('liveness', new Error('no such container'));
  bench.update({ livenessProbe: probe('liveness', { failureThreshold: 1 }) });
  await bench.clock.advance(10 * SECOND);
  expect(bench.ran).toHaveLength(6);
  expect(bench.told).toEqual(['liveness errored: no such container', 'liveness errored: no such container']);
  expect(bench.prober.results.liveness.size).toBe(0);
  bench.prober.stop();
});

test('what was told before this process holds until a probe says otherwise', async () => {
  const bench = new Bench();
  const spec = { startupProbe: probe('startup'), readinessProbe: probe('readiness', { failureThreshold: 1 }) };
  const told = { name: 'web', containerID: 'docker://web-0', started: true, ready: true };
  bench.exits.set('startup', 1).set('readiness', 1);
  bench.update(spec, [told], bench.observed({ startedAt: bench.clock.now() - 100 * SECOND }));
  expect([bench.prober.results.startup.get('web-0'), bench.prober.results.readiness.get('web-0')]).toEqual([true, true]);
  await bench.clock.advance(10 * SECOND);
  expect(bench.prober.results.startup.get('web-0')).toBe(true);
  expect(bench.prober.results.readiness.get('web-0')).toBe(false);
  expect(bench.ran.some((command) => command.startsWith('startup'))).toBe(false);
  bench.prober.stop();
});

test('what another process had counted is counted on', async () => {
  const bench = new Bench();
  const spec = { livenessProbe: probe('liveness', { periodSeconds: 1 }), readinessProbe: probe('readiness', { periodSeconds: 1, successThreshold: 2 }) };
  bench.exits.set('liveness', 1);
  bench.update(spec);
  await bench.clock.advance(1.5 * SECOND);
  bench.prober.stop();
  expect(bench.streaks).toEqual([
    { container: 'web', id: 'web-0', probe: 'liveness', ok: false, times: 1 },
    { container: 'web', id: 'web-0', probe: 'readiness', ok: true, times: 1 },
    { container: 'web', id: 'web-0', probe: 'liveness', ok: false, times: 2 },
    { container: 'web', id: 'web-0', probe: 'readiness', ok: true, times: 2 },
  ]);
  const next = bench.proberAfter(bench.streaks.slice(1, 3));
  bench.update(spec, [], bench.observed(), next);
  expect([next.results.liveness.size, next.results.readiness.size]).toEqual([0, 0]);
  await bench.clock.advance(SECOND);
  expect([next.results.liveness.get('web-0'), next.results.readiness.get('web-0')]).toEqual([false, true]);
  next.stop();
});

test('a container that another process had found to be killed is to be killed at once, and not probed', async () => {
  const bench = new Bench();
  const spec = { livenessProbe: probe('liveness'), startupProbe: probe('startup') };
  const next = bench.proberAfter([
    { container: 'web', id: 'web-0', probe: 'startup', ok: true, times: 1 },
    { container: 'web', id: 'web-0', probe: 'liveness', ok: false, times: 3 },
  ]);
  bench.update(spec, [], bench.observed(), next);
  expect([next.results.startup.get('web-0'), next.results.liveness.get('web-0')]).toEqual([true, false]);
  await bench.clock.advance(100 * SECOND);
  expect(bench.ran).toEqual([]);
  next.stop();
});

test('what was counted of another container counts for nothing', () => {
  const bench = new Bench();
  const next = bench.proberAfter([{ container: 'web', id: 'web-before', probe: 'liveness', ok: false, times: 3 }]);
  bench.update({ livenessProbe: probe('liveness') }, [], bench.observed(), next);
  expect(next.results.liveness.size).toBe(0);
  next.stop();
});

test('what was told of another container counts for nothing', () => {
  const bench = new Bench();
  bench.update({ readinessProbe: probe('readiness') }, [{ name: 'web', containerID: 'docker://web-before', started: true, ready: true }]);
  expect(bench.prober.results.readiness.size).toBe(0);
  bench.prober.stop();
});

test('while the pod ends readiness goes on, liveness and startup do not', async () => {
  const bench = new Bench();
  bench.update({ livenessProbe: probe('liveness', { periodSeconds: 1 }), readinessProbe: probe('readiness', { periodSeconds: 1, failureThreshold: 1 }) });
  await bench.clock.advance(1.5 * SECOND);
  bench.ran.length = 0;
  bench.exits.set('readiness', 1);
  bench.prober.ending([bench.observed()]);
  await bench.clock.advance(2 * SECOND);
  expect(bench.ran).toEqual(['readiness 2', 'readiness 3']);
  expect(bench.prober.results.readiness.get('web-0')).toBe(false);
  bench.prober.ending([bench.observed({ state: 'exited' })]);
  await bench.clock.advance(5 * SECOND);
  expect(bench.ran).toHaveLength(2);
  expect(bench.clock.pending).toBe(0);
});

test.each([-3600, 3600])('probes go on evenly where the wall clock is set by %d s', async (seconds) => {
  const bench = new Bench();
  bench.update({ livenessProbe: probe('liveness'), readinessProbe: probe('readiness', { initialDelaySeconds: 20 }) });
  await bench.clock.advance(0);
  bench.clock.set(seconds * SECOND);
  await bench.clock.advance(45 * SECOND);
  const at = (name: string): number[] => bench.ran.filter((one) => one.startsWith(name)).map((one) => Number(one.split(' ')[1]));
  expect(at('liveness')).toEqual([0, 10, 20, 30, 40].map((s, i) => (i === 0 ? s : s + seconds)));
  expect(at('readiness')).toEqual([20, 30, 40].map((s) => s + seconds));
  bench.prober.stop();
});

test('a container that began later than the wall clock says now is probed after its delay', async () => {
  const bench = new Bench();
  bench.clock.set(-3600 * SECOND);
  bench.update({ livenessProbe: probe('liveness', { initialDelaySeconds: 5 }) });
  await bench.clock.advance(6 * SECOND);
  expect(bench.ran).toHaveLength(1);
  bench.prober.stop();
});

test('the command of a probe is expanded from what the spec says of its variables', async () => {
  const bench = new Bench();
  const env = [{ name: 'FILE', value: '/a' }, { name: 'FROM', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }];
  bench.update({ env, readinessProbe: { ...probe(''), exec: { command: ['cat', '$(FILE)', '$(FROM)', '$(NONE)', '$$(FILE)'] } } });
  await bench.clock.advance(0);
  expect(bench.ran).toEqual(['cat /a  $(NONE) $(FILE) 0']);
  bench.prober.stop();
});
