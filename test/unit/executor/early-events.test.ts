import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/index.ts';
import { EarlyEvents } from '../../../src/executor/early-events.ts';
import { Memory } from '../../../src/executor/memory.ts';
import type { MesosEnvironment } from '../../../src/mesos/index.ts';
import { silentLogger } from '../../../src/telemetry/index.ts';

let rootDir: string;
beforeEach(() => {
  rootDir = mkdtempSync(join(tmpdir(), 'km-early-'));
});
afterEach(() => rmSync(rootDir, { recursive: true }));

it('a KILL is written down for a task that is open, not for one that has ended: a later task of its name would be killed', async () => {
  const environment = { frameworkId: 'framework-1', executorId: 'executor-1', sandbox: '/sandbox' } as MesosEnvironment;
  const memory = new Memory({ rootDir, environment, clock: systemClock, logger: silentLogger });
  const early = new EarlyEvents({ memory, clock: systemClock, logger: silentLogger });
  for (const value of ['open', 'over']) early.take({ type: 'LAUNCH', launch: { task: { task_id: { value }, name: value, agent_id: { value: 'agent-1' }, data: Buffer.from('{}') } } });
  memory.ledger.update({ task_id: { value: 'over' }, state: 'TASK_ERROR' });
  for (const value of ['open', 'over', 'nobody']) early.take({ type: 'KILL', kill: { task_id: { value } } });
  expect(['open', 'over', 'nobody'].map((taskId) => memory.state.order(taskId)?.cause.kind)).toEqual(['mesos-kill', undefined, undefined]);
  await memory.close();
});
