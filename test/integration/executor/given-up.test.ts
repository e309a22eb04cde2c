/** Workers that die at their start again and again: somebody has to end the pods. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ExecutorUnderTest, pod } from '../../support/executor-under-test.ts';

test('are given up: containers go, each task is told to have failed, and the executor ends with 3', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'km-given-up-'));
  const broken = join(folder, 'broken');
  // All but the last resort die as soon as that file is there; no pauses between them.
  await writeFile(join(folder, 'preload.mjs'), `import { existsSync } from 'node:fs';
if (process.env.KM_EXECUTOR_WORKER !== undefined && process.env.KM_EXECUTOR_STOP !== 'GIVEUP' && existsSync(${JSON.stringify(broken)})) process.exit(1);
`);
  await writeFile(join(folder, 'sleep'), '#!/bin/sh\n', { mode: 0o755 });
  try {
    await using under = await ExecutorUnderTest.start({ environment: { NODE_OPTIONS: `--import=${join(folder, 'preload.mjs')}`, PATH: `${folder}:${process.env.PATH ?? ''}` } });
    const tasks = [under.launch(pod()), under.launch(pod())];
    await Promise.all(tasks.map((task) => under.running(task)));
    await writeFile(broken, '');
    await under.killWorker();
    for (const task of tasks) {
      const end = { state: 'TASK_FAILED', reason: 'REASON_EXECUTOR_TERMINATED', message: 'the executor crashed again and again, and was given up', from: 'executor' };
      expect(await under.ended(task)).toMatchObject(end);
    }
    expect(await under.exit()).toEqual({ code: 3, signal: null });
    expect(await under.containers()).toEqual([]);
    // What is left in files is the next executor's.
    await rm(broken);
    await under.spawn();
    await under.poll(async () => (await under.files()).every((name) => name.startsWith('root/journal/')), 'no file of theirs is left');
  } finally {
    await rm(folder, { recursive: true });
  }
});
