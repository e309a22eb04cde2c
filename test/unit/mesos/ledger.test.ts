import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Ledger, randomUuid, uuidText, type LedgerEntry, type TaskState, type TaskUpdate } from '../../../src/mesos/index.ts';
import { report } from './connected.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { launch } from './fake-agent.ts';

const task = (id: string): Parameters<Ledger['addTask']>[0] => launch(id).launch.task;

function ledgerWith(journal: LedgerEntry[], entries: Iterable<LedgerEntry> = []): Ledger {
  return Ledger.restore(entries, { executorId: 'exec-1', record: (entry) => void journal.push(entry), clock: new ManualClock(1_700_000_000_000) });
}

const told = (ledger: Ledger): { tasks: string[]; updates: string[] } => {
  const { tasks, updates } = ledger.unacknowledged();
  return { tasks: tasks.map(({ task_id }) => task_id.value), updates: updates.map(({ status }) => `${status.task_id.value} ${status.state}`) };
};

describe('the ledger', () => {
  it('completes an update: executor, source, time in seconds, a version 4 UUID', () => {
    const ledger = ledgerWith([]);
    ledger.addTask(task('a'));
    const { status } = ledger.update({ ...report('a', 'TASK_RUNNING'), message: 'up', healthy: true }) as TaskUpdate;
    expect(status).toMatchObject({ task_id: { value: 'a' }, state: 'TASK_RUNNING', message: 'up', healthy: true, executor_id: { value: 'exec-1' }, source: 'SOURCE_EXECUTOR', timestamp: 1_700_000_000 });
    expect(uuidText(status.uuid)).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  it('tells of a task until its first update is acknowledged, and of an update until it is itself', () => {
    const ledger = ledgerWith([]);
    for (const id of ['a', 'b']) expect(ledger.addTask(task(id))).toBe(true);
    const [starting, running] = [ledger.update(report('a', 'TASK_STARTING')), ledger.update(report('a', 'TASK_RUNNING'))] as [TaskUpdate, TaskUpdate];
    ledger.update(report('b', 'TASK_STARTING'));
    expect(told(ledger)).toEqual({ tasks: ['a', 'b'], updates: ['a TASK_STARTING', 'a TASK_RUNNING', 'b TASK_STARTING'] });
    expect(ledger.acknowledge('a', starting.status.uuid)).toBe(true);
    expect(told(ledger)).toEqual({ tasks: ['b'], updates: ['a TASK_RUNNING', 'b TASK_STARTING'] });
    expect(ledger.acknowledge('a', starting.status.uuid)).toBe(false);
    expect(ledger.acknowledge('b', running.status.uuid)).toBe(false);
    expect(ledger.acknowledge('a', randomUuid())).toBe(false);
    expect(ledger.pendingUpdates).toBe(2);
    expect(ledger.pending(running.status.uuid)).toBe(running);
    expect(ledger.pending(starting.status.uuid)).toBeUndefined();
  });

  it('refuses the same task twice and updates of tasks that it does not know', () => {
    const journal: LedgerEntry[] = [];
    const ledger = ledgerWith(journal);
    expect(ledger.addTask(task('a'))).toBe(true);
    expect(ledger.addTask(task('a'))).toBe(false);
    expect(ledger.update(report('b', 'TASK_RUNNING'))).toBeUndefined();
    expect(journal).toHaveLength(1);
  });

  it.each(['TASK_FINISHED', 'TASK_FAILED', 'TASK_KILLED', 'TASK_ERROR', 'TASK_LOST', 'TASK_DROPPED', 'TASK_GONE'] as const)('gives a task no update after %s, acknowledged or not, also after a restart', (state) => {
    const journal: LedgerEntry[] = [];
    const ledger = ledgerWith(journal);
    ledger.addTask(task('a'));
    const last = ledger.update(report('a', state)) as TaskUpdate;
    const refuses = (one: Ledger): void => {
      expect(one.isTerminal('a')).toBe(true);
      for (const later of ['TASK_RUNNING', state] as const) expect(one.update(report('a', later))).toBeUndefined();
    };
    refuses(ledger);
    refuses(ledgerWith([], journal));
    ledger.acknowledge('a', last.status.uuid);
    refuses(ledger);
    refuses(ledgerWith([], journal));
    refuses(ledgerWith([], ledger.entries()));
  });

  it.each([['before', true], ['after', false]])('drops a task that is forgotten %s its terminal update is acknowledged', (_when, before) => {
    const ledger = ledgerWith([]);
    ledger.addTask(task('a'));
    const last = ledger.update(report('a', 'TASK_FINISHED')) as TaskUpdate;
    if (before) ledger.forget('a');
    expect(ledger.has('a')).toBe(true);
    ledger.acknowledge('a', last.status.uuid);
    if (!before) ledger.forget('a');
    expect(ledger.has('a')).toBe(false);
    expect(ledger.entries()).toEqual([]);
    expect(ledger.addTask(task('a'))).toBe(true);
  });

  it('changes nothing when it cannot be written down', () => {
    let full = false;
    const ledger = new Ledger({
      executorId: 'exec-1',
      clock: new ManualClock(1_700_000_000_000),
      record: () => {
        if (full) throw new Error('disk full');
      },
    });
    ledger.addTask(task('a'));
    const first = ledger.update(report('a', 'TASK_RUNNING')) as TaskUpdate;
    full = true;
    expect(() => ledger.addTask(task('b'))).toThrow('disk full');
    expect(() => ledger.update(report('a', 'TASK_FINISHED'))).toThrow('disk full');
    expect(() => ledger.acknowledge('a', first.status.uuid)).toThrow('disk full');
    expect(() => ledger.forget('a')).toThrow('disk full');
    expect(told(ledger)).toEqual({ tasks: ['a'], updates: ['a TASK_RUNNING'] });
    expect(ledger.isTerminal('a')).toBe(false);
  });

  it('is the same after a restart, from the journal as from its own short form, at any moment', () => {
    const ids = ['a', 'b', 'c'];
    const states: TaskState[] = ['TASK_STARTING', 'TASK_RUNNING', 'TASK_FINISHED'];
    const step = fc.oneof(
      fc.record({ kind: fc.constant('add' as const), id: fc.constantFrom(...ids) }),
      fc.record({ kind: fc.constant('update' as const), id: fc.constantFrom(...ids), state: fc.constantFrom(...states) }),
      fc.record({ kind: fc.constant('acknowledge' as const), which: fc.nat() }),
      fc.record({ kind: fc.constant('forget' as const), id: fc.constantFrom(...ids) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const journal: LedgerEntry[] = [];
        const ledger = ledgerWith(journal);
        for (const each of steps) {
          if (each.kind === 'add') ledger.addTask(task(each.id));
          else if (each.kind === 'update') ledger.update(report(each.id, each.state));
          else if (each.kind === 'forget') ledger.forget(each.id);
          else {
            const { updates } = ledger.unacknowledged();
            const one = updates[each.which % Math.max(1, updates.length)];
            if (one !== undefined) ledger.acknowledge(one.status.task_id.value, one.status.uuid);
          }
        }
        const written = JSON.parse(JSON.stringify(journal)) as LedgerEntry[];
        for (const again of [ledgerWith([], written), ledgerWith([], JSON.parse(JSON.stringify(ledger.entries())) as LedgerEntry[])]) {
          expect(again.unacknowledged()).toEqual(ledger.unacknowledged());
          expect(again.entries()).toEqual(ledger.entries());
          for (const id of ids) expect([again.has(id), again.isTerminal(id)]).toEqual([ledger.has(id), ledger.isTerminal(id)]);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('holds nothing of tasks that are over', () => {
    const ledger = ledgerWith([]);
    for (let i = 0; i < 2_000; i++) {
      const id = `task-${i}`;
      ledger.addTask(task(id));
      for (const state of ['TASK_STARTING', 'TASK_RUNNING', 'TASK_KILLED'] as const) {
        const { status } = ledger.update(report(id, state)) as TaskUpdate;
        ledger.acknowledge(id, status.uuid);
      }
      ledger.forget(id);
    }
    expect(ledger.entries()).toEqual([]);
    expect(ledger.unacknowledged()).toEqual({ tasks: [], updates: [] });
  });
});
