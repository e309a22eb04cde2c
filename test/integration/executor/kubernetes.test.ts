/** The Kubernetes side: what kubectl shows and does, and an API that is away. */
import { readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { KubernetesClient, loadKubeconfig, podResource } from '../../../src/kubernetes/index.ts';
import type { Pod, PodSpec } from '../../../src/pod/index.ts';
import { silentLogger } from '../../../src/telemetry/index.ts';
import { busybox, ExecutorUnderTest, pod, shell, type Launched } from '../../support/executor-under-test.ts';

const never = { restartPolicy: 'Never' } as const;
const stubborn = shell("trap '' TERM; while :; do sleep 0.1; done");

/** What a user does with kubectl. */
class Kubectl implements AsyncDisposable {
  readonly #client: KubernetesClient;
  private constructor(client: KubernetesClient) {
    this.#client = client;
  }
  static async for(under: ExecutorUnderTest): Promise<Kubectl> {
    return new Kubectl(new KubernetesClient({ access: await loadKubeconfig(`${under.dir}/kubeconfig`), logger: silentLogger }));
  }
  async delete({ name }: Launched, gracePeriodSeconds?: number): Promise<void> {
    await this.#client.delete(podResource({ namespace: 'default', name }), gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds });
  }
  /** As a controller of somebody else does it. */
  async setCondition({ name }: Launched, type: string, status: 'True' | 'False'): Promise<void> {
    await this.#client.patch(podResource({ namespace: 'default', name }), 'strategic', { status: { conditions: [{ type, status }] } }, { subresource: 'status' });
  }
  [Symbol.asyncDispose](): Promise<void> {
    return this.#client.close();
  }
}

const phase = (under: ExecutorUnderTest, task: Launched): string | undefined => under.apiPod(task)?.status?.phase;
const ready = (under: ExecutorUnderTest, task: Launched): string | undefined => under.apiPod(task)?.status?.conditions?.find(({ type }) => type === 'Ready')?.status;
const apiShows = (under: ExecutorUnderTest, task: Launched, wanted: string): Promise<void> => under.until(() => phase(under, task) === wanted, `the API shows ${wanted}, not ${phase(under, task)}`);
const apiGone = (under: ExecutorUnderTest, task: Launched): Promise<void> => under.until(() => under.apiPod(task)?.metadata?.uid !== task.uid, 'the object is gone');
/** A field that is null is one that is not there. */
const withoutNulls = (value: unknown): unknown => JSON.parse(JSON.stringify(value), (_key, inner: unknown) => inner ?? undefined) as unknown;
/** Reasons of the events about the pod. */
const events = (under: ExecutorUnderTest, { uid }: Launched): string[] =>
  under.api?.list({ group: '', resource: 'events', namespace: 'default' }).filter(({ involvedObject }) => (involvedObject as { uid?: string }).uid === uid).map(({ reason }) => String(reason)) ?? [];
/** Bound to our node, as a scheduler leaves it. */
const bound = (under: ExecutorUnderTest, of: Pod): Pod => ({ ...of, spec: { ...of.spec, nodeName: under.nodeName } as PodSpec });

describe('an API that answers', () => {
  let under: ExecutorUnderTest;
  let kubectl: Kubectl;
  beforeAll(async () => {
    under = await ExecutorUnderTest.start({ kubernetes: true });
    kubectl = await Kubectl.for(under);
  });
  afterAll(async () => {
    await kubectl[Symbol.asyncDispose]();
    await under[Symbol.asyncDispose]();
  });

  test.concurrent('shows a pod that runs as the agent has it, with its events', async () => {
    const task = under.launch(bound(under, pod()));
    await under.running(task);
    await apiShows(under, task, 'Running');
    expect(ready(under, task)).toBe('True');
    expect(withoutNulls(under.apiPod(task)?.status)).toEqual(under.status(task.taskId));
    await under.until(() => ['Pulled', 'Created', 'Started'].every((reason) => events(under, task).includes(reason)), 'the events are there');
  });

  test.concurrent('shows why a pod of ours is refused, and can delete it', async () => {
    const wide = under.launch(bound(under, pod({ resources: { requests: { cpu: '1000' } } })));
    const choosy = under.launch(bound(under, pod({}, { nodeSelector: { 'example.com/none': 'such' } })));
    const strange = under.launch(bound(under, pod({}, { runtimeClassName: 'gvisor' })));
    expect(await under.ended(wide)).toMatchObject({ state: 'TASK_FAILED', reason: 'REASON_CONTAINER_LAUNCH_FAILED' });
    expect(await under.ended(choosy)).toMatchObject({ state: 'TASK_FAILED', reason: 'REASON_CONTAINER_LAUNCH_FAILED' });
    expect(await under.ended(strange)).toMatchObject({ state: 'TASK_ERROR', reason: 'REASON_TASK_INVALID' });
    const shown = { [wide.uid]: 'OutOfcpu', [choosy.uid]: 'NodeAffinity', [strange.uid]: 'UnexpectedAdmissionError' };
    for (const task of [wide, choosy, strange]) {
      await apiShows(under, task, 'Failed');
      const { reason, message } = under.apiPod(task)?.status ?? {};
      expect({ reason, message }).toEqual({ reason: shown[task.uid], message: expect.stringMatching(/^Pod (Node didn't have|Predicate NodeAffinity|spec\.runtimeClassName)/) as string });
      await under.until(() => events(under, task).includes(shown[task.uid] ?? ''), 'the event is there');
      await kubectl.delete(task, 30);
      await apiGone(under, task);
    }
  });

  test.concurrent('lets conditions of others open and shut the readiness gates of a pod', async () => {
    const task = under.launch(bound(under, pod({}, { readinessGates: [{ conditionType: 'example.org/front' }, { conditionType: 'example.org/back' }] })));
    await under.running(task);
    await apiShows(under, task, 'Running');
    await kubectl.setCondition(task, 'example.org/front', 'True');
    expect(ready(under, task)).toBe('False');
    await kubectl.setCondition(task, 'example.org/back', 'True');
    await under.until(() => ready(under, task) === 'True', 'the pod is ready with both gates open');
    await kubectl.setCondition(task, 'example.org/front', 'False');
    await under.until(() => ready(under, task) === 'False', 'the pod is not ready with a gate shut');
    expect(under.apiPod(task)?.status?.conditions).toEqual(expect.arrayContaining([expect.objectContaining({ type: 'example.org/back', status: 'True' })]));
  });

  test.concurrent('has a node that is ready', async () => {
    const node = () => under.api?.get({ group: '', resource: 'nodes', name: under.nodeName })?.status as { conditions?: { type: string; status: string }[] } | undefined;
    await under.until(() => node()?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true, 'the node is ready');
  });

  test.concurrent('gets a pod bound that nobody has bound', async () => {
    const task = under.launch(pod());
    await under.running(task);
    expect(under.apiPod(task)?.spec?.nodeName).toBe(under.nodeName);
    await apiShows(under, task, 'Running');
  });

  test.concurrent('keeps a pod that is bound to another node from running here', async () => {
    const elsewhere = pod();
    under.create({ ...elsewhere, spec: { ...elsewhere.spec, nodeName: 'another' } as PodSpec });
    const task = under.launch(elsewhere, { inApi: false });
    expect(await under.ended(task)).toMatchObject({ state: 'TASK_FAILED', reason: 'REASON_CONTAINER_LAUNCH_FAILED', message: expect.stringContaining('bound to another node') as unknown });
    expect(phase(under, task)).toBe('Pending');
    expect(await under.containers(task.uid)).toEqual([]);
  });

  test.concurrent('does not keep a pod that it does not have from running', async () => {
    const task = under.launch(pod(shell('while ! [ -e /tmp/stop ]; do sleep 0.1; done; exit 0'), never), { inApi: false });
    await under.running(task);
    await under.exec(task, ['touch', '/tmp/stop']);
    expect((await under.ended(task)).state).toBe('TASK_FINISHED');
    await under.gone(task);
    expect(under.apiPod(task)).toBeUndefined();
  });

  test.concurrent('loses a deleted pod only after all of it is gone', async () => {
    const task = under.launch(bound(under, pod(shell("trap 'sleep 1; exit 0' TERM; while :; do sleep 0.1; done"), { terminationGracePeriodSeconds: 20 })));
    await apiShows(under, task, 'Running');
    const left = Promise.withResolvers<unknown[]>();
    const release = under.api?.onChange(({ type, object }) => {
      if (type === 'DELETED' && object.metadata.uid === task.uid) void under.containers(task.uid).then(left.resolve, left.reject);
    });
    await kubectl.delete(task);
    expect(under.apiPod(task)?.metadata?.deletionTimestamp).toBeDefined();
    expect(await left.promise).toEqual([]);
    release?.();
    expect((await under.ended(task)).message).toBe('pod deleted in the Kubernetes API');
    expect(under.states(task.taskId)).toEqual(['TASK_STARTING', 'TASK_RUNNING', 'TASK_KILLING', 'TASK_KILLED']);
  });

  test.concurrent('loses a deleted pod however deep the directories are that it has made', async () => {
    const deep = 'cd /v; name=$(printf %0100d 0); i=0; while [ $i -lt 45 ]; do mkdir $name && cd $name; i=$((i+1)); done; touch /tmp/deep; sleep 3600';
    const task = under.launch(bound(under, pod(shell(deep, { volumeMounts: [{ name: 'v', mountPath: '/v' }] }), { volumes: [{ name: 'v', emptyDir: {} }] })));
    await under.poll(async () => (await under.exec(task, ['ls', '/tmp']).catch(() => '')).includes('deep'), 'the directories are there');
    await kubectl.delete(task, 0);
    expect((await under.ended(task)).state).toBe('TASK_KILLED');
    await apiGone(under, task);
    expect(await under.files()).not.toContain(`root/pods/${task.uid}`);
  });

  test.concurrent('loses a deleted pod however long its name is, and has linked its log', async () => {
    const task = under.launch(bound(under, pod({}, {}, { name: [63, 63, 63, 61].map((length) => 'n'.repeat(length)).join('.') })));
    await apiShows(under, task, 'Running');
    expect((await under.files()).filter((name) => name.startsWith('log/') && name.includes('n'.repeat(60)))).toHaveLength(2);
    await kubectl.delete(task, 1);
    await apiGone(under, task);
    expect((await under.files()).filter((name) => name.includes(task.uid) || name.includes('n'.repeat(60)))).toEqual([]);
  });

  test.concurrent('keeps a deleted pod until its files can be removed, for which its task does not wait', async () => {
    const task = under.launch(bound(under, pod()));
    await apiShows(under, task, 'Running');
    const directory = join(under.rootDir, 'pods', task.uid);
    await rename(directory, `${directory}-aside`);
    await writeFile(directory, 'none of ours');
    await kubectl.delete(task, 1);
    expect((await under.ended(task)).state).toBe('TASK_KILLED');
    await under.gone(task);
    expect(under.apiPod(task)?.metadata?.uid).toBe(task.uid);
    await rm(directory);
    await apiGone(under, task);
    await rm(`${directory}-aside`, { recursive: true });
    expect(under.states(task.taskId)).toEqual(['TASK_STARTING', 'TASK_RUNNING', 'TASK_KILLING', 'TASK_KILLED']);
    expect(await under.files()).not.toContain(`root/pods/${task.uid}`);
  });

  test.concurrent('with a second, shorter deletion shortens the wait', async () => {
    const task = under.launch(bound(under, pod(stubborn, { terminationGracePeriodSeconds: 3600 })));
    await apiShows(under, task, 'Running');
    await kubectl.delete(task);
    await under.untilState(task, 'TASK_KILLING');
    await kubectl.delete(task, 1);
    expect((await under.ended(task)).state).toBe('TASK_KILLED');
    await apiGone(under, task);
    await under.gone(task);
  });

  test.concurrent('with a forced deletion ends the pod too', async () => {
    const task = under.launch(bound(under, pod(stubborn, { terminationGracePeriodSeconds: 3600 })));
    await apiShows(under, task, 'Running');
    await kubectl.delete(task, 0);
    await apiGone(under, task);
    expect((await under.ended(task)).state).toBe('TASK_KILLED');
    await under.gone(task);
  });

  const speaking = shell("echo the result; trap 'exit 0' TERM; while :; do sleep 0.1; done", { volumeMounts: [{ name: 'v', mountPath: '/v' }] });
  test.concurrent.each<[string, Partial<PodSpec>, { state: string; reason?: string }, string]>([
    ['that Mesos has killed', {}, { state: 'TASK_KILLED' }, 'TaskKilled'],
    ['whose time is over', { activeDeadlineSeconds: 2 }, { state: 'TASK_FAILED', reason: 'REASON_COMMAND_EXECUTOR_FAILED' }, 'DeadlineExceeded'],
  ])('keeps a pod %s, as failed and with its log, until somebody deletes it', async (_what, more, end, reason) => {
    const task = under.launch(bound(under, pod(speaking, { volumes: [{ name: 'v', emptyDir: { medium: 'Memory' } }], ...more })));
    await apiShows(under, task, 'Running');
    if (more.activeDeadlineSeconds === undefined) under.kill(task);
    expect(await under.ended(task)).toMatchObject(end);
    await apiShows(under, task, 'Failed');
    expect(under.apiPod(task)?.status).toMatchObject({ reason, containerStatuses: [{ state: { terminated: { exitCode: 0 } } }] });
    await under.poll(async () => (await under.containers(task.uid)).map(({ labels, status }) => `${labels['io.kubernetes.container.name']} ${status}`).join() === 'main exited', 'only the dead container stays');
    expect(await under.engine.tailLog((await under.container(task)).id, { lines: 10, bytes: 1000 })).toContain('the result');
    await under.poll(async () => !(await readdir(join(under.rootDir, 'pods', task.uid))).includes('volumes'), 'its volumes are gone');
    expect(await under.files()).toContainEqual(expect.stringContaining(`_${task.uid}`));
    await kubectl.delete(task, 1);
    await apiGone(under, task);
    await under.gone(task);
    await under.poll(async () => (await under.files()).every((name) => !name.includes(task.uid)), 'its files are gone');
    expect(under.states(task.taskId).filter((state) => state !== 'TASK_KILLING')).toEqual(['TASK_STARTING', 'TASK_RUNNING', end.state]);
  });

  test.concurrent('keeps nothing of a pod whose time is over and that it does not have', async () => {
    const task = under.launch(pod(speaking, { volumes: [{ name: 'v', emptyDir: {} }], activeDeadlineSeconds: 2 }), { inApi: false });
    expect(await under.ended(task)).toMatchObject({ state: 'TASK_FAILED', reason: 'REASON_COMMAND_EXECUTOR_FAILED' });
    await under.gone(task);
    await under.poll(async () => (await under.files()).every((name) => !name.includes(task.uid)), 'its files are gone');
  });

  test.concurrent('keeps a job that is over, with its log, until somebody deletes it', async () => {
    const task = under.launch(bound(under, pod(shell('echo the result; exit 0'), never)));
    expect((await under.ended(task)).state).toBe('TASK_FINISHED');
    await apiShows(under, task, 'Succeeded');
    const { id } = await under.container(task);
    expect(await under.engine.tailLog(id, { lines: 10, bytes: 1000 })).toContain('the result');
    await kubectl.delete(task);
    await apiGone(under, task);
    await under.gone(task);
    expect(under.states(task.taskId)).toEqual(['TASK_STARTING', 'TASK_RUNNING', 'TASK_FINISHED']);
  });

  test.concurrent('shows a container that waits, and why', async () => {
    const task = under.launch(bound(under, pod({ image: 'not-there', imagePullPolicy: 'Never' })));
    await under.until(() => under.apiPod(task)?.status?.containerStatuses?.[0]?.state?.waiting?.reason === 'ErrImageNeverPull', 'the reason is there');
    expect(phase(under, task)).toBe('Pending');
    await kubectl.delete(task, 0);
    expect((await under.ended(task)).state).toBe('TASK_KILLED');
    expect(under.states(task.taskId)).not.toContain('TASK_RUNNING');
  });

  test.concurrent('sees a pod deleted right behind its launch end', async () => {
    const task = under.launch(bound(under, pod()));
    await kubectl.delete(task, 0);
    expect((await under.ended(task)).state).toBe('TASK_KILLED');
    await under.gone(task);
  });

  test.concurrent('shows restarts and the crash loop', async () => {
    const task = under.launch(bound(under, pod(shell('exit 1'))));
    const status = () => under.apiPod(task)?.status?.containerStatuses?.[0];
    await under.until(() => status()?.state?.waiting?.reason === 'CrashLoopBackOff', 'it waits');
    expect(status()).toMatchObject({ restartCount: 1, lastState: { terminated: { exitCode: 1, reason: 'Error' } } });
    expect(phase(under, task)).toBe('Running');
    await kubectl.delete(task, 1);
    await apiGone(under, task);
  });
});

test('a pod that was ended keeps its log also when the worker dies, and goes with the executor', async () => {
  await using under = await ExecutorUnderTest.start({ kubernetes: true });
  await using kubectl = await Kubectl.for(under);
  const [task, other] = [under.launch(bound(under, pod(shell('echo the result; sleep 600'), { terminationGracePeriodSeconds: 0 }))), under.launch(bound(under, pod({}, { activeDeadlineSeconds: 1, terminationGracePeriodSeconds: 0 })))];
  await apiShows(under, task, 'Running');
  under.kill(task);
  await Promise.all([task, other].map((one) => apiShows(under, one, 'Failed')));
  await under.killWorker();
  await under.poll(() => under.log.match(/executor is up/g)?.length === 2, 'the new worker is there');
  expect(await under.engine.tailLog((await under.container(task)).id, { lines: 10, bytes: 1000 })).toContain('the result');
  await kubectl.delete(task, 0);
  await under.gone(task);
  expect((await under.containers(other.uid)).map(({ status }) => status)).toEqual(['exited']);
  expect(await under.shutdown()).toEqual({ code: 0, signal: null });
  expect(await under.containers()).toEqual([]);
  expect(under.states(task.taskId)).toEqual(['TASK_STARTING', 'TASK_RUNNING', 'TASK_KILLING', 'TASK_KILLED']);
  expect(under.states(other.taskId)).toEqual(['TASK_STARTING', 'TASK_RUNNING', 'TASK_KILLING', 'TASK_FAILED']);
});

describe('an API that is away', () => {
  test.concurrent('for a whole launch: the pod runs; status and binding come when it is back', async () => {
    await using under = await ExecutorUnderTest.start({ kubernetes: true });
    await using kubectl = await Kubectl.for(under);
    const unbound = pod();
    under.create(unbound);
    await under.api?.pause();
    const task = under.launch(unbound, { inApi: false });
    await under.running(task);
    await under.api?.resume();
    await apiShows(under, task, 'Running');
    expect(under.apiPod(task)?.spec?.nodeName).toBe(under.nodeName);
    await kubectl.delete(task, 1);
    await apiGone(under, task);
    await under.ended(task);
  });

  test.concurrent('kills nothing, and hears of all that happened when it is back', async () => {
    await using under = await ExecutorUnderTest.start({ kubernetes: true });
    const calm = under.launch(bound(under, pod()));
    const job = under.launch(bound(under, pod(shell('while ! [ -e /tmp/stop ]; do sleep 0.1; done; exit 3'), never)));
    await Promise.all([calm, job].map((task) => apiShows(under, task, 'Running')));
    const before = await under.container(calm);
    await under.api?.pause();
    await under.exec(job, ['touch', '/tmp/stop']);
    expect((await under.ended(job)).state).toBe('TASK_FAILED');
    expect(await under.container(calm)).toEqual(before);
    await under.killWorker();
    await under.poll(() => under.log.match(/executor is up/g)?.length === 2, 'the new worker is there');
    await under.api?.resume();
    await apiShows(under, job, 'Failed');
    expect(under.apiPod(job)?.status?.containerStatuses?.[0]?.state?.terminated?.exitCode).toBe(3);
    expect(await under.container(calm)).toEqual(before);
    expect(under.states(calm.taskId)).toEqual(['TASK_STARTING', 'TASK_RUNNING']);
  });

  test.concurrent('after a deletion: the pod ends, and its object when it is back', async () => {
    await using under = await ExecutorUnderTest.start({ kubernetes: true });
    await using kubectl = await Kubectl.for(under);
    const task = under.launch(bound(under, pod(stubborn, { terminationGracePeriodSeconds: 2 })));
    await apiShows(under, task, 'Running');
    await kubectl.delete(task);
    await under.untilState(task, 'TASK_KILLING');
    await under.api?.pause();
    expect((await under.ended(task)).state).toBe('TASK_KILLED');
    await under.gone(task);
    await under.api?.resume();
    await apiGone(under, task);
  });

  test.concurrent('while a pod is replaced by another of its name: the old one ends, the new one is left alone', async () => {
    await using under = await ExecutorUnderTest.start({ kubernetes: true });
    const old = under.launch(bound(under, pod({}, {}, { name: 'same' })));
    await apiShows(under, old, 'Running');
    await under.api?.pause();
    const other = bound(under, pod({}, {}, { name: 'same' }));
    under.create(other);
    await under.api?.resume();
    expect((await under.ended(old)).state).toBe('TASK_KILLED');
    await under.gone(old);
    expect(under.apiPod(old)).toMatchObject({ metadata: { uid: other.metadata?.uid }, status: { phase: 'Pending' } });
    const next = under.launch(other, { inApi: false });
    await apiShows(under, { ...next, name: 'same' }, 'Running');
  });

  test.concurrent('at a SHUTDOWN: the end comes all the same, and the next executor tells of it', async () => {
    await using under = await ExecutorUnderTest.start({ kubernetes: true });
    const task = under.launch(bound(under, pod()));
    await apiShows(under, task, 'Running');
    await under.api?.pause();
    const began = Date.now();
    const exit = await under.shutdown();
    expect(exit).toEqual({ code: 0, signal: null });
    under.agent.executorEnded('REASON_EXECUTOR_TERMINATED', exit);
    expect(Date.now() - began).toBeLessThan(under.agent.shutdownGracePeriodMs);
    expect((await under.ended(task)).state).toBe('TASK_KILLED');
    expect(await under.containers()).toEqual([]);
    await under.api?.resume();
    expect(under.apiPod(task)?.status?.phase).toBe('Running');
    await under.spawn();
    await under.until(() => under.apiPod(task)?.status?.phase === 'Failed', 'the API knows');
    expect(under.apiPod(task)?.status).toMatchObject({ reason: 'ExecutorShutdown', containerStatuses: [{ state: { terminated: expect.anything() as object } }] });
  });

  test.concurrent('hears from the next executor of pods whose executor was killed as a whole', async () => {
    await using under = await ExecutorUnderTest.start({ kubernetes: true });
    const task = under.launch(bound(under, pod()));
    await apiShows(under, task, 'Running');
    await under.destroy();
    await under.spawn();
    await under.until(() => under.apiPod(task)?.status?.phase === 'Failed', 'the API knows', 60_000);
    expect(under.apiPod(task)?.status).toMatchObject({ reason: 'ExecutorTerminated', containerStatuses: [{ ready: false, state: { terminated: { exitCode: 137, reason: 'ContainerStatusUnknown' } } }] });
    expect(under.apiPod(task)?.status?.conditions?.find(({ type }) => type === 'Ready')?.status).toBe('False');
    await under.gone(task);
  });

  test.concurrent('is told of the end of pods that a SHUTDOWN killed', async () => {
    await using under = await ExecutorUnderTest.start({ kubernetes: true });
    const task = under.launch(bound(under, pod({}, { initContainers: [busybox({ name: 'setup', command: ['true'] })] })));
    await apiShows(under, task, 'Running');
    expect(await under.shutdown()).toEqual({ code: 0, signal: null });
    expect(under.apiPod(task)?.status).toMatchObject({ phase: 'Failed', reason: 'ExecutorShutdown' });
  });
});
