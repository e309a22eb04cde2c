import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ContainerRef } from '../../../src/server/index.ts';
import { exit, TryClient, TryContainers } from './try-containers.ts';

const here = new TryContainers();
const { containers, us } = here;
let main: ContainerRef;
beforeAll(async () => {
  main = await here.start({ command: ['sleep', '100000'] });
});
afterAll(() => here[Symbol.asyncDispose]());

const sh = (script: string): string[] => ['sh', '-c', script];
const processes = async (): Promise<string> => (await us.engine.exec(main.id, ['ps'], { timeoutMs: 20_000 })).output;
/** Longest wait for something that takes a moment. */
const SOON = { timeout: 15_000 };

describe('a command with streams', () => {
  it('ends with its exit code, and has its errors apart from its output', async () => {
    const client = new TryClient();
    expect(await containers.exec(main, sh('echo one; echo two >&2; exit 7'), false, client.streams('oe'))).toEqual(exit(7));
    expect([client.out, client.err]).toEqual(['one\n', 'two\n']);
  });

  it('writes only where somebody reads', async () => {
    const client = new TryClient();
    expect(await containers.exec(main, sh('echo one; echo two >&2'), false, client.streams('e'))).toEqual(exit(0));
    expect([client.out, client.err]).toEqual(['', 'two\n']);
  });

  it('reads its input to the end, and only then ends', async () => {
    const client = new TryClient();
    const running = containers.exec(main, sh('cat; echo end of input'), false, client.streams('io'));
    client.stdin.write('hello ');
    await expect.poll(() => client.out, SOON).toBe('hello ');
    client.stdin.end('world\n');
    expect(await running).toEqual(exit(0));
    expect(client.out).toBe('hello world\nend of input\n');
  });

  it('may end without having read its input', async () => {
    const client = new TryClient();
    const running = containers.exec(main, ['true'], false, client.streams('io'));
    expect(await running).toEqual(exit(0));
    client.stdin.end(randomBytes(1_000_000));
  });

  it('carries any bytes unharmed both ways', async () => {
    const client = new TryClient();
    const sent = randomBytes(20_000_000);
    client.stdin.end(sent);
    expect(await containers.exec(main, ['cat'], false, client.streams('ioe'))).toEqual(exit(0));
    expect(createHash('sha256').update(client.bytes).digest('hex')).toBe(createHash('sha256').update(sent).digest('hex'));
  });

  it('waits for a client that reads slowly, and holds no more than it must', async () => {
    const client = new TryClient();
    client.stdout.pause();
    const running = containers.exec(main, sh('head -c 30000000 /dev/zero'), false, client.streams('o'));
    await expect.poll(() => client.stdout.writableNeedDrain || client.stdout.readableLength > 0, SOON).toBe(true);
    await sleep(50);
    expect(client.stdout.readableLength + client.stdout.writableLength).toBeLessThan(1_000_000);
    client.stdout.resume();
    expect(await running).toEqual(exit(0));
    expect(client.bytes.length).toBe(30_000_000);
  });

  it('on a terminal has the size of the client, and follows it', async () => {
    const client = new TryClient();
    const smaller = Promise.withResolvers<void>();
    async function* sizes(): AsyncGenerator<{ width: number; height: number }> {
      yield { width: 111, height: 22 };
      await smaller.promise;
      yield { width: 66, height: 33 };
      await new Promise(() => undefined); // as a client that sends nothing more
    }
    const running = containers.exec(main, sh('trap "stty size" WINCH; while [ "$(stty size)" != "22 111" ]; do sleep 0.05; done; stty size; read line; echo $line; read line'), true, client.streams('io', sizes()));
    await expect.poll(() => client.out, SOON).toContain('22 111');
    smaller.resolve();
    await expect.poll(() => client.out, SOON).toContain('33 66');
    client.stdin.write('typed\n');
    await expect.poll(() => client.out, SOON).toContain('typed\r\n');
    client.stdin.write('\n');
    expect(await running).toMatchObject({ kind: 'exit' });
  });

  it('on a terminal hears Ctrl-C and Ctrl-D', async () => {
    const client = new TryClient();
    const running = containers.exec(main, sh('trap "echo interrupted" INT; echo ready; cat; cat; echo over'), true, client.streams('io'));
    await expect.poll(() => client.out, SOON).toContain('ready');
    client.stdin.write('\x03');
    await expect.poll(() => client.out, SOON).toContain('interrupted');
    client.stdin.write('\x04');
    expect(await running).toMatchObject({ kind: 'exit' });
    expect(client.out).toContain('over');
  });

  it('on a terminal goes on when its input has ended', async () => {
    const client = new TryClient();
    client.stdin.end('typed\n');
    expect(await containers.exec(main, sh('read line; sleep 0.3; echo "got $line"; exit 5'), true, client.streams('io'))).toEqual(exit(5));
    expect(client.out).toContain('got typed');
  });

  it('that cannot be found ends with 126 or 127 and the runtime\'s words', async () => {
    const client = new TryClient();
    const end = await containers.exec(main, ['no-such-command'], false, client.streams('oe'));
    expect([exit(126), exit(127)]).toContainEqual(end);
    expect(client.out).toContain('executable file not found');
  });

  it('cannot run in a container that has ended', async () => {
    const ended = await here.start({ command: ['true'] });
    await us.engine.wait(ended.id);
    const end = await containers.exec(ended, ['true'], false, new TryClient().streams('oe'));
    expect(end).toMatchObject({ kind: 'failed', message: expect.stringContaining('is not running') as string });
  });

  it('runs beside fifty others', async () => {
    const clients = Array.from({ length: 50 }, () => new TryClient());
    const ends = await Promise.all(clients.map((client, i) => {
      client.stdin.end(`${i}\n`);
      return containers.exec(main, sh(`cat; exit ${i % 3}`), false, client.streams('ioe'));
    }));
    expect(ends).toEqual(clients.map((_, i) => exit(i % 3)));
    expect(clients.map(({ out }) => out)).toEqual(clients.map((_, i) => `${i}\n`));
  });
});

describe('a client that vanishes', () => {
  it('ends the input of its command', async () => {
    const client = new TryClient();
    const running = containers.exec(main, sh('cat; sleep 66601'), false, client.streams('io'));
    await expect.poll(processes, SOON).toContain('cat; sleep 66601');
    client.gone.abort();
    expect(await running).toMatchObject({ kind: 'failed' });
    await expect.poll(processes, SOON).toMatch(/root +sleep 66601/); // and it goes on, as with the kubelet
    await us.engine.exec(main.id, ['pkill', '-f', '66601'], { timeoutMs: 20_000 });
  });

  it('ends a command that goes on writing', async () => {
    const client = new TryClient();
    const running = containers.exec(main, sh('while :; do echo 66602; sleep 0.1; done'), false, client.streams('oe'));
    await expect.poll(() => client.out, SOON).toContain('66602');
    client.gone.abort();
    await running;
    const had = client.out;
    await expect.poll(processes, SOON).not.toContain('66602');
    expect(client.out).toBe(had);
  });

  it('hangs up its terminal', async () => {
    const client = new TryClient();
    const running = containers.exec(main, ['sh'], true, client.streams('io'));
    client.stdin.write('sleep 66603\n');
    await expect.poll(processes, SOON).toMatch(/root +sleep 66603/);
    client.gone.abort();
    await running;
    await expect.poll(processes, SOON).not.toContain('66603');
  });
});

describe('attaching', () => {
  it('joins input and output of the container itself; its input ends once', async () => {
    const ref = await here.start({ command: sh('echo begun >&2; cat; echo input has ended; sleep 0.2; exit 3'), stdin: true, stdinOnce: true });
    const client = new TryClient();
    const attached = containers.attach(ref, client.streams('ioe'));
    client.stdin.end('hello\n');
    expect(await attached).toEqual(exit(0));
    expect(client.out).toBe('hello\ninput has ended\n');
    expect(await us.engine.wait(ref.id)).toBe(3);
  });

  it('lets a second client come when the first has gone, if input may come more than once', async () => {
    const ref = await here.start({ command: sh('read a; echo $a; read b; echo $b'), stdin: true });
    const first = new TryClient();
    const gone = containers.attach(ref, first.streams('ioe'));
    first.stdin.write('one\n');
    await expect.poll(() => first.out, SOON).toBe('one\n');
    first.gone.abort();
    expect(await gone).toMatchObject({ kind: 'failed' });
    const second = new TryClient();
    const attached = containers.attach(ref, second.streams('ioe'));
    second.stdin.write('two\n');
    expect(await attached).toEqual(exit(0));
    expect(second.out).toBe('two\n');
  });

  it('fails when the container has ended meanwhile, so that the client can turn to the log', async () => {
    const ref = await here.start({ command: ['true'] });
    await us.engine.wait(ref.id);
    expect(await containers.attach(ref, new TryClient().streams('oe'))).toEqual({ kind: 'failed', message: `container not running (${ref.id})` });
  });

  it('to a terminal is raw and has its size', async () => {
    const ref = await here.start({ command: sh('while [ "$(stty size)" != "44 55" ]; do sleep 0.05; done; stty size'), stdin: true, tty: true });
    const client = new TryClient();
    async function* sizes(): AsyncGenerator<{ width: number; height: number }> {
      yield { width: 55, height: 44 };
    }
    expect(await containers.attach(ref, client.streams('io', sizes()))).toEqual(exit(0));
    expect(client.out).toBe('44 55\r\n');
  });
});

describe('finding a container', () => {
  it('says what the kubelet says', async () => {
    const ended = await here.start({ command: ['true'] });
    await us.engine.wait(ended.id);
    const { pod } = here.pods.get(`${ended.namespace}/${ended.pod}`) ?? {};
    if (pod !== undefined) await here.look(pod, [ended.id]);
    expect(containers.find(main.namespace, main.pod, undefined, 'main')).toEqual(main);
    expect(containers.find(main.namespace, main.pod, main.uid, 'main')).toEqual(main);
    expect(() => containers.find(main.namespace, main.pod, 'another-uid', 'main')).toThrow(`pod "${main.pod}" does not exist`);
    expect(() => containers.find(main.namespace, main.pod, undefined, 'other')).toThrow('container not found ("other")');
    expect(() => containers.find(ended.namespace, ended.pod, undefined, 'main')).toThrow('container not found ("main")');
    expect(() => containers.find(main.namespace, 'nobody', undefined, 'main')).toThrow('pod "nobody" does not exist');
  });
});
