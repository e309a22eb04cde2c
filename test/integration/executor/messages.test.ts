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

test.each(['km:drain', 'kamikaze'])('%s is answered, also where nothing is left to be done before the end', async (order) => {
  await using under = await ExecutorUnderTest.start();
  await under.ended(under.launch(pod({ image: '' }))); // it is up, and nothing of a task is there
  const answers: string[] = [];
  const release = under.agent.onCall(({ call }) => {
    if (call?.type === 'MESSAGE') answers.push(Buffer.from(call.message.data).toString());
  });
  say(under, order);
  expect((await under.exit()).code).toBe(0);
  release();
  expect(answers.map((answer) => JSON.parse(answer) as unknown)).toEqual([{ kind: order, node: under.nodeName, draining: order === 'km:drain', tasks: [] }]);
});
