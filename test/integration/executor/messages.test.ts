/** What a framework tells an executor by messages, and an executor that nobody needs. */
import { expect, test } from 'vitest';
import { ExecutorUnderTest, pod } from '../../support/executor-under-test.ts';

const say = (under: ExecutorUnderTest, text: string): void => under.agent.message(Buffer.from(text));

test('km:restart puts a new worker in the place of the old one, and pods go on', async () => {
  await using under = await ExecutorUnderTest.start();
  const task = under.launch(pod());
  await under.running(task);
  const [before, worker] = [await under.container(task), under.worker()?.pid];
  say(under, 'km:restart');
  await under.until(() => !under.agent.subscribed, 'the old worker has gone');
  await under.until(() => under.agent.subscribed, 'the new one has subscribed');
  expect(under.worker()?.pid).not.toBe(worker);
  expect(await under.container(task)).toEqual(before);
  expect(under.states(task.taskId)).toEqual(['TASK_STARTING', 'TASK_RUNNING']);
});

test('km:drain lets tasks end, takes no others, and ends with the last', async () => {
  await using under = await ExecutorUnderTest.start();
  const task = under.launch(pod());
  await under.running(task);
  say(under, 'km:drain');
  const late = under.launch(pod());
  expect(await under.ended(late)).toMatchObject({ state: 'TASK_FAILED', message: 'the executor drains: it takes no more tasks' });
  expect(under.states(task.taskId)).toEqual(['TASK_STARTING', 'TASK_RUNNING']);
  under.kill(task);
  expect((await under.exit()).code).toBe(0);
});

test('kamikaze ends it with its pods', async () => {
  await using under = await ExecutorUnderTest.start();
  const task = under.launch(pod({}, { terminationGracePeriodSeconds: 3600 }));
  await under.running(task);
  say(under, 'kamikaze');
  expect((await under.ended(task)).state).toBe('TASK_KILLED');
  expect((await under.exit()).code).toBe(0);
  expect(under.log.split('less time to end than this pod wants')).toHaveLength(2);
});

test('without a task it ends after its time', async () => {
  await using under = await ExecutorUnderTest.start({ flags: ['--suicide-timeout=1s'] });
  expect((await under.exit()).code).toBe(0);
});
