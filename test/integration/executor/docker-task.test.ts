/** Tasks that bring a Docker container in place of a Pod, as Marathon sends them. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TaskInfo } from '../../../src/mesos/index.ts';
import { ExecutorUnderTest, type Launched } from '../../support/executor-under-test.ts';

let under: ExecutorUnderTest;
beforeAll(async () => {
  under = await ExecutorUnderTest.start({ kubernetes: true });
});
afterAll(() => under[Symbol.asyncDispose]());

const launch = (script: string, more: Partial<TaskInfo> = {}): Launched => {
  const { data: _data, ...task } = under.task(new Uint8Array(), {
    container: { type: 'DOCKER', docker: { image: 'busybox', network: 'BRIDGE', parameters: [{ key: 'hostname', value: 'marathon' }] } },
    command: { value: script, environment: { variables: [{ name: 'PRICE', value: '$(MESOS_TASK_ID)' }] } },
    resources: [{ name: 'cpus', type: 'SCALAR', scalar: { value: 0.1 } }, { name: 'mem', type: 'SCALAR', scalar: { value: 32 } }],
    kill_policy: { grace_period: { nanoseconds: 1_000_000_000 } },
    ...more,
  });
  under.agent.launch(task);
  return { taskId: task.task_id.value, uid: '', name: task.task_id.value };
};

test('run to their end, in a sandbox of their own', async () => {
  const task = launch('test "$(hostname) $PRICE" = \'marathon $(MESOS_TASK_ID)\' && test -n "$MESOS_TASK_ID" && echo hello > $MESOS_SANDBOX/out');
  const end = await under.ended(task);
  expect(end).toMatchObject({ state: 'TASK_FINISHED' });
  expect(under.states(task.taskId)).toEqual(['TASK_STARTING', 'TASK_RUNNING', 'TASK_FINISHED']);
});

test('are healthy as their check says, and are killed when it fails too often', async () => {
  const task = launch("touch /ok; trap 'exit 9' TERM; sleep 3; rm /ok; sleep 600 & wait", {
    health_check: { type: 'COMMAND', command: { value: 'test -f /ok' }, delay_seconds: 0, interval_seconds: 1, grace_period_seconds: 0, consecutive_failures: 2 },
  });
  const end = await under.ended(task);
  expect(end.state).toBe('TASK_KILLED');
  const healthy = (under.record(task.taskId)?.updates ?? []).filter(({ state }) => state === 'TASK_RUNNING').map(({ status }) => status.healthy);
  expect(healthy).toContain(true);
  expect(healthy.at(-1)).toBe(false);
});

test('that end well when a failing health check ends them have been killed nevertheless', async () => {
  const task = launch("trap 'exit 0' TERM; sleep 600 & wait", {
    health_check: { type: 'COMMAND', command: { value: 'false' }, delay_seconds: 0, interval_seconds: 1, grace_period_seconds: 0, consecutive_failures: 1 },
  });
  expect(await under.ended(task)).toMatchObject({ state: 'TASK_KILLED', healthy: false, message: 'the health check has failed too often' });
  expect(under.states(task.taskId)).toContain('TASK_KILLING');
});

test('tell what their general check says, each time that it says something else, and live on', async () => {
  const task = launch('echo 3 >/code; sleep 3; echo 0 >/code; sleep 600', {
    check: { type: 'COMMAND', command: { command: { value: 'exit $(cat /code)' } }, delay_seconds: 0, interval_seconds: 0.2 },
  });
  const told = () => (under.record(task.taskId)?.updates ?? []).filter(({ state }) => state === 'TASK_RUNNING').map(({ status }) => [status.reason, status.check_status]);
  const changed = 'REASON_TASK_CHECK_STATUS_UPDATED';
  const expected = [[undefined, { type: 'COMMAND', command: {} }], [changed, { type: 'COMMAND', command: { exit_code: 3 } }], [changed, { type: 'COMMAND', command: { exit_code: 0 } }]];
  await under.until(() => told().length === expected.length, 'the check says 0');
  expect(told()).toEqual(expected);
  under.kill(task);
  expect((await under.ended(task)).state).toBe('TASK_KILLED');
  expect(told()).toEqual(expected);
});

test('outlive a crash of the worker, and end when they are killed', async () => {
  const task = launch('sleep 600');
  await under.running(task);
  await under.killWorker();
  await under.until(() => !under.agent.subscribed, 'the agent notices');
  await under.until(() => under.agent.subscribed, 'the next worker subscribes');
  under.kill(task);
  expect((await under.ended(task)).state).toBe('TASK_KILLED');
});

test('that ask for what a pod has not are refused by the field', async () => {
  const end = await under.ended(launch('true', { container: { type: 'DOCKER', docker: { image: 'busybox', parameters: [{ key: 'ulimit', value: 'nofile=5' }] } } }));
  expect(end).toMatchObject({ state: 'TASK_ERROR', reason: 'REASON_TASK_INVALID', message: 'container.docker.parameters[0].key: ulimit is not supported' });
});

test('that serve tell the status codes of their general check, also to the next worker', async () => {
  const task = launch("mkdir /www; cd /www; httpd -p 80 -h /www; sleep 6; echo hello >/www/there; sleep 600", {
    check: { type: 'HTTP', http: { port: 80, path: '/there' }, delay_seconds: 0, interval_seconds: 0.2 },
  });
  const codes = () => (under.record(task.taskId)?.updates ?? []).flatMap(({ state, status }) => (state === 'TASK_RUNNING' ? [status.check_status?.http?.status_code] : []));
  await under.until(() => codes().includes(404), 'there is no such file');
  await under.killWorker();
  await under.until(() => codes().includes(200), 'there is one');
  expect(codes().filter((code) => code !== undefined)).toEqual([404, 200]);
  under.kill(task);
  await under.ended(task);
});
