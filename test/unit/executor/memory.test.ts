import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/index.ts';
import { Memory } from '../../../src/executor/memory.ts';
import type { MesosEnvironment } from '../../../src/mesos/index.ts';
import { silentLogger } from '../../../src/telemetry/index.ts';

let rootDir: string;
beforeEach(() => {
  rootDir = mkdtempSync(join(tmpdir(), 'km-memory-'));
});
afterEach(() => rmSync(rootDir, { recursive: true }));

/** As a worker finds it that comes after one which was killed: nobody has closed anything. */
function worker(): Memory {
  const environment = { frameworkId: 'framework-1', executorId: 'executor-1', sandbox: '/sandbox' } as MesosEnvironment;
  return new Memory({ rootDir, environment, clock: systemClock, logger: silentLogger });
}

const FIXTURE = join(import.meta.dirname, '../../fixtures/journal/version-1.jsonl');

describe('Memory', () => {
  it('puts a damaged journal of an earlier executor aside, and knows of its pods what can be read', async () => {
    const path = join(rootDir, 'journal', 'framework-1.executor-1.jsonl');
    mkdirSync(join(rootDir, 'journal'));
    cpSync(FIXTURE, path);
    const whole = readFileSync(path, 'utf8');
    const at = whole.indexOf('stubborn'); // of three pods the last
    writeFileSync(path, `${whole.slice(0, at)}X${whole.slice(at + 1)}`);
    const memory = worker();
    expect(memory.fresh).toBe(true);
    expect(memory.state.pods()).toEqual([]);
    expect(memory.state.former().map(({ pod }) => pod.name)).toEqual(['crashing', 'job']);
    expect(existsSync(`${path}.damaged`)).toBe(true);
    memory.ledger.addTask({ task_id: { value: 'task-1' }, name: 'task-1', agent_id: { value: 'agent-1' } });
    await memory.close();
    const next = worker();
    expect([next.fresh, next.ledger.has('task-1'), next.state.former().length]).toEqual([false, true, 2]);
    await next.close();
  });

  it('does not begin anew in the midst of a run, whose tasks it would forget', () => {
    const path = join(rootDir, 'journal', 'framework-1.executor-1.jsonl');
    worker().ledger.addTask({ task_id: { value: 'task-1' }, name: 'task-1', agent_id: { value: 'agent-1' } });
    writeFileSync(path, readFileSync(path, 'utf8').replace('"kind":"run"', '"kind":"ran"'));
    expect(() => worker()).toThrow(/is damaged/);
  });

  it('has written down each update when it is made, also the one at which the journal is written anew', () => {
    const memory = worker();
    memory.ledger.addTask({ task_id: { value: 'task-1' }, name: 'task-1', agent_id: { value: 'agent-1' } });
    const data = Buffer.alloc(64 << 10, 'x');
    for (let made = 1; made <= 40; made += 1) {
      memory.ledger.update({ task_id: { value: 'task-1' }, state: 'TASK_RUNNING', data });
      const { ledger } = worker();
      expect(ledger.unacknowledged().updates).toHaveLength(made);
    }
  });
});
