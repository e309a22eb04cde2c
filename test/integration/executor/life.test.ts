/** What pods do by themselves, as Mesos, Docker and the node's files show it. One executor runs them all, side by side. */
import { createSocket } from 'node:dgram';
import { mkdir, mkdtemp, readFile, readdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { PodStatus } from '../../../src/pod/index.ts';
import { mountCommand } from '../../../src/volumes/mount-command.ts';
import { busybox, ExecutorUnderTest, pod, shell } from '../../support/executor-under-test.ts';
import { eatMemory, GREEDY } from '../../support/greedy.ts';

let under: ExecutorUnderTest;
beforeAll(async () => {
  under = await ExecutorUnderTest.start();
});
afterAll(() => under[Symbol.asyncDispose]());

const never = { restartPolicy: 'Never' } as const;
const condition = (status: PodStatus | undefined, wanted: string): string | undefined => status?.conditions?.find(({ type }) => type === wanted)?.status;
const containerStatus = (taskId: string, name = 'main') => under.status(taskId)?.containerStatuses?.find((status) => status.name === name);

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

test.concurrent('a pod starts, runs with an address and healthy, is killed, and is gone', async () => {
  const task = under.launch(pod());
  await under.running(task);
  const running = under.last(task.taskId);
  const { ips } = await under.container(task, 'POD');
  expect(running?.healthy).toBe(true);
  expect(running?.ips).toEqual(ips);
  expect(under.status(task.taskId)).toMatchObject({ phase: 'Running', podIP: ips[0], qosClass: 'BestEffort', containerStatuses: [{ name: 'main', ready: true, restartCount: 0 }] });
  expect(condition(under.status(task.taskId), 'Ready')).toBe('True');

  under.kill(task);
  const end = await under.ended(task);
  expect(end.message).toBe('killed by the framework');
  expect(under.states(task.taskId)).toEqual(['TASK_STARTING', 'TASK_RUNNING', 'TASK_KILLING', 'TASK_KILLED']);
  expect(under.status(task.taskId)).toMatchObject({ phase: 'Failed', reason: 'TaskKilled' });
  await under.gone(task);
});

test.concurrent('a job that succeeds is finished, and nothing of it stays', async () => {
  const task = under.launch(pod(shell('echo all well >/dev/termination-log'), never));
  expect(await under.ended(task)).toMatchObject({ state: 'TASK_FINISHED', message: 'container main: Completed, exit code 0: all well' });
  expect(under.states(task.taskId)).toEqual(['TASK_STARTING', 'TASK_RUNNING', 'TASK_FINISHED']);
  expect(under.status(task.taskId)?.phase).toBe('Succeeded');
  await under.gone(task);
});

test.concurrent('a job that fails says with what code and why', async () => {
  const task = under.launch(pod(shell('echo the disk is full >/dev/termination-log; exit 3'), never));
  expect(await under.ended(task)).toMatchObject({ state: 'TASK_FAILED', message: 'container main: Error, exit code 3: the disk is full' });
  expect(containerStatus(task.taskId)?.state?.terminated).toMatchObject({ exitCode: 3, reason: 'Error', message: 'the disk is full\n' });
  await under.gone(task);
});

test.concurrent('the end of the log stands in for a termination message, where the pod wants it', async () => {
  const task = under.launch(pod(shell('echo last words >&2; exit 1', { terminationMessagePolicy: 'FallbackToLogsOnError' }), never));
  expect((await under.ended(task)).message).toContain('last words');
});

test.concurrent('a crashing container is restarted at once, then waits, and the restarts are counted', async () => {
  const task = under.launch(pod(shell('exit 7')));
  await under.until(() => containerStatus(task.taskId)?.state?.waiting?.reason === 'CrashLoopBackOff' || under.states(task.taskId).includes('TASK_RUNNING'), 'it crashes');
  await under.poll(async () => (await under.containers(task.uid)).length === 3, 'two instances beside the sandbox');
  under.kill(task);
  expect((await under.ended(task)).state).toBe('TASK_KILLED');
  expect(containerStatus(task.taskId)).toMatchObject({ restartCount: 1 });
  // Whoever is quick enough to see it run sees it ready for a moment: more TASK_RUNNING, with other health.
  const changes = under.states(task.taskId).filter((state, i, all) => state !== all[i - 1]);
  expect(changes).toEqual(['TASK_STARTING', 'TASK_RUNNING', 'TASK_KILLING', 'TASK_KILLED']);
  await under.gone(task);
});

test.concurrent('init containers run one after the other before the others', async () => {
  const shared = [{ name: 'shared', mountPath: '/shared' }];
  const init = (name: string): ReturnType<typeof busybox> => busybox({ name, command: ['sh', '-c', `echo ${name} >>/shared/order`], volumeMounts: shared });
  const task = under.launch(
    pod(shell('cat /shared/order >/dev/termination-log', { volumeMounts: shared }), {
      ...never, initContainers: [init('one'), init('two'), init('three')], volumes: [{ name: 'shared', emptyDir: {} }],
    }),
  );
  expect(await under.ended(task)).toMatchObject({ state: 'TASK_FINISHED', message: expect.stringContaining('one\ntwo\nthree') as unknown });
  expect(under.status(task.taskId)?.initContainerStatuses?.map(({ name, state }) => [name, state?.terminated?.reason])).toEqual([['one', 'Completed'], ['two', 'Completed'], ['three', 'Completed']]);
});

test.concurrent('an init container that fails for good fails the pod, and the others never run', async () => {
  const task = under.launch(pod({}, { ...never, initContainers: [busybox({ name: 'setup', command: ['sh', '-c', 'exit 9'] })] }));
  expect(await under.ended(task)).toMatchObject({ state: 'TASK_FAILED', message: expect.stringContaining('container setup: Error, exit code 9') as unknown });
  expect(under.states(task.taskId)).toEqual(['TASK_STARTING', 'TASK_FAILED']);
  expect(containerStatus(task.taskId)?.state?.waiting?.reason).toBe('PodInitializing');
  await under.gone(task);
});

test.concurrent('a command that does not exist fails a pod that is not to be restarted', async () => {
  const task = under.launch(pod({ command: ['/no/such/program'] }, never));
  expect(await under.ended(task)).toMatchObject({ state: 'TASK_FAILED', reason: 'REASON_CONTAINER_LAUNCH_FAILED', message: expect.stringContaining('/no/such/program') as unknown });
  expect(containerStatus(task.taskId)?.state?.terminated?.reason).toBe('ContainerCannotRun');
  await under.gone(task);
});

test.concurrent('a container beyond its memory is killed, and both sides hear why', async () => {
  const task = under.launch(pod(shell(GREEDY, { resources: { limits: { memory: '16Mi' } } }), never));
  await under.running(task);
  await eatMemory(under.engine, (await under.container(task)).id);
  expect(await under.ended(task)).toMatchObject({ state: 'TASK_FAILED', reason: 'REASON_CONTAINER_LIMITATION_MEMORY' });
  expect(containerStatus(task.taskId)?.state?.terminated).toMatchObject({ reason: 'OOMKilled', exitCode: 1 });
});

test.concurrent('a readiness probe makes the task healthy and unhealthy', async () => {
  const probe = { exec: { command: ['test', '-e', '/tmp/ready'] }, periodSeconds: 1, failureThreshold: 1 };
  const task = under.launch(pod({ readinessProbe: probe }));
  await under.running(task);
  expect(under.last(task.taskId)?.healthy).toBe(false);
  await under.exec(task, ['touch', '/tmp/ready']);
  await under.until(() => under.last(task.taskId)?.healthy === true, 'it is healthy');
  expect(under.last(task.taskId)?.reason).toBe('REASON_TASK_HEALTH_CHECK_STATUS_UPDATED');
  expect(condition(under.status(task.taskId), 'Ready')).toBe('True');
  await under.exec(task, ['rm', '/tmp/ready']);
  await under.until(() => under.last(task.taskId)?.healthy === false, 'it is unhealthy');
  expect(under.states(task.taskId)).toEqual(['TASK_STARTING', 'TASK_RUNNING', 'TASK_RUNNING', 'TASK_RUNNING']);
});

test.concurrent('a liveness probe that fails restarts the container', async () => {
  const livenessProbe = { exec: { command: ['test', '!', '-e', '/tmp/dead'] }, periodSeconds: 1, failureThreshold: 1 };
  const task = under.launch(pod({ livenessProbe }));
  await under.running(task);
  const before = await under.container(task);
  await under.exec(task, ['touch', '/tmp/dead']);
  await under.poll(async () => (await under.containers(task.uid)).some(({ labels, status }) => status === 'running' && labels['annotation.io.kubernetes.container.restartCount'] === '1'), 'a second instance');
  expect((await under.container(task)).id).not.toBe(before.id);
  expect((await under.containers(task.uid)).length).toBe(3);
});

test.concurrent('probes of a port that the container does not name come to nothing: it is neither killed nor ready', async () => {
  const probe = { tcpSocket: { port: 'nowhere' }, periodSeconds: 1, failureThreshold: 1 };
  const task = under.launch(pod({ livenessProbe: probe, readinessProbe: probe }));
  await under.running(task);
  const asked = (): number => under.log.split('the container has no port').length - 1;
  await under.until(() => asked() >= 4 || containerStatus(task.taskId)?.restartCount !== 0, 'each has been tried twice');
  expect(containerStatus(task.taskId)).toMatchObject({ ready: false, restartCount: 0, state: { running: {} } });
});

test.concurrent('a startup probe holds the readiness probe back', async () => {
  const exec = (command: string[]) => ({ exec: { command }, periodSeconds: 1 });
  const task = under.launch(pod({ startupProbe: { ...exec(['test', '-e', '/tmp/started']), failureThreshold: 100 }, readinessProbe: exec(['touch', '/tmp/asked']) }));
  await under.running(task);
  expect(containerStatus(task.taskId)).toMatchObject({ started: false, ready: false });
  expect(await under.exec(task, ['ls', '/tmp'])).toBe('');
  await under.exec(task, ['touch', '/tmp/started']);
  await under.until(() => under.last(task.taskId)?.healthy === true, 'it is ready');
});

test.concurrent('hooks run after the start and before the stop', async () => {
  const lifecycle = {
    postStart: { exec: { command: ['sh', '-c', 'echo begun >/shared/postStart'] } },
    preStop: { exec: { command: ['sh', '-c', 'echo stop >/shared/preStop'] } },
  };
  const script = 'trap "cat /shared/preStop /shared/postStart >/dev/termination-log; exit 5" TERM; while :; do sleep 0.1; done';
  const task = under.launch(
    pod(shell(script, { lifecycle, volumeMounts: [{ name: 'shared', mountPath: '/shared' }] }), { terminationGracePeriodSeconds: 10, volumes: [{ name: 'shared', emptyDir: {} }] }),
  );
  await under.running(task);
  await under.poll(async () => (await under.exec(task, ['cat', '/shared/postStart'])) === 'begun\n', 'postStart has run');
  under.kill(task);
  expect((await under.ended(task)).state).toBe('TASK_KILLED');
  expect(containerStatus(task.taskId)?.state?.terminated).toMatchObject({ exitCode: 5, message: 'stop\nbegun\n' });
});

test.concurrent('a postStart hook that fails takes its container with it', async () => {
  const task = under.launch(pod({ lifecycle: { postStart: { exec: { command: ['sh', '-c', 'exit 1'] } } } }, never));
  expect((await under.ended(task)).state).toBe('TASK_FAILED');
  await under.gone(task);
});

test.concurrent('containers of a pod share its volumes, address and loopback', async () => {
  const volumeMounts = [{ name: 'shared', mountPath: '/shared' }];
  const task = under.launch(
    pod({}, {
      containers: [
        busybox({ name: 'web', command: ['httpd', '-f', '-p', '127.0.0.1:8080', '-h', '/shared'], volumeMounts }),
        busybox({ name: 'main', volumeMounts }),
      ],
      volumes: [{ name: 'shared', emptyDir: {} }],
    }),
  );
  await under.running(task);
  await under.exec(task, ['sh', '-c', 'echo hello >/shared/index.html']);
  expect(await under.poll(async () => /hello/.exec(await under.exec(task, ['wget', '-qO-', 'http://127.0.0.1:8080/']))?.[0], 'the page')).toBe('hello');
  expect((await under.exec(task, ['hostname'])).trim()).toBe(task.name);
  expect(under.last(task.taskId)?.healthy).toBe(true);
});

test.concurrent('one container of several that ends does not end the pod', async () => {
  const task = under.launch(pod({}, { ...never, containers: [busybox({ name: 'short', command: ['true'] }), busybox({ name: 'main', command: ['sh', '-c', 'while ! [ -e /tmp/stop ]; do sleep 0.1; done; exit 4'] })] }));
  await under.running(task);
  await under.poll(async () => (await under.container(task, 'short')).status === 'exited', 'the first ends');
  await under.exec(task, ['touch', '/tmp/stop']);
  expect(await under.ended(task)).toMatchObject({ state: 'TASK_FAILED', message: 'container main: Error, exit code 4' });
  expect(containerStatus(task.taskId, 'short')?.state?.terminated?.exitCode).toBe(0);
});

test.concurrent('a host port reaches the container', async () => {
  const hostPort = await freePort();
  const web = { command: ['sh', '-c', 'mkdir -p /tmp/www; echo from the pod >/tmp/www/index.html; exec httpd -f -p 8080 -h /tmp/www'], ports: [{ containerPort: 8080, hostPort, hostIP: '127.0.0.1' }] };
  const task = under.launch(pod(web));
  await under.running(task);
  const page = await under.poll(() => fetch(`http://127.0.0.1:${hostPort}/`).then((answer) => answer.text(), () => undefined), 'the page');
  expect(page).toBe('from the pod\n');
  under.kill(task);
  await under.ended(task);
  await expect(fetch(`http://127.0.0.1:${hostPort}/`)).rejects.toThrow();
});

test.concurrent('a host port of UDP leads to the pod', async () => {
  const hostPort = await freePort();
  const task = under.launch(pod({ ports: [{ containerPort: 8053, hostPort, hostIP: '127.0.0.1', protocol: 'UDP' }] }));
  await under.running(task);
  // Nobody listens there: the pod's kernel counts what comes.
  const arrived = async (): Promise<number> => Number(/^Udp: \d+ (\d+)/m.exec(await under.exec(task, ['cat', '/proc/net/snmp']))?.[1]);
  expect(await arrived()).toBe(0);
  const socket = createSocket('udp4');
  await under.poll(() => {
    socket.send('hello', hostPort, '127.0.0.1');
    return arrived().then((count) => count > 0);
  }, 'a datagram is there');
  socket.close();
});

test.concurrent('what the node mounts later is seen by the container that asks for it', async () => {
  const shared = await mkdtemp(join(under.dir, 'shared-'));
  await mountCommand('mount', ['--bind', shared, shared]);
  try {
    await mountCommand('mount', ['--make-shared', shared]);
    await mkdir(join(shared, 'later'));
    const mounted = (name: string, mountPropagation?: string) => busybox({ name, volumeMounts: [{ name: 'v', mountPath: '/v', ...(mountPropagation !== undefined && { mountPropagation }) }] });
    const task = under.launch(pod({}, { containers: [mounted('main', 'HostToContainer'), mounted('other')], volumes: [{ name: 'v', hostPath: { path: shared } }] }));
    await under.running(task);
    await mountCommand('mount', ['-t', 'tmpfs', 'none', join(shared, 'later')]);
    await writeFile(join(shared, 'later', 'file'), 'x');
    expect(await under.exec(task, ['ls', '/v/later'])).toBe('file\n');
    expect((await under.engine.exec((await under.container(task, 'other')).id, ['ls', '/v/later'], { timeoutMs: 10_000 })).output).toBe('');
    under.kill(task);
    await under.ended(task);
  } finally {
    await mountCommand('umount', ['-R', shared]);
  }
});

test.concurrent('command, arguments and environment arrive with their variables filled in', async () => {
  const env = [
    { name: 'WHO', value: 'world' },
    { name: 'GREETING', value: 'hello $(WHO), not $$(WHO) or $(NOBODY)' },
    { name: 'NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
    { name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
  ];
  const script = 'printf "%s|%s|%s|%s|%s" "$GREETING" "$1" "$NAME" "$IP" "$PWD" >/dev/termination-log; sleep 3600';
  const task = under.launch(pod({ env, command: ['sh', '-c'], args: [script, 'sh', '$(GREETING)!'], workingDir: '/tmp' }));
  await under.running(task);
  const { ips } = await under.container(task, 'POD');
  const said = 'hello world, not $(WHO) or $(NOBODY)';
  const heard = await under.poll(async () => (await under.exec(task, ['cat', '/dev/termination-log'])) || undefined, 'what it says');
  expect(heard).toBe([said, `${said}!`, task.name, ips[0], '/tmp'].join('|'));
  const seen = await under.exec(task, ['env']);
  expect(seen).not.toMatch(/^(MESOS_|KM_|DOCKER_|LIBPROCESS_|NODE_)/m);
});

test.concurrent('name servers and hosts are those that the pod asks for', async () => {
  const task = under.launch(
    pod({}, {
      dnsPolicy: 'None',
      dnsConfig: { nameservers: ['192.0.2.7'], searches: ['example.test'], options: [{ name: 'ndots', value: '3' }] },
      hostAliases: [{ ip: '192.0.2.9', hostnames: ['nine.example.test'] }],
      hostname: 'alpha',
    }),
  );
  await under.running(task);
  expect(await under.exec(task, ['cat', '/etc/resolv.conf'])).toBe('nameserver 192.0.2.7\nsearch example.test\noptions ndots:3\n');
  const hosts = await under.exec(task, ['cat', '/etc/hosts']);
  expect(hosts).toMatch(/^192\.0\.2\.9\s+nine\.example\.test$/m);
  expect(hosts).toMatch(new RegExp(`^${(await under.container(task, 'POD')).ips[0]}\\s+alpha$`, 'm'));
  expect((await under.exec(task, ['hostname'])).trim()).toBe('alpha');
});

test.concurrent('a pod past its active deadline fails', async () => {
  const task = under.launch(pod({}, { activeDeadlineSeconds: 1 }));
  expect(await under.ended(task)).toMatchObject({ state: 'TASK_FAILED', message: expect.stringContaining('active on the node longer than the specified deadline') as unknown });
  expect(under.status(task.taskId)).toMatchObject({ phase: 'Failed', reason: 'DeadlineExceeded' });
  await under.gone(task);
});

test.concurrent("a task past Mesos' completion time fails", async () => {
  const task = under.launch(pod(), { max_completion_time: { nanoseconds: 1_000_000_000n } });
  expect(await under.ended(task)).toMatchObject({ state: 'TASK_FAILED', reason: 'REASON_MAX_COMPLETION_TIME_REACHED' });
  await under.gone(task);
});

test.concurrent("with the host's network the pod has the node's name and address", async () => {
  const task = under.launch(pod({}, { hostNetwork: true }));
  await under.running(task);
  expect((await under.exec(task, ['hostname'])).trim()).toBe(hostname());
  expect(under.status(task.taskId)?.podIP).toBe(under.status(task.taskId)?.hostIP);
});

test.concurrent('processes of a pod see each other where the pod shares its process namespace', async () => {
  const containers = [busybox({ name: 'main' }), busybox({ name: 'other', command: ['sleep', '4321'] })];
  const shared = under.launch(pod({}, { shareProcessNamespace: true, containers }));
  const apart = under.launch(pod({}, { containers }));
  await Promise.all([under.running(shared), under.running(apart)]);
  expect(await under.exec(shared, ['ps', '-o', 'args'])).toContain('sleep 4321');
  expect(await under.exec(apart, ['ps', '-o', 'args'])).not.toContain('sleep 4321');
});

test.concurrent('logs lie where log collectors look for them, one file for each instance', async () => {
  const task = under.launch(pod(shell('echo a line of the log; sleep 3600')));
  await under.running(task);
  const link = join(under.logDir, 'pods', `default_${task.name}_${task.uid}`, 'main', '0.log');
  await under.poll(async () => (await readFile(link, 'utf8').catch(() => '')).includes('a line of the log'), 'the log is readable');
  const flat = (await readdir(join(under.logDir, 'containers'))).filter((name) => name.startsWith(`${task.name}_default_main-`));
  expect(flat).toHaveLength(1);
  expect(await readFile(join(under.logDir, 'containers', flat[0] ?? ''), 'utf8')).toContain('a line of the log');
});

test.concurrent('several pods of one name live side by side with their own uid', async () => {
  const one = under.launch(pod({}, {}, { name: 'same' }));
  const two = under.launch(pod({}, {}, { name: 'same' }));
  await Promise.all([under.running(one), under.running(two)]);
  under.kill(one);
  await under.ended(one);
  expect(under.states(two.taskId)).toEqual(['TASK_STARTING', 'TASK_RUNNING']);
});
