/** Reaping, where something else happens in its midst. What it removes in the end: test/integration/executor/reap.test.ts. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { KmError, systemClock } from '../../../src/base/index.ts';
import { type Engine, labelsOfExecutor } from '../../../src/docker/index.ts';
import { Memory } from '../../../src/executor/memory.ts';
import { own, ownersOf } from '../../../src/executor/owners.ts';
import { reapDead, type ReapOptions } from '../../../src/executor/reap.ts';
import type { MesosEnvironment } from '../../../src/mesos/index.ts';
import { silentLogger } from '../../../src/telemetry/index.ts';

const FIXTURE = join(import.meta.dirname, '../../fixtures/journal/version-1.jsonl');
const WHO = { frameworkId: 'framework-1', executorId: 'executor-1' };

let rootDir: string;
let journal: string;
/** The UIDs of the pods that the dead executor has left. */
let uids: string[];
beforeEach(async () => {
  rootDir = mkdtempSync(join(tmpdir(), 'km-reap-'));
  journal = join(rootDir, 'journal', 'framework-1.executor-1.jsonl');
  mkdirSync(join(rootDir, 'journal'));
  cpSync(FIXTURE, journal);
  uids = Array.from(new Set([...readFileSync(journal, 'utf8').matchAll(/"uid":"([0-9a-f-]{36})"/g)].map(([, uid = '']) => uid)));
  for (const uid of uids) mkdirSync(join(rootDir, 'pods', uid), { recursive: true });
  const child = spawn('sleep', ['600']);
  own(rootDir, WHO, child.pid as number);
  child.kill('SIGKILL');
  await once(child, 'exit');
});
afterEach(() => rmSync(rootDir, { recursive: true }));

function options(onRemove: () => void = () => undefined): ReapOptions {
  const container = { id: 'c', name: 'km_x', status: 'running', createdAt: 0, labels: labelsOfExecutor(WHO) };
  const engine: Pick<Engine, 'list' | 'remove'> = { list: () => Promise.resolve([container]), remove: () => Promise.resolve(onRemove()) };
  return { rootDir, podLogsDir: join(rootDir, 'log'), engine: engine as Engine, logger: silentLogger };
}

const podsLeft = (): string[] => uids.filter((uid) => existsSync(join(rootDir, 'pods', uid)));

it('leaves an executor alone that the agent has started anew in the midst of it: journal and files are that one’s by now', async () => {
  let next: Memory | undefined;
  await reapDead(options(() => {
    next = new Memory({ rootDir, environment: { ...WHO, sandbox: '/sandbox-2' } as MesosEnvironment, clock: systemClock, logger: silentLogger });
    for (const uid of uids) writeFileSync(join(rootDir, 'pods', uid, 'new'), '');
  }));
  expect(next?.state.former().length).toBeGreaterThan(0);
  expect(podsLeft()).toEqual(uids);
  expect(ownersOf(rootDir)).toHaveLength(1);
  next?.setNodeName('node-1');
  const again = new Memory({ rootDir, environment: { ...WHO, sandbox: '/sandbox-2' } as MesosEnvironment, clock: systemClock, logger: silentLogger });
  expect(again.state.nodeName).toBe('node-1');
});

it('keeps the journal as it is until the API has heard of each end', async () => {
  const before = readFileSync(journal);
  const tellOfEnd = (): Promise<void> => Promise.reject(new KmError('unavailable', 'the API is away'));
  await expect(reapDead({ ...options(), tellOfEnd })).rejects.toThrow('the API is away');
  expect(readFileSync(journal)).toEqual(before);
  expect(ownersOf(rootDir)).toHaveLength(1);
});

it('leaves nothing, nor what a death in the middle of a compaction has left', async () => {
  writeFileSync(`${journal}.new`, 'half of it');
  await reapDead(options());
  expect(podsLeft()).toEqual([]);
  expect(ownersOf(rootDir)).toEqual([]);
  expect(readdirSync(join(rootDir, 'journal'))).toEqual([]);
});
