import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HAS_KUBECTL, type Kubectl, TryKubectl } from './try-kubectl.ts';

const SOON = { timeout: 30_000 };
const sh = (script: string): string[] => ['sh', '-c', script];

/** Whole lines of a log with times. */
function stamped(log: string): { time: string; line: string }[] {
  const whole = log.slice(0, log.lastIndexOf('\n') + 1).split('\n').slice(0, -1);
  return whole.map((text) => ({ time: text.slice(0, text.indexOf(' ')), line: text.slice(text.indexOf(' ') + 1) }));
}

/** The process below a supervisor. */
function workerOf(supervisor: number): number {
  return Number(readFileSync(`/proc/${supervisor}/task/${supervisor}/children`, 'utf8').trim().split(' ')[0]);
}

/** The first kubectl that has something to show: until the next worker serves, there is nobody to ask. */
async function answering(begin: () => Kubectl): Promise<Kubectl> {
  for (const deadline = Date.now() + 30_000; Date.now() < deadline; ) {
    const kubectl = begin();
    const isOver = kubectl.ended.then(() => true);
    while (kubectl.stdout === '' && !(await Promise.race([isOver, new Promise<false>((resolve) => setTimeout(resolve, 50, false))]))) continue;
    if (kubectl.stdout !== '') return kubectl;
  }
  throw new Error('the node does not answer again');
}

describe.skipIf(!HAS_KUBECTL)('kubectl logs', () => {
  let k: TryKubectl;
  beforeAll(async () => {
    k = await TryKubectl.start('kubectl-logs', ['--container-log-max-size=200000', '--container-log-max-files=3']);
    await k.pod('talker', [{ name: 'a', command: sh('for i in 1 2 3 4 5; do echo a$i; done; sleep 100000') }, { name: 'b', command: sh('echo b1 >&2; sleep 100000') }], {
      initContainers: [{ name: 'first', image: 'busybox', imagePullPolicy: 'IfNotPresent', command: ['echo', 'initialized'] }],
    });
  });
  afterAll(() => k?.[Symbol.asyncDispose]());

  const logs = async (...args: string[]): Promise<string> => {
    const { stdout, stderr, code } = await k.run(['logs', ...args]);
    return code === 0 ? stdout : stderr;
  };

  it('shows a container, its last lines, a number of bytes, one that has ended, all of them', async () => {
    await expect.poll(() => logs('talker', '-c', 'a'), SOON).toBe('a1\na2\na3\na4\na5\n');
    expect(await logs('talker', '-c', 'a', '--tail=2')).toBe('a4\na5\n');
    expect(await logs('talker', '-c', 'a', '--limit-bytes=4')).toBe('a1\na');
    expect(await logs('talker', '-c', 'first')).toBe('initialized\n');
    // kubectl asks for them in any order.
    const all = (await logs('talker', '--all-containers', '--prefix', '--tail=1')).trimEnd().split('\n');
    expect(all.sort()).toEqual(['[pod/talker/a] a5', '[pod/talker/b] b1', '[pod/talker/first] initialized']);
  });

  it('shows times, and what is younger than one', async () => {
    const stamped = await logs('talker', '-c', 'a', '--timestamps', '--tail=1');
    expect(stamped).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z a5\n$/);
    expect(await logs('talker', '-c', 'a', '--since=1h', '--tail=1')).toBe('a5\n');
    expect(await logs('talker', '-c', 'a', `--since-time=${new Date(Date.now() + 60_000).toISOString()}`)).toBe('');
    expect(await logs('talker', '-c', 'a', '--since-time=2020-01-01T00:00:00Z', '--tail=1')).toBe('a5\n');
  });

  it('refuses in the words that Kubernetes has', async () => {
    expect(await logs('talker', '-c', 'nobody')).toContain('container nobody is not valid for pod talker');
    expect(await logs('-p', 'talker', '-c', 'a')).toContain('previous terminated container "a" in pod "talker" not found');
    expect(await logs('nobody')).toContain('pods "nobody" not found');
    expect((await k.run(['get', '--raw', '/api/v1/namespaces/default/pods/talker/log'])).stderr).toContain('a container name must be specified for pod talker, choose one of: [a b]');
    expect((await k.run(['get', '--raw', '/api/v1/namespaces/default/pods/talker/log?container=a&tailLines=-1'])).code).toBe(1);
  });

  it('of a container that waits tells what it waits for', async () => {
    await k.run(['run', 'no-image', '--image=km.invalid/none:1', '--restart=Never', '--image-pull-policy=Never']);
    await expect.poll(() => logs('no-image'), SOON).toContain('container "no-image" in pod "no-image" is waiting to start: ErrImageNeverPull');
    await k.run(['run', 'no-registry', '--image=127.0.0.1:1/none:1', '--restart=Never']);
    await expect.poll(() => logs('no-registry'), SOON).toMatch(/container "no-registry" in pod "no-registry" is waiting to start: (image can't be pulled|trying and failing to pull image)/);
  });

  it('follows a container to its end, and shows it afterwards', async () => {
    await k.pod('counter', [{ command: sh('for i in $(seq 5); do echo $i; sleep 0.3; done') }], { restartPolicy: 'Never' });
    expect(await logs('-f', 'counter')).toBe('1\n2\n3\n4\n5\n');
    await k.until('counter', ({ status }) => status?.phase === 'Succeeded');
    expect(await logs('counter')).toBe('1\n2\n3\n4\n5\n');
  });

  it('shows the container before the one that runs', async () => {
    await k.pod('restarter', [{ command: sh('echo life of $(cat /proc/uptime); sleep 1; exit 1') }], { restartPolicy: 'Always' });
    await k.until('restarter', ({ status }) => status?.containerStatuses?.[0]?.restartCount === 1);
    const [before, now] = [await logs('-p', 'restarter'), await logs('restarter')];
    expect(before).toMatch(/^life of [\d. ]+\n$/);
    expect(now).toMatch(/^life of [\d. ]+\n$/);
    expect(now).not.toBe(before);
    await k.run(['delete', 'pod', 'restarter', '--wait=false']);
  });

  it('follows across rotation without loss', async () => {
    await k.pod('rotated', [{ command: sh('i=0; while [ $i -lt 20000 ]; do i=$((i+1)); echo "line $i of a log that is rotated again and again"; [ $((i % 500)) -eq 0 ] && sleep 0.05; done') }], { restartPolicy: 'Never' });
    const lines = (await logs('-f', 'rotated')).trimEnd().split('\n').map((line) => Number(line.split(' ')[1]));
    expect(lines.at(-1)).toBe(20_000);
    expect(lines).toEqual(lines.map((_, i) => (lines[0] ?? 0) + i));
  });

  it('ends with an error when the executor dies, and goes on from the last line that was seen', async () => {
    await k.pod('steady', [{ command: sh('i=0; while true; do i=$((i+1)); echo line $i; usleep 20000; done') }]);
    const broken = k.begin('logs', '-f', '--timestamps', 'steady');
    await expect.poll(() => broken.stdout, SOON).toContain(' line 20\n');
    process.kill(workerOf(k.cluster.executorPid), 'SIGKILL');
    const { code, stderr } = await broken.ended;
    expect([code, stderr]).toEqual([1, expect.stringMatching(/EOF|reset/)]);

    // The time goes to the API in whole seconds: the lines of that second come again, and their times tell which they are.
    const seen = stamped(broken.stdout);
    const last = seen.at(-1)?.time ?? '';
    const following = await answering(() => k.begin('logs', '-f', '--timestamps', `--since-time=${last}`, 'steady'));
    const enough = (): boolean => stamped(following.stdout).filter(({ time }) => time > last).length > 20;
    await expect.poll(enough, SOON).toBe(true);
    following.kill('SIGINT');
    await following.ended;
    const all = [...seen, ...stamped(following.stdout).filter(({ time }) => time > last)];
    expect(all.map(({ line }) => line)).toEqual(all.map((_, i) => `line ${i + 1}`));
  });

  it('stops following with its user', async () => {
    const following = k.begin('logs', '-f', 'talker', '-c', 'a');
    await expect.poll(() => following.stdout, SOON).toContain('a5\n');
    following.kill('SIGINT');
    await following.ended;
  });
});
