import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TryEngine } from './try-engine.ts';

const us = new TryEngine();
const { engine } = us;
let id = '';
beforeAll(async () => {
  id = await us.shell('sleep 100000');
});
afterAll(() => us[Symbol.asyncDispose]());

const processes = async (): Promise<string> => (await engine.exec(id, ['ps'], { timeoutMs: 20_000 })).output;

describe('a command in a running container', () => {
  it('gives its exit code and both its outputs', async () => {
    const { exitCode, output } = await engine.exec(id, ['sh', '-c', 'echo one; echo two >&2; echo three; exit 7'], { timeoutMs: 20_000 });
    expect(exitCode).toBe(7);
    expect(output.replace('two\n', '')).toBe('one\nthree\n');
    expect(output).toContain('two\n');
  });

  it('always gives an exit code, however short it runs', async () => {
    for (let i = 0; i < 15; i++) expect(await engine.exec(id, ['false'], { timeoutMs: 20_000 })).toEqual({ exitCode: 1, output: '' });
  });

  it('may write more than is kept', async () => {
    const { exitCode, output } = await engine.exec(id, ['sh', '-c', 'yes x | head -c 1000000'], { timeoutMs: 20_000, maxOutputBytes: 1000 });
    expect(exitCode).toBe(0);
    expect(output).toBe('x\n'.repeat(500));
  });

  it('that hangs is given up after its time, and nothing of it goes on', async () => {
    const began = Date.now();
    const hanging = engine.exec(id, ['sh', '-c', 'sleep 77777; echo not reached'], { timeoutMs: 500 });
    await expect(hanging).rejects.toMatchObject({ code: 'timeout', message: 'command "sh -c sleep 77777; echo not reached" timed out after 0.5s' });
    expect(Date.now() - began).toBeLessThan(10_000);
    await expect.poll(processes).not.toContain('77777');
  });

  it('ends with its caller', async () => {
    const abort = new AbortController();
    const running = engine.exec(id, ['sleep', '88888'], { timeoutMs: 60_000, signal: abort.signal });
    await expect.poll(processes).toContain('88888');
    abort.abort();
    await expect(running).rejects.toMatchObject({ code: 'aborted' });
    await expect.poll(processes).not.toContain('88888');
  });

  it('that does not exist says so', async () => {
    const { exitCode, output } = await engine.exec(id, ['/no/such'], { timeoutMs: 20_000 });
    expect(exitCode).toBeGreaterThanOrEqual(126);
    expect(output).toContain('no such file or directory');
  });

  it('cannot run where nothing runs', async () => {
    const ended = await us.shell('exit 0');
    await engine.wait(ended);
    await expect(engine.exec(ended, ['true'], { timeoutMs: 20_000 })).rejects.toMatchObject({ code: 'conflict' });
    await engine.remove(ended);
    await expect(engine.exec(ended, ['true'], { timeoutMs: 20_000 })).rejects.toMatchObject({ code: 'not-found' });
  });

  it('dies with its container', async () => {
    const dying = await us.shell('sleep 100000');
    const running = engine.exec(dying, ['sh', '-c', 'echo begun; sleep 99999'], { timeoutMs: 60_000 });
    await expect.poll(async () => (await engine.exec(dying, ['ps'], { timeoutMs: 20_000 })).output).toContain('99999');
    await engine.kill(dying);
    const outcome = await running.catch((error: unknown) => error);
    expect(outcome).toSatisfy((end: { exitCode?: number; code?: string }) => end.exitCode === 137 || end.code === 'not-found');
  });
});

describe('the end of a log', () => {
  it('holds the last lines, and of them the last bytes', async () => {
    const talker = await us.shell('for i in 1 2 3 4 5; do echo line $i; done');
    await engine.wait(talker);
    expect(await engine.tailLog(talker, { lines: 3, bytes: 1000 })).toBe('line 3\nline 4\nline 5\n');
    expect(await engine.tailLog(talker, { lines: 80, bytes: 9 })).toBe('4\nline 5\n');
  });

  it('holds what went to standard error too', async () => {
    const talker = await us.shell('echo what went wrong >&2');
    await engine.wait(talker);
    expect(await engine.tailLog(talker, { lines: 80, bytes: 2048 })).toBe('what went wrong\n');
  });

  it('of a container with a terminal is as it stands', async () => {
    const pod = us.pod();
    const sandboxId = await us.sandbox(pod);
    const talker = await engine.create(us.config(pod, sandboxId, { command: ['echo', 'on a terminal'], tty: true }));
    await engine.start(talker);
    await engine.wait(talker);
    expect(await engine.tailLog(talker, { lines: 80, bytes: 2048 })).toBe('on a terminal\r\n');
  });
});
