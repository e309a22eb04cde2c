import { describe, expect, it } from 'vitest';
import { describeCall, describeConnection, describeEvent, describeUpdate } from '../../../../src/harness/replay/describe-mesos.ts';
import { describeChange, describeRefusal } from '../../../../src/harness/replay/describe-kubernetes.ts';
import type { ApiChange, KubernetesObject, UpdateRecord } from '../../../../src/harness/index.ts';

const caller = { executor_id: { value: 'e' }, framework_id: { value: 'f' } };
const taskInfo = (value: string) => ({ name: value, task_id: { value }, agent_id: { value: 'a' } });

describe("an agent's event", () => {
  it.each([
    [{ type: 'LAUNCH', launch: { task: taskInfo('one') } }, 'LAUNCH one (pod default/web)'],
    [{ type: 'LAUNCH', launch: { task: taskInfo('two') } }, 'LAUNCH two'],
    [{ type: 'LAUNCH_GROUP', launch_group: { task_group: { tasks: [taskInfo('one'), taskInfo('two')] } } }, 'LAUNCH_GROUP one (pod default/web), two'],
    [{ type: 'KILL', kill: { task_id: { value: 'one' } } }, 'KILL one'],
    [{ type: 'KILL', kill: { task_id: { value: 'one' }, kill_policy: { grace_period: { nanoseconds: 1_500_000_000 } } } }, 'KILL one, grace 1.5 s'],
    [{ type: 'MESSAGE', message: { data: Buffer.from('km:status\n') } }, 'MESSAGE "km:status"'],
    [{ type: 'ERROR', error: { message: 'gone' } }, 'ERROR gone'],
    [{ type: 'UNKNOWN', value: 42 }, 'an event of unknown type 42'],
  ] as const)('%j reads %s', (event, text) => {
    expect(describeEvent(event, new Map(), (taskId) => (taskId === 'one' ? 'pod default/web' : undefined)).text).toBe(text);
  });
});

describe("an executor's call", () => {
  const seen = (call: object, status = 202, body = '') => describeCall({ call: { ...caller, ...call } as never, contentType: 'application/json', status, body, at: 0 });
  const status = { task_id: { value: 'one' }, state: 'TASK_RUNNING' };

  it.each([
    [seen({ type: 'SUBSCRIBE', subscribe: {} }, 200), { text: 'SUBSCRIBE', tone: 'plain' }],
    [seen({ type: 'SUBSCRIBE', subscribe: { unacknowledged_tasks: [taskInfo('one')], unacknowledged_updates: [{ status }, { status }] } }, 503, 'not yet'), { text: 'SUBSCRIBE with 1 unacknowledged tasks, 2 unacknowledged updates → 503 not yet', tone: 'plain' }],
    [seen({ type: 'UPDATE', update: { status } }), undefined],
    [seen({ type: 'UPDATE', update: { status } }, 400, 'Not a valid UUID'), { text: 'one TASK_RUNNING → 400 Not a valid UUID', tone: 'bad' }],
    [seen({ type: 'MESSAGE', message: { data: Buffer.from('hi') } }), { text: 'MESSAGE "hi"', tone: 'plain' }],
    [describeCall({ call: undefined, contentType: undefined, status: 415, body: 'no', at: 0 }), { text: 'no valid call → 415 no', tone: 'bad' }],
  ])('%#', (description, expected) => {
    expect(description).toEqual(expected);
  });

  it('that is an update tells health, reason and message', () => {
    const update: UpdateRecord = {
      status: { task_id: { value: 'one' }, state: 'TASK_FAILED', healthy: false, reason: 'REASON_CONTAINER_LAUNCH_FAILED', message: 'no\nsuch image' },
      state: 'TASK_FAILED', at: 0, uuid: '', acknowledged: false, deliveries: 1, from: 'executor',
    };
    expect(describeUpdate(update)).toEqual({ text: 'one TASK_FAILED not healthy CONTAINER_LAUNCH_FAILED: no such image', tone: 'plain' });
    expect(describeUpdate({ ...update, from: 'agent' })).toEqual({ text: 'agent reports one TASK_FAILED not healthy CONTAINER_LAUNCH_FAILED: no such image', tone: 'bad' });
  });

  it('and its connection: only what a reader has to know', () => {
    const said = (['subscribed', 'replaced', 'lost', 'down', 'recovering', 'recovered'] as const).map((what) => describeConnection({ what, at: 0 })?.description.text);
    expect(said).toEqual([undefined, 'the older subscription ends', 'disconnected', 'agent killed, connections refused', 'agent is back', undefined]);
  });
});

describe('a change in the Kubernetes API', () => {
  const pod = (status: object, more: object = {}): KubernetesObject => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web', namespace: 'default', ...more }, spec: { nodeName: 'node-1', containers: [] }, status });
  const text = (type: ApiChange['type'], object: KubernetesObject, before?: KubernetesObject): string | undefined => describeChange({ type, object }, before)?.text;
  const running = { name: 'main', ready: true, restartCount: 0, image: 'i', imageID: '', state: { running: {} } };

  it('of a pod tells what is new', () => {
    const pending = pod({ phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'True' }] });
    const ready = pod({ phase: 'Running', podIP: '10.1.2.3', conditions: [{ type: 'PodScheduled', status: 'True' }, { type: 'Ready', status: 'True' }], containerStatuses: [running] });
    expect(text('ADDED', pending)).toBe('default/web created, bound to node-1, Pending, +PodScheduled');
    expect(text('MODIFIED', ready, pending)).toBe('default/web Running, +Ready, main running, 10.1.2.3');
    expect(text('MODIFIED', ready, ready)).toBeUndefined();
    const crashed = { ...running, restartCount: 2, state: { waiting: { reason: 'CrashLoopBackOff' } } };
    expect(text('MODIFIED', pod({ phase: 'Running', containerStatuses: [crashed] }), pod({ phase: 'Running', containerStatuses: [running] }))).toBe('default/web main CrashLoopBackOff, main restarted 2 times');
    const ended = pod({ phase: 'Failed', reason: 'Evicted', containerStatuses: [{ ...running, state: { terminated: { exitCode: 3, reason: 'Error' } } }] }, { deletionTimestamp: 'now', deletionGracePeriodSeconds: 5 });
    expect(text('MODIFIED', ended, ready)).toBe('default/web to be deleted, grace 5 s, Failed, Evicted, main Error (3)');
    expect(text('DELETED', ended, ended)).toBe('default/web deleted');
  });

  it('of an event tells it; of a node only that it came; of a lease nothing', () => {
    const event = { apiVersion: 'v1', kind: 'Event', metadata: { name: 'e' }, type: 'Warning', reason: 'BackOff', message: 'Back-off restarting', count: 3, involvedObject: { kind: 'Pod', name: 'web' } };
    expect(describeChange({ type: 'ADDED', object: event }, undefined)).toEqual({ text: 'event web BackOff: Back-off restarting (3 times)', tone: 'bad' });
    const node: KubernetesObject = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'node-1' } };
    expect(text('ADDED', node)).toBe('node node-1 registered');
    expect(text('MODIFIED', node, node)).toBeUndefined();
    expect(text('ADDED', { apiVersion: 'v1', kind: 'Lease', metadata: { name: 'l' } })).toBeUndefined();
  });

  it.each([
    [{ method: 'PATCH', path: '/api/v1/x?y=z', status: 422 }, { text: 'PATCH /api/v1/x → 422', tone: 'bad' }],
    [{ method: 'POST', path: '/api/v1/x', status: 409 }, { text: 'POST /api/v1/x → 409', tone: 'quiet' }],
    [{ method: 'GET', path: '/api/v1/x', status: 404 }, undefined],
    [{ method: 'GET', path: '/api/v1/x', status: 200 }, undefined],
  ])('that was refused: %j', (request, expected) => {
    expect(describeRefusal({ time: 0, userAgent: '', ...request })).toEqual(expected);
  });
});
