import { describe, expect, test } from 'vitest';
import { resourcesOfPod, taskOfPod } from '../../../../src/harness/up/task-of-pod.ts';
import type { Container, Pod } from '../../../../src/pod/index.ts';

const container = (name: string, cpu?: string, memory?: string): Container => ({
  name,
  image: 'nginx',
  resources: { requests: { ...(cpu !== undefined && { cpu }), ...(memory !== undefined && { memory }) } },
});

const pod = (containers: Container[], initContainers: Container[] = []): Pod => ({
  metadata: { name: 'nginx', namespace: 'default', uid: '11111111-2222-3333-4444-555555555555' },
  spec: { containers, initContainers },
});

describe('the resources of a pod’s task', () => {
  const table: [string, Pod, number, number][] = [
    ['are the defaults of the former framework without requests', pod([container('a')]), 0.25, 64],
    ['are the sum over the containers', pod([container('a', '100m', '64Mi'), container('b', '1', '64Mi')]), 1.1, 128],
    ['are those of the greediest init container where that wants more', pod([container('a', '100m', '64Mi')], [container('i', '2', '16Mi'), container('j', '500m', '1Gi')]), 2, 1024],
    ['count sidecars like containers', pod([container('a', '100m', '64Mi')], [{ ...container('s', '1', '64Mi'), restartPolicy: 'Always' }, container('i', '50m', '16Mi')]), 1.1, 128],
    ['are those of an init container with the sidecars before it', pod([container('a', '100m', '16Mi')], [{ ...container('s', '1', '16Mi'), restartPolicy: 'Always' }, container('i', '2', '64Mi')]), 3, 80],
    ['count an unreadable quantity as none', pod([container('a', 'lots', '64Mi')]), 0.25, 64],
  ];
  test.each(table)('%s', (_name, subject, cpus, mem) => {
    expect(resourcesOfPod(subject)).toEqual([
      { name: 'cpus', type: 'SCALAR', scalar: { value: cpus } },
      { name: 'mem', type: 'SCALAR', scalar: { value: mem } },
    ]);
  });

  test('are the limits where a container has no requests', () => {
    expect(resourcesOfPod(pod([{ name: 'a', image: 'nginx', resources: { limits: { cpu: '3', memory: '1Gi' } } }])).map((resource) => resource.scalar?.value)).toEqual([3, 1024]);
  });
});

test('a pod’s task has its UID for an id and carries the whole pod as JSON', () => {
  const subject = { ...pod([container('a')]), unknownField: { kept: true } };
  const task = taskOfPod(subject, 'agent-1');
  expect(task.task_id.value).toBe('11111111-2222-3333-4444-555555555555');
  expect(task.agent_id.value).toBe('agent-1');
  expect(JSON.parse(Buffer.from(task.data ?? []).toString())).toEqual({ apiVersion: 'v1', kind: 'Pod', ...subject });
});
