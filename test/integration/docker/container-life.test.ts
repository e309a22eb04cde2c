import { afterAll, describe, expect, it } from 'vitest';
import { isCode } from '../../../src/base/index.ts';
import { createWithUniqueName, NameConflict, observe, parseContainerName, readLabels, type InspectedContainer } from '../../../src/docker/index.ts';
import { eatMemory, GREEDY } from '../../support/greedy.ts';
import { TryEngine } from './try-engine.ts';

const us = new TryEngine();
const { engine } = us;
afterAll(() => us[Symbol.asyncDispose]());

async function observed(id: string): Promise<NonNullable<ReturnType<typeof observe>>> {
  const seen = observe(await engine.inspect(id));
  if (seen === undefined) throw new Error('not recognized as ours');
  return seen;
}

describe('a pod on the real Engine', () => {
  it('lives from sandbox to the end of its container, and every step is observed', async () => {
    const pod = us.pod();
    const sandboxId = await us.sandbox(pod);
    const sandbox = await observed(sandboxId);
    expect(sandbox).toMatchObject({ kind: 'sandbox', name: 'POD', attempt: 0, state: 'running', hostNetwork: false });
    expect(sandbox.ips?.[0]).toMatch(/^\d+\.\d+\.\d+\.\d+$/);

    const id = await engine.create(us.config(pod, sandboxId, { command: ['sh', '-c', 'read line; exit 3'], stdin: true }));
    expect(await observed(id)).toMatchObject({ kind: 'container', name: 'main', state: 'created', sandboxId, hash: 'hash-1', image: 'busybox:latest' });
    await engine.start(id);
    const running = await observed(id);
    expect(running.state).toBe('running');
    expect(running.startedAt).toBeGreaterThanOrEqual(running.createdAt);
    await engine.stop(id, 0);
    const ended = await observed(id);
    expect(ended).toMatchObject({ state: 'exited', exitCode: 137, oomKilled: false, startedAt: running.startedAt });
    expect(ended.finishedAt).toBeGreaterThanOrEqual(running.startedAt ?? Infinity);
  });

  it('is found by its labels and can be adopted from them', async () => {
    const pod = us.pod({ terminationGracePeriodSeconds: 7 });
    const sandboxId = await us.sandbox(pod, 2);
    const [found] = await engine.list({ ...us.labels, 'io.kubernetes.pod.uid': pod.metadata.uid });
    expect(found?.id).toBe(sandboxId);
    expect(parseContainerName(found?.name ?? '')).toEqual({ container: 'POD', pod: pod.metadata.name, namespace: 'default', uid: pod.metadata.uid, attempt: 2 });
    expect(readLabels(found?.labels ?? {})).toMatchObject({
      kind: 'sandbox',
      attempt: 2,
      owner: us.owner,
      pod: { uid: pod.metadata.uid, namespace: 'default', name: pod.metadata.name },
      terminationGracePeriodSeconds: 7,
    });
  });

  it.each([
    ['a success', 'exit 0', 0],
    ['a failure', 'exit 42', 42],
  ])('reports %s by its exit code', async (_what, script, code) => {
    const id = await us.shell(script);
    expect(await engine.wait(id)).toBe(code);
    expect(await observed(id)).toMatchObject({ state: 'exited', exitCode: code, oomKilled: false });
  });

  it('is marked as killed for its memory', async () => {
    const id = await us.shell(GREEDY, { resources: { cpuShares: 2, memoryBytes: 16n * 1024n * 1024n } });
    await eatMemory(engine, id);
    expect(await engine.wait(id)).toBe(1);
    expect(await observed(id)).toMatchObject({ state: 'exited', oomKilled: true });
  });

  it.each([
    ['no such command', { command: ['/no/such'] }, 127],
    ['a directory for a command', { command: ['/etc'] }, 126],
    ['a user id that cannot be', { command: ['true'], securityContext: { runAsUser: 4_294_967_299 } }, 128],
  ])('cannot start with %s: its own fault, and an end', async (_what, container, code) => {
    const pod = us.pod();
    const sandboxId = await us.sandbox(pod);
    const id = await engine.create(us.config(pod, sandboxId, container));
    await expect(engine.start(id)).rejects.toSatisfy((error) => isCode(error, 'workload'));
    const seen = await observed(id);
    expect(seen).toMatchObject({ state: 'exited', exitCode: code });
    expect(seen.startedAt).toBeUndefined();
    expect(seen.error).not.toBe('');
  });

  it('cannot join a sandbox that is gone, and that is not its own fault', async () => {
    const pod = us.pod();
    const sandboxId = await us.sandbox(pod);
    const id = await engine.create(us.config(pod, sandboxId, { command: ['true'] }));
    await engine.remove(sandboxId);
    await expect(engine.start(id)).rejects.toSatisfy((error) => isCode(error, 'not-found'));
    await expect(engine.create({ ...us.config(pod, sandboxId, {}), name: 'k8s_other' })).rejects.toSatisfy((error) => isCode(error, 'not-found'));
  });

  it('cannot be created from an image that is not there', async () => {
    const pod = us.pod();
    const sandboxId = await us.sandbox(pod);
    await expect(engine.create({ ...us.config(pod, sandboxId, {}), Image: 'no.such/image:1' })).rejects.toSatisfy((error) => isCode(error, 'not-found'));
  });
});

describe('stopping', () => {
  it('lets a container end by itself within its grace', async () => {
    const id = await us.shell('trap "exit 5" TERM; echo ready; while true; do sleep 0.05; done');
    await ready(id);
    await engine.stop(id, 30);
    expect(await observed(id)).toMatchObject({ state: 'exited', exitCode: 5 });
  });

  it('kills one that does not end when its grace is over', async () => {
    const id = await us.shell('trap "" TERM; echo ready; while true; do sleep 0.05; done');
    await ready(id);
    const began = Date.now();
    await engine.stop(id, 1);
    expect(Date.now() - began).toBeGreaterThanOrEqual(900);
    expect(Date.now() - began).toBeLessThan(8_000);
    expect(await observed(id)).toMatchObject({ state: 'exited', exitCode: 137 });
  });

  it('can be hastened by a second stop with a shorter grace', async () => {
    const id = await us.shell('trap "" TERM; echo ready; while true; do sleep 0.05; done');
    await ready(id);
    const began = Date.now();
    const slow = engine.stop(id, 60);
    await engine.stop(id, 1);
    await slow;
    expect(Date.now() - began).toBeLessThan(20_000);
  });

  it('takes a stopped, a never started and a removed container for a success', async () => {
    const id = await us.shell('exit 0');
    await engine.wait(id);
    await engine.stop(id, 1);
    await engine.kill(id);
    await engine.remove(id);
    await Promise.all([engine.stop(id, 1), engine.kill(id), engine.remove(id)]);
    await expect(engine.inspect(id)).rejects.toSatisfy((error) => isCode(error, 'not-found'));
    await expect(engine.start(id)).rejects.toSatisfy((error) => isCode(error, 'not-found'));
  });

  it('removes a container that still runs, also when asked twice at once', async () => {
    const id = await us.shell('sleep 1000');
    await Promise.all([engine.remove(id), engine.remove(id)]);
    await expect.poll(() => engine.inspect(id).then((seen: InspectedContainer) => seen.status, () => 'gone')).toBe('gone');
  });

  it('starting one that runs is a success', async () => {
    const id = await us.shell('sleep 1000');
    await engine.start(id);
    expect((await observed(id)).state).toBe('running');
  });
});

describe('one name for one attempt', () => {
  it('is refused to a second container while the first one runs', async () => {
    const pod = us.pod();
    const sandboxId = await us.sandbox(pod);
    const config = us.config(pod, sandboxId, { command: ['sleep', '1000'] });
    const id = await createWithUniqueName(engine, config);
    await engine.start(id);
    const failure = await createWithUniqueName(engine, config).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(NameConflict);
    expect((failure as NameConflict).otherId).toBe(id);
  });

  it('is given to a new container when the one that has it does not run', async () => {
    const pod = us.pod();
    const sandboxId = await us.sandbox(pod);
    const config = us.config(pod, sandboxId, { command: ['true'] });
    const first = await createWithUniqueName(engine, config);
    const second = await createWithUniqueName(engine, config);
    expect(second).not.toBe(first);
    await expect(engine.inspect(first)).rejects.toSatisfy((error) => isCode(error, 'not-found'));
    expect((await engine.inspect(second)).name).toBe(config.name);
  });
});

async function ready(id: string): Promise<void> {
  await expect.poll(() => engine.tailLog(id, { lines: 1, bytes: 100 }), { timeout: 10_000, interval: 20 }).toContain('ready');
}
