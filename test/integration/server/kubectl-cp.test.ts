import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HAS_KUBECTL, TryKubectl } from './try-kubectl.ts';

describe.skipIf(!HAS_KUBECTL)('kubectl cp', () => {
  let k: TryKubectl;
  beforeAll(async () => {
    k = await TryKubectl.start('kubectl-cp');
    await k.pod('box', [{ command: ['sleep', '100000'] }]);
  });
  afterAll(() => k?.[Symbol.asyncDispose]());

  it('takes a tree of 10,000 files there and back', async () => {
    const here = join(k.dir, 'tree');
    for (let d = 0; d < 100; d++) {
      mkdirSync(join(here, `d${d}`), { recursive: true });
      for (let f = 0; f < 100; f++) writeFileSync(join(here, `d${d}`, `f${f}`), `${d}/${f}\n`);
    }
    writeFileSync(join(here, 'run.sh'), '#!/bin/sh\n', { mode: 0o751 });
    expect((await k.run(['cp', here, 'box:/tree'])).code).toBe(0);
    expect((await k.run(['exec', 'box', '--', 'sh', '-c', 'find /tree -type f | wc -l; stat -c %a /tree/run.sh'])).stdout).toBe('10001\n751\n');
    const back = join(k.dir, 'back');
    expect((await k.run(['cp', 'box:/tree', back])).code).toBe(0);
    expect(execFileSync('diff', ['-r', here, back], { encoding: 'utf8' })).toBe('');
  }, 120_000);

  it('takes a file of any bytes', async () => {
    const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 7919) % 256));
    writeFileSync(join(k.dir, 'bytes'), bytes);
    expect((await k.run(['cp', join(k.dir, 'bytes'), 'box:/bytes'])).code).toBe(0);
    expect((await k.run(['cp', 'box:/bytes', join(k.dir, 'again')])).code).toBe(0);
    expect(readFileSync(join(k.dir, 'again')).equals(bytes)).toBe(true);
  });
});
