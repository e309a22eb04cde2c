import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HAS_KUBECTL, TryKubectl, type Kubectl } from './try-kubectl.ts';

const SOON = { timeout: 30_000 };

describe.skipIf(!HAS_KUBECTL)('kubectl port-forward', () => {
  let k: TryKubectl;
  let forward: Kubectl;
  beforeAll(async () => {
    k = await TryKubectl.start('kubectl-forward');
    // 7003 tells how many bytes it got once its input has ended.
    await k.pod('web', [{ name: 'nginx', image: 'nginx' }, { name: 'counter', command: ['nc', '-ll', '-p', '7003', '-e', 'wc', '-c'] }]);
    await k.until('web', ({ status }) => status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') === true);
    forward = k.begin('port-forward', 'pod/web', ':80', ':7003');
  });
  afterAll(() => k?.[Symbol.asyncDispose]());

  /** The local port that leads to `remote`. */
  const local = async (remote: number, by = forward): Promise<number> => {
    const pattern = new RegExp(`127\\.0\\.0\\.1:(\\d+) -> ${remote}\n`);
    await expect.poll(() => by.stdout, SOON).toMatch(pattern);
    return Number(pattern.exec(by.stdout)?.[1]);
  };
  const page = async (): Promise<number> => (await fetch(`http://127.0.0.1:${await local(80)}/`, { headers: { connection: 'close' }, signal: AbortSignal.timeout(20_000) })).status;

  it('carries many connections at once', async () => {
    await expect.poll(() => page().catch(() => 0), SOON).toBe(200);
    expect(new Set(await Promise.all(Array.from({ length: 40 }, page)))).toEqual(new Set([200]));
  });

  it('carries the end of one direction by itself', async () => {
    const socket = connect({ host: '127.0.0.1', port: await local(7003), allowHalfOpen: true });
    await once(socket, 'connect');
    socket.end('x'.repeat(100_000));
    expect(await text(socket)).toBe('100000\n');
  });

  it('tells of a port that nobody listens on, and goes on with the others', async () => {
    // One of its own: since 1.23 kubectl itself ends after the first refusal.
    const refused = k.begin('port-forward', 'pod/web', ':7999');
    const socket = connect({ host: '127.0.0.1', port: await local(7999, refused) });
    socket.on('error', () => undefined);
    socket.resume();
    await once(socket, 'close');
    await expect.poll(() => refused.stderr, SOON).toContain('127.0.0.1:7999: connect: connection refused');
    expect(await page()).toBe(200);
  });

  it('refuses a pod that is not there', async () => {
    expect((await k.run(['port-forward', 'pod/nobody', ':80'])).stderr).toContain('pods "nobody" not found');
  });
});
