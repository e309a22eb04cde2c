/** Processes of other pid namespaces: only root can make one. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { type OwnerProcess, processOf, sightOf } from '../../../src/executor/owner-process.ts';

const run = promisify(execFile);
const FILE = join(import.meta.dirname, '../../../src/executor/owner-process.ts');
const seesAll = readlinkSync('/proc/self/ns/pid') === 'pid:[4026531836]';
const asRoot = it.skipIf(process.getuid?.() !== 0);

/** What the expression gives in a process of a pid namespace of its own. */
async function within(flags: readonly string[], expression: string): Promise<unknown> {
  const code = `import { processOf, sightOf } from ${JSON.stringify(FILE)}; console.log(JSON.stringify(${expression}))`;
  const { stdout } = await run('unshare', ['--pid', '--fork', ...flags, process.execPath, '--input-type=module', '--eval', code]);
  return JSON.parse(stdout);
}

/** A process that is the first of a namespace below ours, as it would write itself down, and how to end it. */
async function firstOfAnother(): Promise<{ outside: number; first: OwnerProcess; end: () => Promise<void> }> {
  const unshare = spawn('unshare', ['--pid', '--fork', '--kill-child', 'sleep', '600']);
  const children = `/proc/${unshare.pid ?? 0}/task/${unshare.pid ?? 0}/children`;
  for (let tries = 0; readFileSync(children, 'utf8').trim() === '' && tries < 500; tries++) await sleep(10);
  const outside = Number(readFileSync(children, 'utf8'));
  const end = async (): Promise<void> => {
    process.kill(outside, 'SIGKILL');
    await once(unshare, 'exit');
  };
  return { outside, first: { ...processOf(outside), pid: 1, pidNamespace: readlinkSync(`/proc/${outside}/ns/pid`) }, end };
}

asRoot('a process of a namespace below ours is found by the pid that it has there, and is dead when that is another one', async () => {
  const { outside, first, end } = await firstOfAnother();
  try {
    expect(sightOf(first)).toEqual({ is: 'alive', pid: outside });
    expect(sightOf({ ...first, started: '1' })).toEqual({ is: 'ended' });
    expect(sightOf({ ...first, pid: 2 })).toEqual({ is: 'ended' });
  } finally {
    await end();
  }
  expect(sightOf(first)).toEqual({ is: seesAll ? 'ended' : 'unknown' });
});

asRoot('of a namespace that may be beside ours nobody knows: what has its pid here is another process', async () => {
  const { first, end } = await firstOfAnother();
  try {
    const known = JSON.stringify(first);
    expect(await within(['--mount-proc'], `[sightOf(${known}), sightOf({ ...${known}, started: '1', pidNamespace: processOf(1).pidNamespace })]`)).toEqual([{ is: 'unknown' }, { is: 'ended' }]);
  } finally {
    await end();
  }
});

asRoot('where /proc is that of another namespace a pid says nothing', async () => {
  const own = (await within([], 'processOf(process.pid)')) as OwnerProcess;
  expect(own).toMatchObject({ pid: 1, started: '' });
  expect(sightOf(own)).toEqual({ is: 'unknown' });
  expect(await within([], `sightOf({ ...${JSON.stringify(own)}, started: '1', pidNamespace: processOf(1).pidNamespace })`)).toEqual({ is: 'unknown' });
});
