import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const SCRIPT = join(import.meta.dirname, '../../../src/cli/supervise.sh');

/** The supervisor with a shell script for a worker; `lines` are what it says on standard error. */
function supervise(worker: string, path = process.env.PATH ?? '') {
  const child = spawn('sh', [SCRIPT, 'sh', '-c', worker], { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, PATH: path } });
  const lines: string[] = [];
  child.stderr.on('data', (chunk: Buffer) => lines.push(...chunk.toString().split('\n').filter((line) => line.startsWith('km: '))));
  const exit = once(child, 'exit') as Promise<[number | null, string | null]>;
  return { child, lines, exit };
}

test.each([0, 2, 3])('a worker that ends with %i is not started anew', async (code) => {
  const { exit, lines } = supervise(`exit ${code}`);
  expect(await exit).toEqual([code, null]);
  expect(lines).toEqual([]);
});

test('bad usage of a later worker is a crash: it may be a moment\'s, and there may be pods', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'km-supervise-'));
  const count = `echo >> ${folder}/workers; n=$(wc -l < ${folder}/workers)`;
  try {
    const { exit, lines } = supervise(`${count}; case $n in 1) exit 1 ;; 2) exit 2 ;; *) exit 0 ;; esac`);
    expect(await exit).toEqual([0, null]);
    expect(lines).toEqual([1, 2].map((code) => `km: the executor's worker ended with ${code}, starting it anew`));
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('a signal that comes while a worker is waited for is told to the next one, at once', async () => {
  const { child, exit, lines } = supervise('[ "$KM_EXECUTOR_STOP" = TERM ] && exit 0; exit 1');
  await expect.poll(() => lines.length, { timeout: 15_000, interval: 20 }).toBe(4); // the fourth pause is the first long one
  const told = Date.now();
  child.kill('SIGTERM');
  expect(await exit).toEqual([0, null]);
  expect(Date.now() - told).toBeLessThan(2_000);
});

test.each([
  ['ends the pods', 'GIVEUP) exit 3', 3],
  ['dies too, and nothing more is tried', 'GIVEUP) exit 9', 9],
])('a worker that dies of each signal is given up after three tries: the last resort %s', async (_what, lastResort, code) => {
  const { child, exit, lines } = supervise(`case "$KM_EXECUTOR_STOP" in ${lastResort} ;; TERM) exit 9 ;; esac; echo up >&2; exec sleep 60`);
  await once(child.stderr, 'data');
  child.kill('SIGTERM');
  expect(await exit).toEqual([code, null]);
  expect(lines).toHaveLength(3);
});

test('a signal to end does not disturb the last resort, which is at just that', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'km-supervise-'));
  await writeFile(join(folder, 'sleep'), '#!/bin/sh\n', { mode: 0o755 }); // no pauses
  try {
    const { child, exit, lines } = supervise(`[ "$KM_EXECUTOR_STOP" = GIVEUP ] || exit 1; echo km: ending >&2; while ! [ -e ${folder}/told ]; do :; done; exit 3`, `${folder}:${process.env.PATH ?? ''}`);
    await expect.poll(() => lines.at(-1), { timeout: 15_000, interval: 20 }).toBe('km: ending');
    child.kill('SIGTERM');
    await writeFile(join(folder, 'told'), '');
    expect(await exit).toEqual([3, null]);
    expect(lines).toHaveLength(11);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('after ten workers that died at their start the next one is only to end the pods', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'km-supervise-'));
  await writeFile(join(folder, 'sleep'), '#!/bin/sh\n', { mode: 0o755 }); // no pauses
  try {
    const { exit, lines } = supervise('[ "$KM_EXECUTOR_STOP" = GIVEUP ] && exit 3; exit 1', `${folder}:${process.env.PATH ?? ''}`);
    expect(await exit).toEqual([3, null]);
    expect(lines).toHaveLength(10);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('SIGTERM reaches the worker as SIGUSR2, SIGHUP as it is', async () => {
  const { child, exit, lines } = supervise("trap 'echo km: USR2 >&2; exit 0' USR2; for s in HUP TERM; do trap \"echo km: $s >&2\" $s; done; echo km: up >&2; while :; do sleep 0.05; done");
  const heard = (line: string) => expect.poll(() => lines, { timeout: 10_000, interval: 20 }).toContain(line);
  await heard('km: up');
  child.kill('SIGHUP');
  await heard('km: HUP');
  child.kill('SIGTERM');
  expect(await exit).toEqual([0, null]);
  expect(lines).toEqual(['km: up', 'km: HUP', 'km: USR2']);
});
