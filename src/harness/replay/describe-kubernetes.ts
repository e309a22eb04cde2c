import type { Pod } from '../../pod/index.ts';
import type { ApiChange, ApiRequest, KubernetesObject } from '../kubernetes-api/index.ts';
import type { Description } from './timeline.ts';

/** What changed in the API, or undefined where nobody would look: leases, heartbeats of nodes, a status that says the same. */
export function describeChange(change: ApiChange, before: KubernetesObject | undefined): Description | undefined {
  switch (change.object.kind) {
    case 'Pod':
      return describePod(change, before as Pod | undefined);
    case 'Event':
      return describeKubernetesEvent(change);
    case 'Node':
      return change.type === 'MODIFIED' ? undefined : { text: `node ${change.object.metadata.name} ${change.type === 'ADDED' ? 'registered' : 'deleted'}`, tone: 'plain' };
    default:
      return undefined;
  }
}

/** A request that the API refused; the executor is expected to ask for things that are not there. */
export function describeRefusal({ method, path, status }: ApiRequest): Description | undefined {
  if (status < 400 || status === 404) return undefined;
  return { text: `${method} ${path.replace(/\?.*$/, '')} → ${status}`, tone: status === 409 ? 'quiet' : 'bad' };
}

function describePod({ type, object }: ApiChange, before: Pod | undefined): Description | undefined {
  const name = `${object.metadata.namespace ?? ''}/${object.metadata.name}`;
  if (type === 'DELETED') return { text: `${name} deleted`, tone: 'plain' };
  const pod = object as unknown as Pod;
  const [now, then] = [factsOf(pod), before === undefined ? new Map<string, string>() : factsOf(before)];
  const news = [...now].filter(([key, value]) => then.get(key) !== value).map(([, value]) => value);
  if (type === 'ADDED') return { text: [`${name} created`, ...news].join(', '), tone: 'plain' };
  return news.length === 0 ? undefined : { text: `${name} ${news.join(', ')}`, tone: 'plain' };
}

/** What a pod's line may tell, by what it is about; only what has changed is printed. */
function factsOf(pod: Pod): Map<string, string> {
  const facts = new Map<string, string>();
  const { status } = pod;
  if (pod.spec?.nodeName !== undefined) facts.set('node', `bound to ${pod.spec.nodeName}`);
  if (pod.metadata?.deletionTimestamp !== undefined) facts.set('deletion', `to be deleted, grace ${String(pod.metadata.deletionGracePeriodSeconds ?? '?')} s`);
  if (status?.phase !== undefined) facts.set('phase', status.phase);
  if (status?.reason !== undefined) facts.set('reason', status.reason);
  for (const { type, status: value } of status?.conditions ?? []) facts.set(`condition ${type}`, `${value === 'True' ? '+' : '-'}${type}`);
  for (const container of [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])]) {
    const { waiting, terminated } = container.state ?? {};
    const word = waiting !== undefined ? waiting.reason : terminated !== undefined ? `${terminated.reason ?? 'terminated'} (${terminated.exitCode})` : 'running';
    if (word !== undefined && word !== 'ContainerCreating' && word !== 'PodInitializing') facts.set(`container ${container.name}`, `${container.name} ${word}`);
    if (container.restartCount > 0) facts.set(`restarts ${container.name}`, `${container.name} restarted ${container.restartCount} times`);
  }
  if (status?.podIP !== undefined && status.podIP !== '') facts.set('ip', status.podIP);
  return facts;
}

function describeKubernetesEvent({ type, object }: ApiChange): Description | undefined {
  if (type === 'DELETED') return undefined;
  const { type: severity, reason, message, count, involvedObject } = object as KubernetesObject & { type?: string; reason?: string; message?: string; count?: number; involvedObject?: { kind?: string; name?: string } };
  const times = count === undefined || count < 2 ? '' : ` (${count} times)`;
  const line = `event ${involvedObject?.name ?? ''} ${reason ?? ''}: ${(message ?? '').replace(/\s+/g, ' ').slice(0, 120)}${times}`;
  return { text: line, tone: severity === 'Warning' ? 'bad' : 'quiet' };
}
