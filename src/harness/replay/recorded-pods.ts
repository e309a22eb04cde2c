import type { TaskInfo } from '../../mesos/index.ts';
import { defaultPod, parsePod, validatePod, type Pod } from '../../pod/index.ts';
import type { Recording } from '../record/index.ts';

/**
 * The pods of a recording's tasks that a cluster would know: with namespace and uid, and valid. Each once, as `kubectl`
 * left them. The others came from a framework alone, and no API ever held them.
 */
export async function recordedPods(recording: Recording): Promise<Pod[]> {
  const pods = new Map<string, Pod>();
  for (const { data } of recordedTasks(recording)) {
    const pod = data === undefined ? undefined : await knownPod(data);
    if (pod?.metadata?.uid !== undefined) pods.set(pod.metadata.uid, pod);
  }
  return [...pods.values()];
}

async function knownPod(data: Uint8Array): Promise<Pod | undefined> {
  let pod: Pod;
  try {
    pod = await parsePod(data);
  } catch {
    return undefined; // what is no pod is the executor's to refuse
  }
  const { namespace, uid } = pod.metadata ?? {};
  if (namespace === undefined || uid === undefined) return undefined;
  return 'pod' in validatePod(defaultPod(pod, { uid })) ? pod : undefined;
}

/** `namespace/name` of each task's pod, for those whose data can be read. */
export async function podNames(recording: Recording): Promise<Map<string, string>> {
  const names = new Map<string, string>();
  for (const { task_id, data } of recordedTasks(recording)) {
    if (data === undefined) continue;
    try {
      const { metadata } = await parsePod(data);
      names.set(task_id.value, `${metadata?.namespace ?? 'default'}/${metadata?.name ?? '?'}`);
    } catch {
      names.set(task_id.value, `${data.length} bytes, no pod`);
    }
  }
  return names;
}

function recordedTasks(recording: Recording): TaskInfo[] {
  return recording.entries.flatMap((entry) => {
    if (entry.kind !== 'event') return [];
    const { event } = entry;
    if (event.type === 'LAUNCH') return [event.launch.task];
    return event.type === 'LAUNCH_GROUP' ? (event.launch_group.task_group.tasks ?? []) : [];
  });
}
