import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HAS_KUBECTL, TryKubectl, type Kubectl } from './try-kubectl.ts';

const SOON = { timeout: 30_000 };
/** Says each byte that it reads, on a raw terminal. */
const TELL = ['sh', '-c', 'stty raw -echo; echo begun; while :; do dd bs=1 count=1 2>/dev/null | od -An -tx1; done'];
const sum = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

/** Ctrl-P comes through at once, not with the next key; Ctrl-P Ctrl-Q too, and nothing ends. */
async function expectKeys(telling: Kubectl): Promise<void> {
  await expect.poll(() => telling.stdout, SOON).toContain('begun');
  for (const [keys, said] of [['\x10', ' 10'], ['a', ' 61'], ['\x10\x11', ' 11'], ['\x00b', ' 62']] as const) {
    telling.write(keys);
    await expect.poll(() => telling.stdout, SOON).toContain(said);
  }
}

describe.skipIf(!HAS_KUBECTL)('kubectl exec', () => {
  let k: TryKubectl;
  beforeAll(async () => {
    k = await TryKubectl.start('kubectl-exec');
    await k.pod('sleeper', [{ name: 'main', command: ['sleep', '100000'] }]);
  });
  afterAll(() => k?.[Symbol.asyncDispose]());
  const processes = async (): Promise<string> => (await k.run(['exec', 'sleeper', '--', 'ps'])).stdout;

  it('has the exit code of the command, and its errors apart', async () => {
    const { code, stdout, stderr } = await k.run(['exec', 'sleeper', '--', 'sh', '-c', 'echo out; echo err >&2; exit 42']);
    expect([code, stdout]).toEqual([42, 'out\n']);
    expect(stderr).toBe('err\ncommand terminated with exit code 42\n');
    expect((await k.run(['exec', 'sleeper', '--', 'true'])).code).toBe(0);
  });

  it('carries any bytes both ways', async () => {
    const sent = randomBytes(10_000_000);
    const { code, bytes } = await k.run(['exec', '-i', 'sleeper', '--', 'cat'], sent);
    expect([code, sum(bytes)]).toEqual([0, sum(sent)]);
  });

  it('takes long commands, and says where one is too long', async () => {
    const exec = (...words: string[]): ReturnType<TryKubectl['run']> => k.run(['exec', 'sleeper', '--', 'sh', '-c', 'echo $# ${#1}', 'sh', ...words]);
    const word = 'x'.repeat(100_000); // the kernel takes 128 KiB in one argument
    expect((await exec(word)).stdout).toBe('1 100000\n');
    expect((await exec(...Array.from({ length: 10 }, () => word))).stdout).toBe('10 100000\n');
    const refused = await exec(...Array.from({ length: 11 }, () => word));
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('431 Request Header Fields Too Large')]);
  });

  it('may end before its input does', async () => {
    const { code, stdout } = await k.run(['exec', '-i', 'sleeper', '--', 'head', '-c', '3'], randomBytes(5_000_000).fill('x'));
    expect([code, stdout]).toEqual([0, 'xxx']);
  });

  it('has a terminal of the size of the user\'s, and hears Ctrl-C', async () => {
    const shell = k.onTerminal('exec -it sleeper -- sh');
    shell.write('stty size; echo begun\n');
    await expect.poll(() => shell.stdout, SOON).toContain('27 91');
    shell.write('sleep 66611\n');
    await expect.poll(processes, SOON).toMatch(/root +sleep 66611/);
    shell.write('\x03');
    await expect.poll(processes, SOON).not.toContain('66611');
    shell.write('exit 9\n');
    expect((await shell.ended).code).toBe(9);
  });

  it('hands on every key, also those with which Docker detaches', async () => {
    const telling = k.onTerminal(`exec -it sleeper -- ${TELL.slice(0, 2).join(' ')} "${TELL[2]}"`);
    await expectKeys(telling);
    telling.kill();
  });

  it('that is killed leaves no command that goes on writing', async () => {
    const running = k.begin('exec', 'sleeper', '--', 'sh', '-c', 'while :; do echo 66612; sleep 0.1; done');
    await expect.poll(() => running.stdout, SOON).toContain('66612');
    running.kill();
    await expect.poll(processes, SOON).not.toContain('66612');
  });

  it('runs fifty times at once', async () => {
    const all = await Promise.all(Array.from({ length: 50 }, (_, i) => k.run(['exec', '-i', 'sleeper', '--', 'sh', '-c', `cat; exit ${i}`], `input ${i}`)));
    expect(all.map(({ code, stdout }) => [code, stdout])).toEqual(all.map((_, i) => [i, `input ${i}`]));
  }, 120_000);

  it('refuses what cannot be', async () => {
    expect((await k.run(['exec', 'nobody', '--', 'true'])).stderr).toContain('pods "nobody" not found');
    expect((await k.run(['exec', 'sleeper', '-c', 'other', '--', 'true'])).stderr).toContain('container other');
    const missing = await k.run(['exec', 'sleeper', '--', 'no-such-command']);
    expect([126, 127]).toContain(missing.code);
    await k.pod('ended', [{ command: ['true'] }], { restartPolicy: 'Never' });
    await k.until('ended', ({ status }) => status?.phase === 'Succeeded');
    expect((await k.run(['exec', 'ended', '--', 'true'])).code).toBe(1);
  });

  it('copies a tree of 10,000 files with links and modes through tar, both ways', async () => {
    const make = 'mkdir /t && cd /t && for d in $(seq 100); do mkdir d$d; for f in $(seq 100); do echo $d/$f > d$d/f$f; done; done; ln -s d1/f1 soft; ln d2/f2 hard; chmod 741 d3/f3; ln -s /nowhere dangling';
    const list = "cd /u/t && find . | wc -l; readlink soft; readlink dangling; stat -c %a d3/f3; stat -c %h hard; cat d100/f100 | md5sum; find . -type f | sort | xargs cat | md5sum";
    expect((await k.run(['exec', 'sleeper', '--', 'sh', '-c', make])).code).toBe(0);
    const out = await k.run(['exec', 'sleeper', '--', 'tar', 'cf', '-', '-C', '/', 't']);
    expect(out.code).toBe(0);
    expect((await k.run(['exec', '-i', 'sleeper', '--', 'sh', '-c', 'mkdir /u && tar xf - -C /u'], out.bytes)).code).toBe(0);
    const listed = (await k.run(['exec', 'sleeper', '--', 'sh', '-c', list])).stdout.split('\n');
    expect(listed.slice(0, 5)).toEqual(['10104', 'd1/f1', '/nowhere', '741', '2']);
    expect(listed.slice(6)).toEqual((await k.run(['exec', 'sleeper', '--', 'sh', '-c', list.replace('/u/t', '/t')])).stdout.split('\n').slice(6));
  }, 120_000);
});

describe.skipIf(!HAS_KUBECTL)('kubectl attach and run', () => {
  let k: TryKubectl;
  beforeAll(async () => {
    k = await TryKubectl.start('kubectl-attach');
  });
  afterAll(() => k?.[Symbol.asyncDispose]());
  const RUN = ['--rm', '--restart=Never', '--image=busybox', '--image-pull-policy=IfNotPresent'];

  it('run -i --rm gives the output and the exit code, and leaves no pod', async () => {
    const { code, stdout } = await k.run(['run', 'piped', '-i', ...RUN, '--', 'sh', '-c', 'read line; echo "got $line"; exit 4'], 'a line\n');
    expect(code).toBe(4);
    expect(stdout).toContain('got a line\n');
    expect(stdout).toContain('pod "piped" deleted');
    expect((await k.run(['get', 'pod', 'piped'])).stderr).toContain('not found');
  });

  it('run -it --rm is a shell on a terminal', async () => {
    const shell = k.onTerminal(`run typed -it ${RUN.join(' ')} -- sh`);
    await expect.poll(() => shell.stdout, SOON).toMatch(/#/);
    shell.write('stty size\n');
    await expect.poll(() => shell.stdout, SOON).toContain('27 91');
    shell.write('exit\n');
    expect((await shell.ended).stdout).toContain('pod "typed" deleted');
  });

  it('attach hands on every key, also those with which Docker detaches', async () => {
    await k.pod('teller', [{ stdin: true, tty: true, command: ['sh', '-c', `read line; ${TELL[2]}`] }], { restartPolicy: 'Never' });
    const telling = k.onTerminal('attach -it teller');
    await expect.poll(async () => {
      telling.write('\n');
      return telling.stdout;
    }, SOON).toContain('begun');
    await expectKeys(telling);
    telling.kill();
  });

  it('attach joins a container that runs already; leaving it, and the end of the input, do not end it', async () => {
    await k.pod('reader', [{ stdin: true, command: ['sh', '-c', 'while read line; do echo "got $line"; done'] }], { restartPolicy: 'Never' });
    const first = k.begin('attach', '-i', 'reader');
    await expect.poll(async () => {
      first.write('one\n');
      return first.stdout;
    }, SOON).toContain('got one\n');
    first.end(); // Docker takes it for the end of the outputs too, and the suite wants kubectl to return
    expect((await first.ended).code).toBe(0);
    const second = k.begin('attach', '-i', 'reader');
    await expect.poll(async () => {
      second.write('two\n');
      return second.stdout;
    }, SOON).toContain('got two\n');
    second.kill();
    await second.ended;
    expect((await k.until('reader', () => true)).status?.phase).toBe('Running');
  });
});
