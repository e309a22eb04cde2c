import { mkdtempSync, rmSync } from 'node:fs';
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

describe('Memory', () => {
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
