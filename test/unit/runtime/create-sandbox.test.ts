import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createSandbox } from '../../../src/runtime/create-sandbox.ts';
import type { PodContext } from '../../../src/runtime/pod-context.ts';
import { settle } from '../../support/manual-clock.ts';
import { pod } from '../pod/samples.ts';

it('a sandbox whose files cannot be written has not failed before its creation is over: the container would be seen by nobody', async () => {
  const rootDir = mkdtempSync(join(tmpdir(), 'km-sandbox-'));
  writeFileSync(join(rootDir, 'pods'), 'no folder');
  const created = Promise.withResolvers<string>();
  const ready = Promise.withResolvers<void>();
  const node = {
    rootDir, clusterDns: [], clusterDomain: 'cluster.local', pauseImage: 'km/pause:1', engineInfo: { name: 'node' },
    limits: { sysResource: true, oomScoreAdj: 0 }, resolvConf: async () => '', nodeHosts: async () => '',
    engine: { create: () => (ready.resolve(), created.promise) },
  };
  const subject = pod();
  const context = { node, pod: subject, uid: subject.metadata.uid, owner: { frameworkId: 'f', executorId: 'e', taskId: 't' }, tell: () => undefined, prepareCgroup: async () => undefined } as unknown as PodContext;
  try {
    const sandbox = createSandbox(context, 0, new AbortController().signal);
    const ended: string[] = [];
    const up = sandbox.up.catch((error: unknown) => ended.push(String(error)));
    await Promise.all([ready.promise, sandbox.hosts.catch(() => undefined)]);
    await settle();
    expect(ended).toEqual([]);
    created.resolve('c-1');
    await up;
    expect(ended).toEqual([expect.stringContaining('writing the hosts file')]);
  } finally {
    rmSync(rootDir, { recursive: true });
  }
});
