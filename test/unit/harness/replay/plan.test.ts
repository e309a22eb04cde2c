import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { planReplay, readRecording, type Gate, type Plan, type Step } from '../../../../src/harness/index.ts';

const planOf = (file: string): Plan => planReplay(readRecording(readFileSync(new URL(`../../../recordings/${file}.jsonl`, import.meta.url), 'utf8')));

/** `KILL task-1 after task-1 running +3731`: the distance is the least one from the gate. */
function line(step: Step): string {
  const gates = step.gates.map((gate: Gate) => (gate.kind === 'subscribed' ? `subscribed+${gate.distanceMs}` : `${gate.taskId} ${gate.reached}+${gate.distanceMs}`));
  return `+${step.distanceMs} ${what(step)}${gates.length === 0 ? '' : `, after ${gates.join(', ')}`}`;
}

function what(step: Step): string {
  if (step.kind === 'up') return `up ${step.restart.notFound}x404 ${step.restart.recoveringMs}ms503 ${step.restart.updatesRefusedMs}ms503-updates`;
  if (step.kind !== 'event') return step.kind;
  const { event } = step;
  switch (event.type) {
    case 'LAUNCH': return `LAUNCH ${event.launch.task.task_id.value}`;
    case 'LAUNCH_GROUP': return `LAUNCH_GROUP ${(event.launch_group.task_group.tasks ?? []).map((task) => task.task_id.value).join(' ')}`;
    case 'KILL': return `KILL ${event.kill.task_id.value}`;
    default: return event.type;
  }
}

describe('the plan of', () => {
  it.each([
    ['pods/01-nginx-kill', ['+0 LAUNCH task-1, after subscribed+2', '+3758 KILL task-1, after subscribed+3760, task-1 running+3731', '+28 SHUTDOWN, after subscribed+3788, task-1 terminal+26']],
    ['pods/02-nginx-kill-json', ['+0 LAUNCH task-1, after subscribed+5', '+3832 KILL task-1, after subscribed+3837, task-1 running+3815', '+20 SHUTDOWN, after subscribed+3857, task-1 terminal+19']],
    ['pods/03-web-kill-policy', ['+0 LAUNCH task-1, after subscribed+0', '+5742 KILL task-1, after subscribed+5742, task-1 running+5709', '+21 SHUTDOWN, after subscribed+5763, task-1 terminal+18']],
    ['pods/04-job-succeeds', ['+0 LAUNCH task-1, after subscribed+2', '+342 SHUTDOWN, after subscribed+344, task-1 terminal+13']],
    ['pods/05-four-pods', [
      '+0 LAUNCH task-1, after subscribed+2', '+1 LAUNCH task-2, after subscribed+3', '+0 LAUNCH task-3, after subscribed+3',
      '+2738 LAUNCH task-4, after subscribed+2741, task-1 running+2687, task-2 running+2682, task-3 running+2676',
      '+1991 KILL task-1, after subscribed+4732, task-1 running+4678, task-2 running+4673, task-3 running+4667, task-4 running+1985',
      '+7 KILL task-2, after subscribed+4739, task-1 terminal+5, task-2 running+4680, task-3 running+4674, task-4 running+1992',
      '+2 KILL task-3, after subscribed+4741, task-1 terminal+7, task-2 running+4682, task-3 running+4676, task-4 running+1994',
      '+0 KILL task-4, after subscribed+4741, task-1 terminal+7, task-2 running+4682, task-3 running+4676, task-4 running+1994',
      '+38 SHUTDOWN, after subscribed+4779, task-1 terminal+45, task-2 terminal+36, task-3 terminal+32, task-4 terminal+25',
    ]],
    ['pods/06-nginx-yaml', ['+0 LAUNCH task-1, after subscribed+2', '+2775 KILL task-1, after subscribed+2777, task-1 running+2754', '+30 SHUTDOWN, after subscribed+2807, task-1 terminal+27']],
    ['pods/07-nginx-gzip', ['+0 LAUNCH task-1, after subscribed+2', '+2825 KILL task-1, after subscribed+2827, task-1 running+2801', '+16 SHUTDOWN, after subscribed+2843, task-1 terminal+14']],
    ['pods/08-static-pods', ['+0 LAUNCH task-1, after subscribed+2', '+2735 KILL task-1, after subscribed+2737, task-1 running+2705', '+15 SHUTDOWN, after subscribed+2752, task-1 terminal+13']],
    ['pods/09-launch-group', [
      '+0 LAUNCH_GROUP task-1 task-2, after subscribed+1', '+3759 KILL task-1, after subscribed+3760, task-1 running+3733, task-2 running+3719',
      '+4 KILL task-2, after subscribed+3764, task-1 terminal+2, task-2 running+3723', '+24 SHUTDOWN, after subscribed+3788, task-1 terminal+26, task-2 terminal+21',
    ]],
    ['pods/10-shutdown', ['+0 LAUNCH task-1, after subscribed+2', '+0 LAUNCH task-2, after subscribed+2', '+3786 SHUTDOWN, after subscribed+3788, task-1 running+3750, task-2 running+3747']],
    ['pods/11-framework-teardown', [
      '+0 LAUNCH task-1, after subscribed+2', '+0 LAUNCH task-2, after subscribed+2',
      '+3769 stop-acknowledging, after subscribed+3771, task-1 running+3739, task-2 running+3730', '+0 SHUTDOWN, after subscribed+3771, task-1 running+3739, task-2 running+3730',
    ]],
    ['pods/12-message', [
      '+0 LAUNCH task-1, after subscribed+2', '+1822 MESSAGE, after subscribed+1824, task-1 running+1815',
      '+1999 KILL task-1, after subscribed+3823, task-1 running+3814', '+15 SHUTDOWN, after subscribed+3838, task-1 terminal+14',
    ]],
    ['pods/13-agent-killed-and-back', [
      '+0 LAUNCH task-1, after subscribed+7', '+3660 down, after subscribed+3667, task-1 running+3633', '+1520 up 0x404 0ms503 0ms503-updates',
      '+3567 KILL task-1, after subscribed+3559, task-1 running+8720', '+23 SHUTDOWN, after subscribed+3582, task-1 terminal+20',
    ]],
    ['pods/14-bad-no-containers', ['+0 LAUNCH task-1, after subscribed+2', '+1568 SHUTDOWN, after subscribed+1570, task-1 terminal+24']],
    ['pods/15-bad-quantity', ['+0 LAUNCH task-1, after subscribed+2', '+1562 SHUTDOWN, after subscribed+1564, task-1 terminal+22']],
    ['pods/16-bad-bytes', ['+0 LAUNCH task-1, after subscribed+4', '+1557 SHUTDOWN, after subscribed+1561, task-1 terminal+23']],
    ['pods/17-job-fails', ['+0 LAUNCH task-1, after subscribed+2', '+1549 SHUTDOWN, after subscribed+1551, task-1 terminal+19']],
    ['pods/18-same-pod-twice', [
      '+0 LAUNCH task-1, after subscribed+2', '+1838 LAUNCH task-2, after subscribed+1840, task-1 running+1814',
      '+2991 KILL task-1, after subscribed+4831, task-1 running+4805, task-2 running+2985', '+3 KILL task-2, after subscribed+4834, task-1 running+4808, task-2 running+2988',
      '+20 SHUTDOWN, after subscribed+4854, task-1 terminal+20, task-2 terminal+17',
    ]],
    ['protocol/d-json-update-while-agent-recovering', ['+0 LAUNCH task-1, after subscribed+0', '+3593 down, after subscribed+3593, task-1 running+3578', '+2150 up 1x404 366ms503 1970ms503-updates']],
    ['protocol/d-json-agent-kill9-no-checkpoint', ['+0 LAUNCH task-1, after subscribed+5', '+3615 down, after subscribed+3620, task-1 running+3593']],
    ['protocol/l-drop-and-resubscribe', ['+0 LAUNCH task-1, after subscribed+2']],
  ])('%s', (file, steps) => {
    expect(planOf(file).steps.map(line)).toEqual(steps);
  });

  it('a recording says what else a replay needs to know', () => {
    expect(planOf('pods/10-shutdown')).toMatchObject({ contentType: 'application/x-protobuf', shutdownGraceMs: 8_000, messagesAnswered: 0, endsWithShutdown: true });
    expect(planOf('pods/12-message')).toMatchObject({ contentType: 'application/json', shutdownGraceMs: 5_000, messagesAnswered: 1 });
    expect(planOf('protocol/l-drop-and-resubscribe')).toMatchObject({ endsWithShutdown: false });
  });

  it('a stream that only the agent breaks has a disconnection', () => {
    const text = readFileSync(new URL('../../../recordings/pods/01-nginx-kill.jsonl', import.meta.url), 'utf8');
    const lines = text.split('\n');
    const at = (part: object): string => JSON.stringify({ conn: 1, from: 'agent', ...part });
    // After RUNNING: the stream's connection is closed by the agent while the other one goes on.
    lines.splice(15, 0, at({ t: 1_000, connection: 'close' }), JSON.stringify({ t: 1_010, conn: 2, from: 'executor', call: { type: 'HEARTBEAT' } }), JSON.stringify({ t: 1_012, conn: 2, from: 'agent', status: 202 }), at({ t: 1_500, conn: 3, status: 200 }));
    const kinds = planReplay(readRecording(lines.join('\n'))).steps.map((step) => step.kind);
    expect(kinds).toEqual(['event', 'disconnect', 'event', 'event']);
  });

  it('a grace that is no duration is refused by name', () => {
    const text = readFileSync(new URL('../../../recordings/pods/01-nginx-kill.jsonl', import.meta.url), 'utf8');
    expect(() => planReplay(readRecording(text.replace('"5secs"', '"soon"')))).toThrow('line 1, environment.MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD');
  });
});
