import { isObject, numberAt, objectAt, objectsAt, textAt, type JsonObject } from '../json.ts';
import type { KubernetesObject } from '../types.ts';
import { since } from './age.ts';

/** The cells of a pod: name, ready, status, restarts, age, and wide IP, node, nominated node, readiness gates. Kubernetes pkg/printers/internalversion printPod. */
export function podCells(pod: KubernetesObject, now: number): unknown[] {
  const { ready, total, word, restarts, lastRestart } = summarize(pod);
  const spec = objectAt(pod, 'spec');
  const status = objectAt(pod, 'status');
  const age = lastRestart === '' || restarts === 0 ? '' : ` (${since(lastRestart, now)} ago)`;
  return [
    pod.metadata.name,
    `${ready}/${total}`,
    word,
    `${restarts}${age}`,
    since(pod.metadata.creationTimestamp, now),
    textAt(objectsAt(status, 'podIPs')[0], 'ip') || textAt(status, 'podIP') || '<none>',
    textAt(spec, 'nodeName') || '<none>',
    textAt(status, 'nominatedNodeName') || '<none>',
    readinessGates(spec, status),
  ];
}

interface Summary {
  ready: number;
  total: number;
  word: string;
  restarts: number;
  /** Time of the latest end of a container that was started again; `''` without one. */
  lastRestart: string;
}

function summarize(pod: KubernetesObject): Summary {
  const spec = objectAt(pod, 'spec');
  const status = objectAt(pod, 'status');
  const sidecars = new Set(objectsAt(spec, 'initContainers').filter((container) => container['restartPolicy'] === 'Always').map((container) => textAt(container, 'name')));
  const gated = objectsAt(status, 'conditions').some((condition) => condition['type'] === 'PodScheduled' && condition['reason'] === 'SchedulingGated');
  const sum: Summary = {
    ready: 0,
    total: objectsAt(spec, 'containers').length + sidecars.size,
    word: gated ? 'SchedulingGated' : textAt(status, 'reason') || textAt(status, 'phase'),
    restarts: 0,
    lastRestart: '',
  };
  const initializing = countInitContainers(sum, status, sidecars, objectsAt(spec, 'initContainers').length);
  if (!initializing || isTrue(status, 'Initialized')) {
    const inits = objectsAt(status, 'initContainerStatuses').filter((container) => sidecars.has(textAt(container, 'name')));
    sum.restarts = inits.reduce((all, container) => all + numberAt(container, 'restartCount'), 0);
    sum.lastRestart = inits.reduce((latest, container) => later(latest, container), '');
    countContainers(sum, status);
  }
  if (pod.metadata.deletionTimestamp !== undefined) {
    if (status['reason'] === 'NodeLost') sum.word = 'Unknown';
    else if (status['phase'] !== 'Succeeded' && status['phase'] !== 'Failed') sum.word = 'Terminating';
  }
  return sum;
}

/** Returns whether an init container still has to end. */
function countInitContainers(sum: Summary, status: JsonObject, sidecars: ReadonlySet<string>, declared: number): boolean {
  for (const [i, container] of objectsAt(status, 'initContainerStatuses').entries()) {
    sum.restarts += numberAt(container, 'restartCount');
    sum.lastRestart = later(sum.lastRestart, container);
    const { terminated, waiting } = statesOf(container);
    if (terminated !== undefined && numberAt(terminated, 'exitCode') === 0) continue;
    if (sidecars.has(textAt(container, 'name')) && container['started'] === true) {
      if (container['ready'] === true) sum.ready += 1;
      continue;
    }
    if (terminated !== undefined) sum.word = `Init:${endWord(terminated)}`;
    else if (waiting !== undefined && textAt(waiting, 'reason') !== '' && waiting['reason'] !== 'PodInitializing') sum.word = `Init:${textAt(waiting, 'reason')}`;
    else sum.word = `Init:${i}/${declared}`;
    return true;
  }
  return false;
}

function countContainers(sum: Summary, status: JsonObject): void {
  let running = false;
  for (const container of objectsAt(status, 'containerStatuses').reverse()) {
    sum.restarts += numberAt(container, 'restartCount');
    sum.lastRestart = later(sum.lastRestart, container);
    const { terminated, waiting } = statesOf(container);
    if (textAt(waiting, 'reason') !== '') sum.word = textAt(waiting, 'reason');
    else if (terminated !== undefined) sum.word = endWord(terminated);
    else if (container['ready'] === true && isObject(objectAt(container, 'state')['running'])) {
      running = true;
      sum.ready += 1;
    }
  }
  if (sum.word === 'Completed' && running) sum.word = isTrue(status, 'Ready') ? 'Running' : 'NotReady';
}

function statesOf(container: JsonObject): { terminated: JsonObject | undefined; waiting: JsonObject | undefined } {
  const { terminated, waiting } = objectAt(container, 'state');
  return { terminated: isObject(terminated) ? terminated : undefined, waiting: isObject(waiting) ? waiting : undefined };
}

function endWord(terminated: JsonObject): string {
  const signal = numberAt(terminated, 'signal');
  return textAt(terminated, 'reason') || (signal !== 0 ? `Signal:${signal}` : `ExitCode:${numberAt(terminated, 'exitCode')}`);
}

function later(time: string, container: JsonObject): string {
  const finished = textAt(objectAt(objectAt(container, 'lastState'), 'terminated'), 'finishedAt');
  return finished > time ? finished : time;
}

function isTrue(status: JsonObject, type: string): boolean {
  return objectsAt(status, 'conditions').some((condition) => condition['type'] === type && condition['status'] === 'True');
}

function readinessGates(spec: JsonObject, status: JsonObject): string {
  const gates = objectsAt(spec, 'readinessGates');
  return gates.length === 0 ? '<none>' : `${gates.filter((gate) => isTrue(status, textAt(gate, 'conditionType'))).length}/${gates.length}`;
}
