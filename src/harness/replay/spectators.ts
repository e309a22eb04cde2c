import type { Clock } from '../../base/index.ts';
import type { AgentEmulator } from '../agent/index.ts';
import type { EmbeddedApi, KubernetesObject } from '../kubernetes-api/index.ts';
import { describeChange, describeRefusal } from './describe-kubernetes.ts';
import { describeCall, describeConnection, describeEvent, describeUpdate } from './describe-mesos.ts';
import type { Timeline } from './timeline.ts';

/** Writes down what goes between agent and executor. */
export function watchAgent(agent: AgentEmulator, timeline: Timeline, pods: ReadonlyMap<string, string>): void {
  agent.onEvent((event, at) => timeline.add('agent', at, describeEvent(event, agent.tasks, (taskId) => pods.get(taskId))));
  agent.onCall((call) => timeline.add('executor', call.at, describeCall(call)));
  agent.onUpdate((update) => timeline.add(update.from, update.at, describeUpdate(update)));
  agent.onConnection((event) => {
    const said = describeConnection(event);
    if (said !== undefined) timeline.add(said.lane, event.at, said.description);
  });
}

/** Writes down what the API has seen of pods, events and nodes. */
export function watchApi(api: EmbeddedApi, timeline: Timeline, clock: Clock): void {
  const last = new Map<string, KubernetesObject>();
  api.onChange((change) => {
    const { kind, metadata } = change.object;
    const key = `${kind} ${metadata.namespace ?? ''}/${metadata.name}`;
    timeline.add('kubernetes', clock.now(), describeChange(change, last.get(key)));
    if (change.type === 'DELETED') last.delete(key);
    else last.set(key, change.object);
  });
  api.onRequest((request) => timeline.add('kubernetes', request.time, describeRefusal(request)));
}
