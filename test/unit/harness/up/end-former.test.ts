import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { processOf } from '../../../../src/executor/owner-process.ts';
import { endFormer } from '../../../../src/harness/up/end-former.ts';
import { silentLogger } from '../../../../src/telemetry/index.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'km-former-'));
  await mkdir(join(root, 'owners'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

it('an executor of the cluster before is ended, and a process of which nobody knows whether it is one is not touched', async () => {
  const child = spawn('sleep', ['600']);
  const exit = once(child, 'exit');
  const known = processOf(child.pid ?? 0);
  const put = (process: typeof known): Promise<void> => writeFile(join(root, 'owners/a.json'), JSON.stringify({ frameworkId: 'f', executorId: 'e', process }));
  await put({ ...known, started: '' });
  await expect(endFormer(root, silentLogger)).rejects.toMatchObject({ code: 'conflict' });
  expect([child.exitCode, child.signalCode]).toEqual([null, null]);
  await put(known);
  await endFormer(root, silentLogger);
  expect((await exit)[1]).toBe('SIGTERM');
});
