import { createHash } from 'node:crypto';
import { afterAll, describe, expect, it } from 'vitest';
import type { ContainerRef, LogOptions } from '../../../src/server/index.ts';
import { TryContainers } from './try-containers.ts';

const here = new TryContainers();
const { containers, us } = here;
afterAll(() => here[Symbol.asyncDispose]());

const sh = (script: string): string[] => ['sh', '-c', script];

async function logs(ref: ContainerRef, options: Partial<LogOptions> = {}, signal = new AbortController().signal): Promise<AsyncIterable<Buffer>> {
  return containers.logs(ref.namespace, ref.pod, ref.name, { follow: false, previous: false, timestamps: false, ...options }, signal);
}

async function text(chunks: AsyncIterable<Buffer>): Promise<string> {
  const all: Buffer[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all).toString();
}

const read = async (ref: ContainerRef, options: Partial<LogOptions> = {}): Promise<string> => text(await logs(ref, options));

describe('the log of a container', () => {
  it('has both outputs in order, its last lines, a number of bytes, and times', async () => {
    const ref = await here.start({ command: sh('for i in 1 2 3 4 5; do echo out $i; echo err $i >&2; done; printf "no newline"') });
    await us.engine.wait(ref.id);
    const all = await read(ref);
    expect(all.split('\n').toSorted()).toEqual(['err 1', 'err 2', 'err 3', 'err 4', 'err 5', 'no newline', 'out 1', 'out 2', 'out 3', 'out 4', 'out 5']);
    expect(await read(ref, { tailLines: 3 })).toBe(all.split('\n').slice(-3).join('\n'));
    expect(await read(ref, { limitBytes: 8 })).toBe(all.slice(0, 8));
    expect(await read(ref, { limitBytes: 0 })).toBe('');
    const stamped = await read(ref, { timestamps: true });
    expect(stamped.split('\n')).toSatisfy((lines: string[]) => lines.every((line) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z /.test(line)));
    expect(stamped.replaceAll(/^\S+ /gm, '')).toBe(all);
  });

  it('can be had from a time on', async () => {
    const ref = await here.start({ command: sh('echo old; sleep 2; echo new') });
    await us.engine.wait(ref.id);
    const [first = ''] = (await read(ref, { timestamps: true })).split(' ');
    expect(await read(ref, { sinceTime: Date.parse(first) + 1000 })).toBe('new\n');
    expect(await read(ref, { sinceTime: Date.parse(first) - 1000 })).toBe('old\nnew\n');
    expect(await read(ref, { sinceSeconds: 3600 })).toBe('old\nnew\n');
    expect(await read(ref, { sinceSeconds: 2 ** 63, tailLines: 2 ** 63, limitBytes: 2 ** 63 })).toBe('old\nnew\n');
  });

  it('has long lines whole and any bytes that are UTF-8', async () => {
    const ref = await here.start({ command: ['sh', '-c', 'head -c 100000 /dev/zero | tr "\\0" x; echo; printf "%s\\033[1m\\n" "$1"', 'sh', 'Grüße "quoted" <tag> & \\'] });
    await us.engine.wait(ref.id);
    const log = await read(ref);
    expect(log.indexOf('\n')).toBe(100_000);
    expect(log.slice(100_000)).toBe('\nGrüße "quoted" <tag> & \\\u001b[1m\n');
    expect((await read(ref, { tailLines: 2, timestamps: true })).match(/\dZ /g)).toHaveLength(2);
  });

  it('is the same from the Engine itself as from its files', async () => {
    const ref = await here.start({ command: sh('for i in $(seq 200); do echo line $i "é<>&"; echo error $i >&2; done') });
    await us.engine.wait(ref.id);
    const theirs = await us.engine.tailLog(ref.id, { lines: 1000, bytes: 1_000_000 });
    expect((await read(ref)).split('\n').toSorted()).toEqual(theirs.split('\n').toSorted());
  });

  it('is followed to its end and not beyond', async () => {
    const ref = await here.start({ command: sh('for i in 1 2 3; do echo $i; sleep 0.2; done; echo last words') });
    expect(await read(ref, { follow: true })).toBe('1\n2\n3\nlast words\n');
    expect(await read(ref, { follow: true, tailLines: 1 })).toBe('last words\n');
  });

  it('comes as it is written', async () => {
    const ref = await here.start({ command: sh('echo at once; sleep 100000') });
    const abort = new AbortController();
    const iterator = (await logs(ref, { follow: true }, abort.signal))[Symbol.asyncIterator]();
    expect(String((await iterator.next()).value)).toBe('at once\n');
    const next = iterator.next();
    abort.abort();
    await expect(next).rejects.toMatchObject({ code: 'aborted' });
  });

  it('loses and repeats nothing while Docker rotates it', async () => {
    const count = 60_000;
    const ref = await here.start({ command: sh(`echo begin; sleep 1; i=0; while [ $i -lt ${count} ]; do i=$((i+1)); echo "line $i of the log that is rotated again and again"; [ $((i % 1500)) -eq 0 ] && sleep 0.05; done; echo end`) }, {}, { logLimit: { maxBytes: 500_000, maxFiles: 4 } });
    const followed = await read(ref, { follow: true });
    const lines = followed.split('\n');
    expect([lines[0], lines.at(-2)]).toEqual(['begin', 'end']);
    expect(lines).toHaveLength(count + 3);
    expect(lines.slice(1, count + 1).findIndex((line, i) => !line.startsWith(`line ${i + 1} `))).toBe(-1);
    // Afterwards all files that are left make one log.
    const left = (await read(ref)).split('\n').slice(0, -2).map((line) => Number(line.split(' ')[1]));
    expect(left.length).toBeGreaterThan(6000);
    expect(left).toEqual(left.map((_, i) => count + 1 - left.length + i));
    expect((await read(ref, { tailLines: 10_001 })).split('\n')[0]).toBe(`line ${Math.max(count - 9_999, left[0] ?? 0)} of the log that is rotated again and again`);
  });

  it('of a driver without files comes through the Engine', async () => {
    const pod = us.pod({ containers: [{ name: 'main', image: 'busybox' }] });
    const sandboxId = await us.sandbox(pod);
    const config = us.config(pod, sandboxId, { command: sh('echo one; echo two >&2; sleep 0.5; echo three') });
    const id = await us.engine.create({ ...config, HostConfig: { ...config.HostConfig, LogConfig: { Type: 'local', Config: {} } } });
    await us.engine.start(id);
    await here.look(pod, [sandboxId, id]);
    const { name, namespace, uid } = pod.metadata;
    const ref = { id, name: 'main', namespace, pod: name, uid, tty: false, stdin: false };
    expect((await read(ref, { follow: true })).split('\n').toSorted()).toEqual(['', 'one', 'three', 'two']);
    expect(await read(ref, { tailLines: 1, timestamps: true })).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z three\n$/);
  });

  it('of many megabytes is held in little memory', async () => {
    const ref = await here.start({ command: sh('yes "a line of a log that goes on for ever and has some bytes in it: 0123456789 0123456789" | head -c 60000000') }, {}, { logLimit: { maxBytes: 10 ** 9, maxFiles: 2 } });
    const before = process.memoryUsage().rss;
    let most = before;
    let bytes = 0;
    const hash = createHash('sha256');
    for await (const chunk of await logs(ref, { follow: true })) {
      bytes += chunk.length;
      hash.update(chunk);
      most = Math.max(most, process.memoryUsage().rss);
    }
    expect(bytes).toBe(60_000_000);
    expect(most - before).toBeLessThan(60_000_000);
    expect(await us.engine.wait(ref.id)).toBe(0);
  });
});

describe('a log that is not there', () => {
  it('is refused in the words of the kubelet', async () => {
    const ref = await here.start({ command: ['true'] });
    await us.engine.wait(ref.id);
    const key = `${ref.namespace}/${ref.pod}`;
    const known = here.pods.get(key);
    if (known === undefined) throw new Error('no pod');
    await expect(read(ref, { previous: true })).rejects.toMatchObject({ code: 'invalid', message: `previous terminated container "main" in pod "${ref.pod}" not found` });
    await expect(read({ ...ref, name: 'other' })).rejects.toMatchObject({ code: 'not-found', message: `container "other" not found in pod "${ref.pod}"` });
    await expect(read({ ...ref, pod: 'nobody' })).rejects.toMatchObject({ code: 'not-found', message: 'pod "nobody" does not exist' });
    await us.engine.remove(ref.id);
    await expect(read(ref)).rejects.toMatchObject({ message: `unable to retrieve container logs for docker://${ref.id}` });
  });
});
