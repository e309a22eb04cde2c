import { type Clock, KmError, messageOf } from '../base/index.ts';
import { type ClaimedVolume, claimVolumes, dataKey, type DataObject, type DataRef, type NodeAllocatable, usedVolumes, type ValidPod } from '../pod/index.ts';
import type { Logger } from '../telemetry/index.ts';
import type { RuntimeMeasures } from './measures.ts';
import type { PodSources } from './pod-sources.ts';

/** What is asked of the pod that has the volumes; a `PodContext` is one. */
export interface VolumesOwner {
  readonly node: { readonly clock: Clock; readonly logger: Logger; readonly rootDir: string; readonly sources: () => PodSources | undefined; readonly measures?: RuntimeMeasures };
  readonly pod: ValidPod;
  readonly uid: string;
  readonly nodeAllocatable: NodeAllocatable;
  tell(type: 'Normal' | 'Warning', reason: string, message: string): void;
}

/** Secrets and config maps by `dataKey`; those that the API does not have are not in it. Throws code `unavailable` when nobody knows. */
export async function objectsOf(context: VolumesOwner, refs: readonly DataRef[], signal: AbortSignal): Promise<Map<string, DataObject>> {
  const objects = new Map<string, DataObject>();
  if (refs.length === 0) return objects;
  const sources = sourcesOf(context);
  await Promise.all(refs.map(async (ref) => {
    const object = await sources.object(context.pod, ref, signal);
    if (object !== undefined) objects.set(dataKey(ref), object);
  }));
  return objects;
}

/** What the pod's claims have got, by volume name. Throws in the words that the kubelet has for volumes that it cannot get hold of. */
export async function claimedVolumes(context: VolumesOwner, signal: AbortSignal): Promise<Map<string, ClaimedVolume>> {
  const found = new Map<string, ClaimedVolume>();
  const failures: unknown[] = [];
  const wanted = claimVolumes(context.pod);
  for (const volume of wanted) {
    try {
      found.set(volume.name, await sourcesOf(context).claimed(context.pod, volume, signal));
    } catch (error) {
      if (signal.aborted) throw error;
      failures.push(error);
    }
  }
  if (failures.length === 0) return found;
  const unmounted = wanted.filter(({ name }) => !found.has(name)).map(({ name }) => name);
  const all = usedVolumes(context.pod).map(({ name }) => name);
  const code = failures[0] instanceof KmError ? failures[0].code : 'internal';
  const message = `Unable to attach or mount volumes: unmounted volumes=[${unmounted.join(' ')}], unattached volumes=[${all.join(' ')}]: ${failures.map(messageOf).join('; ')}`;
  throw new KmError(code, message, { cause: failures[0] });
}

/** Throws code `workload` on a node without an API. */
export function sourcesOf({ node }: VolumesOwner): PodSources {
  const sources = node.sources();
  if (sources === undefined) throw new KmError('workload', 'secrets, config maps and tokens come from a Kubernetes API, and this node has none');
  return sources;
}
