import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { KmError } from '../../../src/base/index.ts';
import type { PodContext } from '../../../src/runtime/pod-context.ts';
import { StorageWatch } from '../../../src/runtime/storage-watch.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const PERIOD_MS = 10_000;
let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'km-storage-'));
});
afterEach(() => rm(root, { recursive: true }));

function podWith(spec: object, inspect: (id: string) => Promise<object>): { clock: ManualClock; warnings: string[]; context: PodContext } {
  const clock = new ManualClock();
  const warnings: string[] = [];
  const pod = { metadata: { name: 'p', namespace: 'd', uid: 'u' }, spec: { containers: [{ name: 'main', image: 'i' }], ...spec } };
  const node = { clock, rootDir: root, engine: { inspect }, logger: { warn: (_: string, fields: { error: string }) => warnings.push(fields.error) } };
  const observed = { sandboxes: [], containers: [{ id: 'c1', name: 'main', state: 'running' }, { id: 'c0', name: 'main', state: 'exited' }] };
  return { clock, warnings, context: { pod, uid: 'u', node, observed } as unknown as PodContext };
}

const file = async (path: string, bytes: number): Promise<void> => {
  await mkdir(join(root, path, '..'), { recursive: true });
  await writeFile(join(root, path), Buffer.alloc(bytes, 1));
};

describe('the watch over what a pod takes on the disk', () => {
  it('tells of an empty directory that has grown too big, at the next look', async () => {
    const { clock, context } = podWith({ volumes: [{ name: 'scratch', emptyDir: { sizeLimit: '64Ki' } }] }, () => Promise.resolve({ logPath: '' }));
    const evicted = vi.fn();
    const watch = new StorageWatch(context, evicted);
    await file('pods/u/volumes/kubernetes.io~empty-dir/scratch/a', 16_384);
    clock.jump(PERIOD_MS);
    await vi.waitFor(() => expect(clock.pending).toBe(1));
    expect(evicted).not.toHaveBeenCalled();
    await file('pods/u/volumes/kubernetes.io~empty-dir/scratch/deep/b', 65_536);
    clock.jump(PERIOD_MS);
    await vi.waitFor(() => expect(evicted).toHaveBeenCalledWith('Usage of EmptyDir volume "scratch" exceeds the limit "64Ki". '));
    await watch.stop();
    expect(clock.pending).toBe(0);
  });

  it('counts what a running container has written and logged, and asks the Engine once where', async () => {
    const inspect = vi.fn(() => Promise.resolve({ logPath: join(root, 'log/c.log'), writableLayer: join(root, 'layer') }));
    const { clock, context } = podWith({ containers: [{ name: 'main', image: 'i', resources: { limits: { 'ephemeral-storage': '100Ki' } } }] }, inspect);
    await file('layer/written', 49_152);
    await file('log/c.log', 16_384);
    const evicted = vi.fn();
    const watch = new StorageWatch(context, evicted);
    clock.jump(PERIOD_MS);
    await vi.waitFor(() => expect(clock.pending).toBe(1));
    expect(evicted).not.toHaveBeenCalled();
    await file('log/c.log.1', 49_152);
    clock.jump(PERIOD_MS);
    await vi.waitFor(() => expect(evicted).toHaveBeenCalledOnce());
    expect(inspect).toHaveBeenCalledOnce();
    await watch.stop();
  });

  it('counts what containers have written into the hosts file', async () => {
    const { clock, context } = podWith({ containers: [{ name: 'main', image: 'i', resources: { limits: { 'ephemeral-storage': '100Ki' } } }] }, () => Promise.resolve({ logPath: '' }));
    await file('pods/u/etc-hosts', 100 * 1024 + 1);
    const evicted = vi.fn();
    const watch = new StorageWatch(context, evicted);
    clock.jump(PERIOD_MS);
    await vi.waitFor(() => expect(evicted).toHaveBeenCalledWith('Pod ephemeral local storage usage exceeds the total limit of containers 100Ki. '));
    await watch.stop();
  });

  it('goes on when the Engine does not answer', async () => {
    let away = true;
    const inspect = (): Promise<object> => (away ? Promise.reject(new KmError('unavailable', 'the Engine is away')) : Promise.resolve({ logPath: '', writableLayer: join(root, 'layer') }));
    const { clock, context, warnings } = podWith({ containers: [{ name: 'main', image: 'i', resources: { limits: { 'ephemeral-storage': '4Ki' } } }] }, inspect);
    await file('layer/written', 49_152);
    const evicted = vi.fn();
    const watch = new StorageWatch(context, evicted);
    clock.jump(PERIOD_MS);
    await vi.waitFor(() => expect(warnings).toEqual(['the Engine is away']));
    away = false;
    await vi.waitFor(() => expect(clock.pending).toBe(1));
    clock.jump(PERIOD_MS);
    await vi.waitFor(() => expect(evicted).toHaveBeenCalledOnce());
    await watch.stop();
  });

  it('sets no timer for a pod without limits', () => {
    const { clock, context } = podWith({}, () => Promise.reject(new Error('not to be asked')));
    new StorageWatch(context, () => undefined);
    expect(clock.pending).toBe(0);
  });
});
