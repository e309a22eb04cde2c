/** Journals of executors that are in the field already: what they say must go on being understood. */
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/index.ts';
import { catchUp } from '../../../src/executor/catch-up.ts';
import { ExecutorState } from '../../../src/executor/journal-entry.ts';
import { Memory } from '../../../src/executor/memory.ts';
import type { MesosEnvironment } from '../../../src/mesos/index.ts';
import { silentLogger } from '../../../src/telemetry/index.ts';

const FIXTURE = join(import.meta.dirname, '../../fixtures/journal/version-1.jsonl');

let rootDir: string;
beforeEach(() => {
  rootDir = mkdtempSync(join(tmpdir(), 'km-memory-'));
  mkdirSync(join(rootDir, 'journal'));
  cpSync(FIXTURE, join(rootDir, 'journal', 'framework-1.executor-1.jsonl'));
});
afterEach(() => rmSync(rootDir, { recursive: true }));

function memoryOf(sandbox: string): Memory {
  const environment = { frameworkId: 'framework-1', executorId: 'executor-1', sandbox } as MesosEnvironment;
  return new Memory({ rootDir, environment, clock: systemClock, logger: silentLogger });
}

describe('a journal of format km-journal/1', () => {
  it('gives the next worker of the same run its pods, orders, counts and updates', async () => {
    const memory = memoryOf('/var/lib/example/sandbox-0');
    const { state, ledger, fresh } = memory;
    expect(fresh).toBe(false);
    expect(memory.rebooted).toBe(false); // it does not say of which boot it is
    expect(state.nodeName).toBe('node-of-faults');
    const pods = state.pods().map(({ pod, inApi, last, order, remembered }) => [pod.metadata.name, inApi, last?.progress.state, last?.status.phase, order?.cause.kind, remembered.restartCounts.get('main')]);
    expect(pods).toEqual([
      ['crashing', true, 'running', 'Running', undefined, 1],
      ['job', true, 'ended', 'Succeeded', undefined, 0],
      ['stubborn', true, 'killing', 'Running', 'mesos-kill', 0],
    ]);
    const { tasks, updates } = ledger.unacknowledged();
    expect(tasks.map(({ task_id }) => task_id.value)).toEqual(['task-stubborn-cfcd']);
    expect(updates.map(({ status }) => status.state)).toEqual(['TASK_STARTING', 'TASK_RUNNING', 'TASK_KILLING']);
    await memory.close();
  });

  it('is added to: what probes have counted, the last of each, also when it is written anew', async () => {
    const before = memoryOf('/var/lib/example/sandbox-0');
    const uid = before.state.pods()[0]?.pod.metadata.uid ?? '';
    const streak = { container: 'main', id: 'c1', probe: 'liveness', ok: false, times: 1 } as const;
    for (const times of [1, 2]) before.note({ kind: 'probe', uid, streak: { ...streak, times } });
    before.note({ kind: 'probe', uid, streak: { ...streak, probe: 'readiness' } });
    before.note({ kind: 'probe', uid: 'nobody', streak });
    const wanted = [{ ...streak, times: 2 }, { ...streak, probe: 'readiness' }];
    await before.close();
    const { state } = memoryOf('/var/lib/example/sandbox-0');
    expect(state.pods().map(({ remembered }) => remembered.streaks)).toEqual([wanted, [], []]);
    expect(ExecutorState.restore(state.entries([])).pods()[0]?.remembered.streaks).toEqual(wanted);
  });

  it('keeps what is so for the run, also when it is written anew', async () => {
    const memory = memoryOf('/var/lib/example/sandbox-0');
    const ending = { cause: { kind: 'mesos-shutdown', message: 'told' }, end: 'lost' } as const;
    memory.learn({ capabilities: ['TASK_KILLING_STATE'], draining: true });
    memory.learn({ ending });
    const facts = { run: '/var/lib/example/sandbox-0', nodeName: 'node-of-faults', capabilities: ['TASK_KILLING_STATE'], draining: true, ending };
    await memory.close();
    const again = memoryOf('/var/lib/example/sandbox-0');
    expect(again.state.facts).toEqual(facts);
    expect(ExecutorState.restore(again.state.entries([])).facts).toEqual(facts);
    await again.close();
    expect(memoryOf('/var/lib/example/sandbox-1').state.facts).toMatchObject({ run: '/var/lib/example/sandbox-1' });
    expect(memoryOf('/var/lib/example/sandbox-1').state.facts).not.toHaveProperty('draining');
  });

  it('knows what was said last, also when its worker died before it was written down and the next before anything new was', async () => {
    const progressOf = ({ state }: Memory): unknown => state.pods().find(({ taskId }) => taskId === 'task-stubborn-cfcd')?.last?.progress;
    const first = memoryOf('/var/lib/example/sandbox-0');
    const before = progressOf(first);
    first.ledger.update({ task_id: { value: 'task-stubborn-cfcd' }, state: 'TASK_RUNNING', healthy: true });
    await first.close();
    const second = memoryOf('/var/lib/example/sandbox-0');
    expect(progressOf(second)).toEqual(before);
    catchUp(second);
    for (const { status } of second.ledger.unacknowledged().updates) second.ledger.acknowledge('task-stubborn-cfcd', status.uuid);
    await second.close();
    const third = memoryOf('/var/lib/example/sandbox-0');
    expect(progressOf(third)).toEqual({ state: 'killing', healthy: true });
    const size = JSON.stringify([...third.state.entries([])]).length;
    catchUp(third);
    expect(JSON.stringify([...third.state.entries([])]).length).toBe(size);
  });

  it('remembers the last thousand tasks that are over, also one whose name another pod has by now', () => {
    const [known] = memoryOf('/var/lib/example/sandbox-0').state.pods();
    const state = new ExecutorState();
    for (let n = 0; n <= 1000; n++) state.apply({ kind: 'settled', taskId: `task-${n}`, uid: `uid-${n}` });
    state.apply({ kind: 'settled', taskId: 'refused' });
    if (known !== undefined) state.apply({ kind: 'pod', record: { ...known, taskId: 'task-7' } });
    for (const same of [state, ExecutorState.restore(state.entries([]))]) {
      expect(['task-0', 'task-1', 'task-7', 'task-1000', 'refused'].map((taskId) => same.bygone(taskId))).toEqual([undefined, 'uid-1', 'uid-7', 'uid-1000', undefined]);
      expect(same.pods().map(({ taskId }) => taskId)).toEqual(['task-7']);
    }
  });

  it('tells the next run which pods are left to be removed', async () => {
    const memory = memoryOf('/var/lib/example/sandbox-1');
    expect(memory.fresh).toBe(true);
    expect(memory.state.pods()).toEqual([]);
    expect(memory.state.former().map(({ pod: { name } }) => name).sort()).toEqual(['crashing', 'job', 'stubborn']);
    await memory.close();
  });
});
