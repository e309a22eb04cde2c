/** Two executors on one agent, as two frameworks have them: one machine, one Engine, one root directory, one Node. */
import { expect, test } from 'vitest';
import { ExecutorUnderTest, pod, shell } from '../../support/executor-under-test.ts';

interface NodeSeen {
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

test('a pod of one is not taken for left over by the other, and the node stays Ready as long as one of them is there', async () => {
  await using first = await ExecutorUnderTest.start({ kubernetes: true });
  const ready: string[] = [];
  first.api?.onChange(({ object }) => {
    const { kind, status } = object as NodeSeen & { kind?: string };
    const now = kind === 'Node' ? status?.conditions?.find(({ type }) => type === 'Ready')?.status : undefined;
    if (now !== undefined) ready.push(now);
  });
  {
    await using second = await ExecutorUnderTest.start({ flags: [`--kubeconfig=${first.dir}/kubeconfig`, `--root-dir=${first.rootDir}`] });
    // It takes longer to end than a deletion of what nobody carries is left alone.
    const stubborn = pod(shell("trap '' TERM; while :; do sleep 0.2; done"), { terminationGracePeriodSeconds: 12, nodeName: first.nodeName });
    first.create(stubborn);
    const launched = second.launch(stubborn);
    await second.running(launched);
    await first.until(() => first.apiPod(launched)?.status?.phase === 'Running', 'the API knows that it runs');
    const atEnd = Promise.withResolvers<string[]>();
    first.api?.onChange(({ type, object }) => {
      if (type === 'DELETED' && object.metadata.uid === launched.uid) second.containers(launched.uid).then((left) => atEnd.resolve(left.map(({ name }) => name)), atEnd.reject);
    });
    const answer = await fetch(`${first.api?.url ?? ''}/api/v1/namespaces/default/pods/${launched.name}`, { method: 'DELETE' });
    expect(answer.ok).toBe(true);
    expect(await atEnd.promise).toEqual([]);
    expect((await second.ended(launched)).state).toBe('TASK_KILLED');
    await first.until(() => ready.includes('True'), 'the node is Ready');
  }
  expect(ready.filter((status) => status !== 'True')).toEqual([]);
});
