import { KmError } from '../base/index.ts';
import type { PodNetwork } from '../network/index.ts';
import { type Engine, type InspectedContainer, LABELS, observe } from '../docker/index.ts';
import type { ObservedContainer } from '../pod/index.ts';
import { readTerminationMessage } from '../volumes/index.ts';

/** A container and the pod that it is part of. */
export interface PodContainer {
  readonly uid: string;
  readonly container: ObservedContainer;
}

/** Looks at one container; `before` is what was seen last. Throws code `not-found` when Docker has no such container. */
export type ObserveContainer = (id: string, before: ObservedContainer | undefined, signal: AbortSignal) => Promise<PodContainer>;

/** Longest termination message, and longest tail of the log in its place (Kubernetes v1.20 pkg/kubelet/container). */
const MESSAGE_BYTES = 4096;
const TAIL = { lines: 80, bytes: 2048 };

/** Reads a container through the Engine, the addresses of a sandbox whose network is not Docker's, and a termination message once there is one. */
export function containerObserver(engine: Engine, network: PodNetwork | undefined): ObserveContainer {
  return async (id, before, signal) => {
    const inspected = await engine.inspect(id, signal);
    const uid = inspected.labels[LABELS.podUid];
    const seen = observe(inspected);
    if (seen === undefined || uid === undefined) throw new KmError('not-found', `container ${id} is none of ours`);
    if (seen.kind === 'sandbox') return { uid, container: withAddresses(seen, inspected, network) };
    if (seen.state !== 'exited') return { uid, container: seen };
    if (before?.state === 'exited' && before.finishedAt === seen.finishedAt) return { uid, container: { ...seen, ...messageOf(before) } };
    const message = await terminationMessage(engine, inspected, seen, signal);
    return { uid, container: message === '' ? seen : { ...seen, terminationMessage: message } };
  };
}

function withAddresses(seen: ObservedContainer, { networkMode }: InspectedContainer, network: PodNetwork | undefined): ObservedContainer {
  if (network === undefined || networkMode !== 'none' || seen.state !== 'running') return seen;
  return { ...seen, ips: network.addresses(seen.id) };
}

function messageOf({ terminationMessage }: ObservedContainer): { terminationMessage?: string } {
  return terminationMessage === undefined ? {} : { terminationMessage };
}

async function terminationMessage(engine: Engine, { id, labels }: InspectedContainer, seen: ObservedContainer, signal: AbortSignal): Promise<string> {
  const file = labels[LABELS.terminationMessageFile];
  const message = file === undefined ? '' : await readTerminationMessage(file, MESSAGE_BYTES);
  if (message !== '' || seen.exitCode === 0 || labels[LABELS.terminationMessagePolicy] !== 'FallbackToLogsOnError') return message;
  return engine.tailLog(id, TAIL, signal).catch(() => '');
}
