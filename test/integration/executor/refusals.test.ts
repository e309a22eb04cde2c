/** Tasks that are no pods that we could run: each is refused with the name of the field, and leaves nothing. */
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import type { Pod } from '../../../src/pod/index.ts';
import { busybox, ExecutorUnderTest, pod, shell } from '../../support/executor-under-test.ts';

let under: ExecutorUnderTest;
beforeAll(async () => {
  under = await ExecutorUnderTest.start();
});
afterAll(() => under[Symbol.asyncDispose]());

const text = (content: string): Uint8Array => Buffer.from(content);
const launchData = (data: Uint8Array): { taskId: string } => {
  const task = under.task(data);
  under.agent.launch(task);
  return { taskId: task.task_id.value };
};

describe('malformed', () => {
  test.each<[string, Pod | Uint8Array, RegExp]>([
    ['no containers', pod({}, { containers: [] }), /^spec\.containers: required/],
    ['a bad quantity', pod({ resources: { limits: { memory: '12 bananas' } } }), /^spec\.containers\[0\]\.resources\.limits\[memory\]: /],
    ['a bad name', pod({}, {}, { name: 'No_Good' }), /^metadata\.name: "No_Good"/],
    ['two containers of one name', pod({}, { containers: [busybox(), busybox()] }), /^spec\.containers\[1\]\.name: duplicate/],
    ['a mount of an unknown volume', pod({ volumeMounts: [{ name: 'nowhere', mountPath: '/x' }] }), /^spec\.containers\[0\]\.volumeMounts\[0\]\.name: .*nowhere/],
    ['a YAML list', text('- apiVersion: v1\n- kind: Pod\n'), /^data: a list/],
    ['a JSON list', text('[]'), /^data: a list/],
    ['ten megabytes of noise', randomBytes(10 * 2 ** 20), /^data: /],
    ['ten megabytes of one letter', Buffer.alloc(10 * 2 ** 20, 'a'), /^data: /],
    ['bytes that are no text', Uint8Array.of(0xff, 0xfe, 0, 1), /^data: /],
    ['nothing', new Uint8Array(), /^TaskInfo\.data: required/],
    ['a word', text('pod'), /^data: /],
    ['another kind', text('{"apiVersion":"v1","kind":"Service"}'), /^kind: /],
    ['JSON that breaks off', text('{"apiVersion":"v1","kind":"Pod","metadata":{'), /^data: not valid JSON/],
    ['gzip that breaks off', gzipSync(JSON.stringify(pod())).subarray(0, 60), /^data: not valid gzip/],
    ['a bomb in gzip', gzipSync(Buffer.alloc(64 * 2 ** 20)), /^data: larger than/],
    ['no metadata', text('{"apiVersion":"v1","kind":"Pod","spec":{"containers":[{"name":"a","image":"busybox"}]}}'), /^metadata\.name: required/],
  ])('%s', async (_what, data, message) => {
    const task = launchData(data instanceof Uint8Array ? data : text(JSON.stringify(data)));
    const end = await under.ended(task);
    expect(end).toMatchObject({ state: 'TASK_ERROR', reason: 'REASON_TASK_INVALID' });
    expect(end.message).toMatch(message);
    expect(under.states(task.taskId)).toEqual(['TASK_ERROR']);
  });

  test('every fault is named at once', async () => {
    const task = under.launch(pod({ image: '', ports: [{ containerPort: 99_999 }] }, { restartPolicy: 'Sometimes' }));
    const { message } = await under.ended(task);
    expect(message).toMatch(/spec\.containers\[0\]\.image: required/);
    expect(message).toMatch(/spec\.containers\[0\]\.ports\[0\]\.containerPort: 99999/);
    expect(message).toMatch(/spec\.restartPolicy: "Sometimes"/);
  });
});

test.each<[string, Pod, string]>([
  ['a volume', pod({}, { volumes: [{ name: 'v', csi: { driver: 'd' } }] }), 'spec.volumes[0].csi: not supported: no CSI drivers run beside this executor'],
  ['a secret', pod({ volumeMounts: [{ name: 'v', mountPath: '/v' }] }, { volumes: [{ name: 'v', secret: { secretName: 's' } }] }), 'spec.volumes[0].secret: comes from a Kubernetes API, and this executor has none (--kubeconfig)'],
  ['a field', pod({}, { schedulingGates: [{ name: 'g' }], runtimeClassName: 'gvisor' }), 'spec.runtimeClassName: not supported yet'],
])('%s that cannot be had here is refused by its name', async (_what, data, message) => {
  const end = await under.ended(under.launch(data));
  expect(end.state).toBe('TASK_ERROR');
  expect(end.message).toContain(message);
});

test('YAML, also compressed, is as good as JSON', async () => {
  const data = (): string => stringify(pod(shell('exit 0'), { restartPolicy: 'Never' }));
  const tasks = [launchData(text(data())), launchData(gzipSync(data()))];
  for (const task of tasks) expect((await under.ended(task)).state).toBe('TASK_FINISHED');
});

test('the same task launched twice is one pod', async () => {
  const task = under.task(pod());
  const launched = { taskId: task.task_id.value, uid: (JSON.parse(Buffer.from(task.data ?? []).toString()) as Pod).metadata?.uid ?? '' };
  for (let times = 0; times < 3; times++) under.agent.launch(task);
  await under.running(launched);
  under.agent.launch(task);
  expect((await under.containers(launched.uid)).length).toBe(2);
  under.kill(launched);
  await under.ended(launched);
  await under.gone(launched);
  expect(under.states(launched.taskId)).toEqual(['TASK_STARTING', 'TASK_RUNNING', 'TASK_KILLING', 'TASK_KILLED']);
});

test('a task that is over is not run again by a LAUNCH that comes once more; another pod of its name is', async () => {
  const first = under.task(pod(shell('exit 0'), { restartPolicy: 'Never' }));
  const podOf = ({ data, task_id }: typeof first) => ({ taskId: task_id.value, uid: (JSON.parse(Buffer.from(data ?? []).toString()) as Pod).metadata?.uid ?? '' });
  under.agent.launch(first);
  await under.ended(podOf(first));
  await under.gone(podOf(first));
  const journal = async (): Promise<string> => readFile(join(under.rootDir, 'journal', `${under.agent.identity.frameworkId}.${under.agent.identity.executorId}.jsonl`), 'utf8');
  await under.poll(async () => (await journal()).includes(`"kind":"settled","taskId":"${first.task_id.value}"`), 'it is over on all sides');
  const said = under.states(first.task_id.value);
  under.agent.send({ type: 'LAUNCH', launch: { task: first } });
  under.agent.send({ type: 'LAUNCH_GROUP', launch_group: { task_group: { tasks: [first] } } });
  const other = { ...under.task(pod()), task_id: first.task_id };
  under.agent.send({ type: 'LAUNCH', launch: { task: other } });
  await under.poll(async () => (await under.containers(podOf(other).uid)).length === 2, 'the other runs');
  expect(await under.containers(podOf(first).uid)).toEqual([]);
  expect(said.at(-1)).toBe('TASK_FINISHED');
  under.agent.kill(first.task_id.value);
  await under.gone(podOf(other));
});

test('a pod that another task runs already is refused, and goes on running', async () => {
  const one = pod();
  const first = under.launch(one);
  const second = under.launch(one);
  const end = await under.ended(second);
  expect(end).toMatchObject({ state: 'TASK_ERROR', reason: 'REASON_TASK_INVALID' });
  expect(end.message).toContain(`metadata.uid: pod default/${first.name} (${first.uid}) is run by task ${first.taskId} already`);
  await under.running(first);
  expect(under.states(first.taskId)).toEqual(['TASK_STARTING', 'TASK_RUNNING']);
  under.kill(first);
  await under.ended(first);
});

describe('a group', () => {
  test('is launched as a whole', async () => {
    const tasks = [under.task(pod()), under.task(pod())];
    under.agent.launchGroup(tasks);
    for (const { task_id } of tasks) await under.running({ taskId: task_id.value });
    for (const { task_id } of tasks) under.kill({ taskId: task_id.value });
    for (const { task_id } of tasks) expect((await under.ended({ taskId: task_id.value })).state).toBe('TASK_KILLED');
  });

  test('with one bad task is not launched at all', async () => {
    const good = under.task(pod());
    const bad = under.task(pod({ image: '' }));
    under.agent.launchGroup([good, bad]);
    expect(await under.ended({ taskId: bad.task_id.value })).toMatchObject({ state: 'TASK_ERROR', reason: 'REASON_TASK_INVALID', message: 'spec.containers[0].image: required' });
    const end = await under.ended({ taskId: good.task_id.value });
    expect(end).toMatchObject({ state: 'TASK_ERROR', reason: 'REASON_TASK_GROUP_INVALID' });
    expect(end.message).toContain(bad.task_id.value);
    expect(under.states(good.task_id.value)).toEqual(['TASK_ERROR']);
  });

  test('of which one has no place on the node is not launched at all', async () => {
    const fits = under.task(pod());
    const tooBig = under.task(pod({ resources: { requests: { cpu: '100000' } } }));
    under.agent.launchGroup([fits, tooBig]);
    expect(await under.ended({ taskId: tooBig.task_id.value })).toMatchObject({ state: 'TASK_FAILED', reason: 'REASON_CONTAINER_LAUNCH_FAILED' });
    const end = await under.ended({ taskId: fits.task_id.value });
    expect(end).toMatchObject({ state: 'TASK_FAILED' });
    expect(end.message).toContain(tooBig.task_id.value);
    expect(under.states(fits.task_id.value)).toEqual(['TASK_FAILED']);
  });

  test('with the same pod twice is not launched at all', async () => {
    const one = pod();
    const tasks = [under.task(one), under.task(one)];
    under.agent.launchGroup(tasks);
    for (const { task_id } of tasks) expect((await under.ended({ taskId: task_id.value })).state).toBe('TASK_ERROR');
  });
});

test('nothing of all this is left', async () => {
  await under.poll(async () => (await under.containers()).length === 0, 'no container is left');
  expect(await under.files()).toEqual([expect.stringMatching(/^root\/journal\//)]);
});
