import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, test } from 'vitest';
import { disown, hasCompany, isDead, own, type Owner, ownersOf } from '../../../src/executor/owners.ts';

const WHO = { frameworkId: 'f/1', executorId: 'e 1' };
let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'km-owners-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const only = (): Owner => ownersOf(root)[0] as Owner;

it('an executor lives as long as its process, and no longer', async () => {
  const child = spawn('sleep', ['600']);
  own(root, WHO, child.pid as number);
  expect(only()).toMatchObject(WHO);
  expect(isDead(only())).toBe(false);
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(isDead(only())).toBe(true);
  disown(root, WHO);
  expect(ownersOf(root)).toEqual([]);
});

test.each<[string, Partial<Owner['process']>, boolean]>([
  ['another process has its pid by now', { started: '1' }, true],
  ['the machine was booted since', { bootId: 'another' }, true],
  ['nobody knows when it began', { started: '' }, false],
])('%s', (_what, change, dead) => {
  own(root, WHO, process.pid);
  const owner = only();
  expect(isDead({ ...owner, process: { ...owner.process, ...change } })).toBe(dead);
});

it('an executor has company as long as another one lives', async () => {
  const other = { frameworkId: 'f/2', executorId: 'e 1' };
  own(root, WHO, process.pid);
  expect(hasCompany(root, WHO)).toBe(false);
  const child = spawn('sleep', ['600']);
  own(root, other, child.pid as number);
  expect(hasCompany(root, WHO)).toBe(true);
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(hasCompany(root, WHO)).toBe(false);
  expect(hasCompany(root, other)).toBe(true);
});

it('files that are none of ours are left alone', async () => {
  expect(ownersOf(root)).toEqual([]);
  await mkdir(join(root, 'owners'));
  await writeFile(join(root, 'owners/x.json'), '{');
  await writeFile(join(root, 'owners/y.txt'), '{}');
  expect(ownersOf(root)).toEqual([]);
});
