import { expect, test } from 'vitest';

import { podActions, type PodAction } from '../../../src/pod/index.ts';
import { type Row, withEachPolicy } from './pod-shorthand.ts';
import { actionsInput } from './samples.ts';

/** Its sandbox is well, nothing waits for a back-off. `restart` is a start with the next attempt after an end, which is remembered as a crash. */
const TABLE: readonly Row[] = [
  // regular containers
  ['what was never started is started', 'a', '', 'start a'],
  ['what was created and not started is started as the same attempt', 'a', 'a=new', 'start a'],
  ['what runs stays', 'a', 'a=run', 'nothing'],
  ['what cannot be inspected is left alone', 'a', 'a=lost', 'nothing'],
  ['success', 'a', 'a=ok', 'restart a', 'end', 'end'],
  ['failure', 'a', 'a=fail', 'restart a', 'restart a', 'end'],
  ['death by the memory limit', 'a', 'a=oom', 'restart a', 'restart a', 'end'],
  ['a start that Docker refused', 'a', 'a=dead', 'restart a', 'restart a', 'end'],
  ['a failed liveness probe', 'a', 'a=run!live', 'kill a (liveness), start a 1', 'kill a (liveness), start a 1', 'end'],
  ['a failed startup probe', 'a', 'a=run!start', 'kill a (startup), start a 1', 'kill a (startup), start a 1', 'end'],
  ['a startup probe that has not passed holds nothing back', 'a', 'a=run~', 'nothing'],
  ['another image replaces the container', 'a', 'a=run!image', 'kill a (spec-changed), start a 1'],
  ['a failed postStart hook', 'a', 'a=run!hook', 'kill a (post-start-failed)'],
  ['one of two succeeded', 'a b', 'a=ok b=run', 'restart a', 'nothing', 'nothing'],
  ['one of two failed', 'a b', 'a=fail b=run', 'restart a', 'restart a', 'nothing'],
  ['both succeeded', 'a b', 'a=ok b=ok', 'restart a, restart b', 'end', 'end'],
  ['one succeeded, one failed', 'a b', 'a=ok b=fail', 'restart a, restart b', 'restart b', 'end'],
  ['both failed', 'a b', 'a=fail b=oom', 'restart a, restart b', 'restart a, restart b', 'end'],
  ['one failed before the other was started', 'a b', 'a=fail', 'restart a, start b', 'restart a, start b', 'start b'],
  ['one succeeded before the other was started', 'a b', 'a=ok b=new', 'restart a, start b', 'start b', 'start b'],
  ['a failed liveness probe of one of two', 'a b', 'a=run!live b=run', 'kill a (liveness), start a 1', 'kill a (liveness), start a 1', 'kill a (liveness)'],
  ['another image of one of two', 'a b', 'a=run!image b=run', 'kill a (spec-changed), start a 1'],
  ['one ended while the other cannot be inspected', 'a b', 'a=ok b=lost', 'restart a', 'nothing', 'nothing'],

  // init containers
  ['the first init container comes first', 'i1 i2 | a', '', 'start i1'],
  ['an init container that runs is waited for', 'i1 i2 | a', 'i1=run', 'nothing'],
  ['an init container that was created and not started', 'i1 i2 | a', 'i1=new', 'start i1'],
  ['an init container that cannot be inspected is waited for', 'i1 i2 | a', 'i1=lost', 'nothing'],
  ['an init container ended well: the next', 'i1 i2 | a', 'i1=ok', 'start i2'],
  ['the next init container was created and not started', 'i1 i2 | a', 'i1=ok i2=new', 'start i2'],
  ['a failed init container', 'i1 i2 | a', 'i1=fail', 'restart i1', 'restart i1', 'end'],
  ['an init container dead by its memory limit', 'i1 i2 | a', 'i1=oom', 'restart i1', 'restart i1', 'end'],
  ['an init container that Docker did not start', 'i1 i2 | a', 'i1=dead', 'restart i1', 'restart i1', 'end'],
  ['the last init container runs', 'i1 i2 | a', 'i1=ok i2=run', 'nothing'],
  ['the last init container failed', 'i1 i2 | a', 'i1=ok i2=fail', 'restart i2', 'restart i2', 'end'],
  ['all init containers ended well: the containers', 'i1 i2 | a b', 'i1=ok i2=ok', 'start a, start b'],
  ['an earlier init container that was cleaned up does not come again', 'i1 i2 | a', 'i2=ok', 'start a'],
  ['init containers that were cleaned up do not come again', 'i1 i2 | a', 'a=run', 'nothing'],
  ['a failed init container is of the past once a container runs', 'i1 | a', 'i1=fail a=run', 'nothing'],
  ['another image of a running init container replaces nothing', 'i1 | a', 'i1=run!image', 'nothing'],
  ['success after the init containers', 'i1 | a', 'i1=ok a=ok', 'restart a', 'end', 'end'],
  ['failure after the init containers', 'i1 | a', 'i1=ok a=fail', 'restart a', 'restart a', 'end'],

  // sidecars
  ['the sidecar comes first', 's1 | a', '', 'start s1'],
  ['a sidecar that was created and not started', 's1 | a', 's1=new', 'start s1'],
  ['a sidecar that runs lets the containers begin', 's1 | a', 's1=run', 'start a'],
  ['a sidecar whose startup probe has not passed does not', 's1 | a', 's1=run~', 'nothing'],
  ['a sidecar whose startup probe has passed does', 's1 | a', 's1=run+', 'start a'],
  ['a sidecar whose startup probe failed is replaced', 's1 | a', 's1=run!start', 'kill s1 (startup), start s1 1'],
  ['a sidecar that cannot be inspected is waited for', 's1 | a', 's1=lost', 'nothing'],
  ['a sidecar that failed before its time is started again', 's1 | a', 's1=fail', 'restart s1'],
  ['a sidecar that ended well before its time is started again', 's1 | a', 's1=ok', 'restart s1'],
  ['a sidecar that Docker did not start is tried again', 's1 | a', 's1=dead', 'restart s1'],
  ['all is well', 's1 | a', 's1=run a=run', 'nothing'],
  ['a sidecar that failed beside the container is started again', 's1 | a', 's1=fail a=run', 'restart s1'],
  ['a sidecar that ended well beside the container is started again', 's1 | a', 's1=ok a=run', 'restart s1'],
  ['a sidecar dead by its memory limit is started again', 's1 | a', 's1=oom a=run', 'restart s1'],
  ['a sidecar that cannot be inspected is left alone', 's1 | a', 's1=lost a=run', 'nothing'],
  ['a sidecar of which nothing is left is started', 's1 | a', 'a=run', 'start s1'],
  ['a sidecar with a failed liveness probe is replaced', 's1 | a', 's1=run!live a=run', 'kill s1 (liveness), start s1 1'],
  ['a sidecar with another image is replaced', 's1 | a', 's1=run!image a=run', 'kill s1 (spec-changed), start s1 1'],
  ['a sidecar whose postStart hook failed is killed', 's1 | a', 's1=run!hook a=run', 'kill s1 (post-start-failed)'],
  ['a restarted sidecar that has not started holds no container back', 's1 | a', 's1=run~ a=fail', 'restart a', 'restart a', 'end'],
  ['success beside a sidecar ends the pod', 's1 | a', 's1=run a=ok', 'restart a', 'end', 'end'],
  ['failure beside a sidecar', 's1 | a', 's1=run a=fail', 'restart a', 'restart a', 'end'],
  ['a sidecar keeps no finished pod alive', 's1 | a b', 's1=run a=ok b=ok', 'restart a, restart b', 'end', 'end'],
  ['a sidecar stays while one container runs', 's1 | a b', 's1=run a=ok b=run', 'restart a', 'nothing', 'nothing'],
  ['a sidecar is started again while one container runs', 's1 | a b', 's1=fail a=ok b=run', 'restart s1, restart a', 'restart s1', 'restart s1'],
  ['a sidecar that ended with the last container stays down', 's1 | a', 's1=fail a=ok', 'restart s1, restart a', 'end', 'end'],
  ['a sidecar and a container that failed', 's1 | a', 's1=fail a=fail', 'restart s1, restart a', 'restart s1, restart a', 'end'],
  ['a sidecar to be replaced is not, when the pod is over', 's1 | a', 's1=run!live a=ok', 'kill s1 (liveness), start s1 1, restart a', 'end', 'end'],

  // sidecars among init containers
  ['the init container comes after the sidecar', 's1 i1 | a', 's1=run', 'start i1'],
  ['an init container beside its sidecar is waited for', 's1 i1 | a', 's1=run i1=run', 'nothing'],
  ['a sidecar is kept up for an init container', 's1 i1 | a', 's1=fail i1=run', 'restart s1'],
  ['a sidecar of which nothing is left is started for an init container', 's1 i1 | a', 'i1=run', 'start s1'],
  ['a sidecar is replaced beside an init container', 's1 i1 | a', 's1=run!live i1=run', 'kill s1 (liveness), start s1 1'],
  ['an init container failed beside its sidecar', 's1 i1 | a', 's1=run i1=fail', 'restart i1', 'restart i1', 'end'],
  ['a sidecar and an init container failed', 's1 i1 | a', 's1=fail i1=fail', 'restart s1, restart i1', 'restart s1, restart i1', 'end'],
  ['an init container ended well beside its sidecar', 's1 i1 | a', 's1=run i1=ok', 'start a'],
  ['a sidecar failed when the last init container ended well', 's1 i1 | a', 's1=fail i1=ok', 'restart s1, start a'],
  ['the sidecar comes after the init container', 'i1 s1 | a', 'i1=ok', 'start s1'],
  ['no sidecar after an init container that failed', 'i1 s1 | a', 'i1=fail', 'restart i1', 'restart i1', 'end'],
  ['a sidecar failed after the init container', 'i1 s1 | a', 'i1=ok s1=fail', 'restart s1'],
  ['a sidecar runs after the init container', 'i1 s1 | a', 'i1=ok s1=run', 'start a'],
  ['the second sidecar comes after the first', 's1 s2 | a', 's1=run', 'start s2'],
  ['the second sidecar waits for the startup probe of the first', 's1 s2 | a', 's1=run~', 'nothing'],
  ['the containers wait for the startup probe of the last sidecar', 's1 s2 | a', 's1=run s2=run~', 'nothing'],
  ['the first sidecar is kept up while the second starts', 's1 s2 | a', 's1=fail s2=run~', 'restart s1'],
  ['the first sidecar failed when the second has started', 's1 s2 | a', 's1=fail s2=run', 'restart s1, start a'],
  ['two sidecars run', 's1 s2 | a', 's1=run s2=run', 'start a'],
  ['two sidecars failed beside the container', 's1 s2 | a', 's1=fail s2=oom a=run', 'restart s1, restart s2'],
  ['one of two sidecars is replaced', 's1 s2 | a', 's1=run s2=run!live a=run', 'kill s2 (liveness), start s2 1'],
  ['two sidecars and success', 's1 s2 | a', 's1=run s2=run a=ok', 'restart a', 'end', 'end'],
  ['all is over', 's1 s2 | a', 's1=fail s2=ok a=ok', 'restart s1, restart s2, restart a', 'end', 'end'],
];

test.each(withEachPolicy(TABLE))('%s', (_name, given, expected) => {
  const actions = podActions(actionsInput(given));
  expect(actions.map(told).join(', ') || 'nothing').toBe(expected);
});

test('nothing is started for a pod that is being deleted', () => {
  for (const [name, given, expected] of withEachPolicy(TABLE)) {
    const { pod } = given;
    const deleted = { ...pod, metadata: { ...pod.metadata, deletionTimestamp: '2026-01-02T03:04:05Z' } };
    const kinds = podActions(actionsInput({ ...given, pod: deleted })).map(({ kind }) => kind);
    expect(kinds, `${name} (else: ${expected})`).not.toContain('start-container');
  }
});

function told(action: PodAction): string {
  switch (action.kind) {
    case 'kill-pod':
      return action.reason === 'completed' ? 'end' : action.reason;
    case 'create-sandbox':
      return `sandbox ${action.attempt}`;
    case 'kill-container':
      return `kill ${action.name} (${action.why})`;
    case 'start-container':
      if (action.init !== /^[is]/.test(action.name)) throw new Error(`${action.name} is started as another kind of container`);
      if (action.crashBackoff !== undefined) return action.attempt === 1 ? `restart ${action.name}` : `restart ${action.name} ${action.attempt}`;
      return action.attempt === 0 ? `start ${action.name}` : `start ${action.name} ${action.attempt}`;
    case 'back-off':
      return `back-off ${action.name}`;
  }
}
